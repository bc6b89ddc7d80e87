"""The demo: a tutorial with mock GPUs, played on a real containerd."""
