"""The soak: containers without pause on a real containerd, while everything fails."""
