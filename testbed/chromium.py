"""Debian's chromium, unpacked but not installed, without a screen.

Each call is a process of its own with a fresh profile. It has no sandbox, as it runs as
root in the tests, and loads nothing but what the tests serve.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

from testbed import packages

LIMIT_S = 90

# The libraries lie where the package has them, and one package in a folder of its own.
_LIBRARY_DIRS = (
    "usr/lib/*-linux-gnu",
    "usr/lib/*-linux-gnu/pulseaudio",
    "lib/*-linux-gnu",
)

_FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{root}/usr/share/fonts</dir>
  <cachedir>{folder}/fonts</cachedir>
  <alias><family>system-ui</family><prefer><family>Inter</family></prefer></alias>
  <alias><family>sans-serif</family><prefer><family>Inter</family></prefer></alias>
  <alias>
    <family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer>
  </alias>
</fontconfig>
"""

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--no-first-run",
)

DARK = "--blink-settings=preferredColorScheme=0"
"""What has it ask for dark colours."""

NARROWEST = 500
"""Pixels that a window has at least. What is narrower needs a frame in the window."""


class Chromium:
    """A browser; ``folder`` is for its files."""

    def __init__(self, folder: Path) -> None:
        self._root = packages.fetch_with_libraries(*packages.CHROMIUM).root
        self._folder = folder
        self._fonts = folder / "fonts.conf"
        self._fonts.write_text(_FONTS.format(root=self._root, folder=folder))

    def version(self) -> str:
        """The version, such as ``150.0.7871.100``."""
        match = re.search(r"[0-9][0-9.]+", self._run("--version"))
        assert match is not None
        return match.group()

    def dom(self, url: str, *flags: str) -> str:
        """The page at ``url`` as HTML, once it is loaded and its scripts have run."""
        return self._run("--dump-dom", *flags, url)

    def screenshot(
        self, url: str, path: Path, width: int, height: int, *flags: str
    ) -> None:
        """A picture of the page at ``url``."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._run(
            f"--screenshot={path}", f"--window-size={width},{height}", *flags, url
        )
        assert path.exists(), f"chromium took no picture of {url}"

    def _run(self, *arguments: str) -> str:
        with tempfile.TemporaryDirectory(dir=self._folder) as profile:
            done = subprocess.run(
                [
                    self._root / "usr/lib/chromium/chromium",
                    *_FLAGS,
                    f"--user-data-dir={profile}",
                    *arguments,
                ],
                env={
                    "PATH": os.defpath,
                    "HOME": profile,
                    "LANG": "C.UTF-8",
                    "LD_LIBRARY_PATH": self._library_path(),
                    "FONTCONFIG_FILE": str(self._fonts),
                },
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=LIMIT_S,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _library_path(self) -> str:
        found = (path for each in _LIBRARY_DIRS for path in self._root.glob(each))
        return ":".join(map(str, found))
