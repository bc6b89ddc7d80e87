"""The file that a runtime writes a container's output to.

Source: Kubernetes, design proposal "CRI: Dockershim log path and format".
"""

from __future__ import annotations

from pathlib import Path


def read_log(path: Path) -> str:
    """What the container wrote, to its output and error stream alike."""
    return "".join(_text(line) for line in path.read_text().splitlines())


def _text(line: str) -> str:
    """The text of a line: ``<time> <stream> <P|F> <text>``. P marks a part of one."""
    _, _, tag, text = line.split(" ", 3)
    return text if tag == "P" else f"{text}\n"
