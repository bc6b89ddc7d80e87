"""CDI devices for containers, on any runtime that speaks NRI.

The package root imports nothing, so that each program pays only for what it uses.
"""

__version__ = "0.1.0"
