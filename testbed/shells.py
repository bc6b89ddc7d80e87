"""Debian's zsh and fish, unpacked but not installed, in a terminal to type in."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed import packages

DEADLINE_S = 30
POLL_S = 0.1
READ_BYTES = 65536

SIZE = (50, 200)
"""Rows and columns: no line is broken, and no shell asks before it shows a list."""

TERM = "xterm"
"""fish shows nothing to choose from in a terminal that can do less. As ncurses-base
has it, Debian always knows it."""

ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[(].)")
"""A control sequence (ECMA-48, 5.4), or a choice of characters: colours and moves."""

PROMPT = "ready> "

SHOW_LINE = "\x07"
"""The key, Ctrl-G, at which a shell prints the line between LINE_BEGIN and LINE_END."""

LINE_BEGIN = "\x02"
LINE_END = "\x03"
REMOVE_LINE = "\x15"
"""Ctrl-U: what stands before the cursor goes."""

# A shell runs in mounts of its own, which end with it. In them its packages look
# installed, and what is written to /usr/share goes to a tmpfs.
INSTALLED = """\
set -e
mount -t tmpfs -o mode=755 written "$WRITTEN"
mkdir "$WRITTEN/share" "$WRITTEN/work"
mount -t overlay libraries -o "lowerdir=$LIBRARIES" "${LIBRARIES##*:}"
mount -t overlay share -o \
"lowerdir=$SHARES,upperdir=$WRITTEN/share,workdir=$WRITTEN/work" "${SHARES##*:}"
unset WRITTEN LIBRARIES SHARES
cd
exec "$@"
"""


class ShellError(RuntimeError):
    """A shell that does not do what it was to do; the text has what it showed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """One of Debian's shells.

    ``packages`` are what it needs, the first of which has the ``program``. ``startup``
    is the file in a home folder that it reads at its start, and ``setup`` what a
    `Terminal` writes there.
    """

    name: str
    packages: tuple[tuple[str, str], ...]
    program: str
    startup: str
    setup: str

    def command(self, *words: str) -> list[str]:
        """A command that runs in the mounts in which the shell is installed.

        It needs `environment`.
        """
        return ["unshare", "--mount", "sh", "-c", INSTALLED, self.name, *words]

    def path(self) -> str:
        """The shell itself."""
        return str(packages.fetch(*self.packages[0]).root / self.program)

    def environment(self, home: Path) -> dict[str, str]:
        """Variables of a user whose home is this folder, with programs in ``bin``.

        An empty folder ``written`` is made there.
        """
        roots = [packages.fetch(*each).root for each in self.packages]
        libraries = [each for root in roots for each in root.glob("usr/lib/*-linux-*")]
        shares = [root / "usr/share" for root in roots]
        (home / "written").mkdir(exist_ok=True)
        return {
            "HOME": str(home),
            "PATH": f"{home}/bin:{os.defpath}",
            "TERM": TERM,
            "LC_ALL": "C.UTF-8",
            "WRITTEN": f"{home}/written",
            "LIBRARIES": _layers(libraries, f"/usr/lib/{libraries[0].name}"),
            "SHARES": _layers(shares, "/usr/share"),
        }


ZSH = Shell(
    name="zsh",
    packages=packages.ZSH,
    program="bin/zsh",
    startup=".zshrc",
    # What most users have there, and Debian's own files leave to them, is compinit.
    setup=f"""\
autoload -Uz compinit && compinit
PS1='{PROMPT}'
show-line() {{ print -rn -- $'\\x02'"$BUFFER"$'\\x03' }}
zle -N show-line
bindkey '^G' show-line
""",
)
FISH = Shell(
    name="fish",
    packages=packages.FISH,
    program="usr/bin/fish",
    startup=".config/fish/config.fish",
    # Where it finds the folder, it doesn't read the machine's manuals behind our back.
    setup=f"""\
mkdir -p ~/.local/share/fish/generated_completions
set -g fish_greeting
set -g fish_autosuggestion_enabled 0
function fish_prompt; printf '{PROMPT}'; end
function fish_user_key_bindings
    bind \\cg 'printf "\\x02%s\\x03" (commandline | string collect)'
end
""",
)


class Terminal:
    """A shell in which someone types; its startup file in the home is written anew.

    ``before`` is a shell script that is run in the same mounts before it starts.
    """

    def __init__(self, shell: Shell, home: Path, *, before: str = ":") -> None:
        startup = home / shell.startup
        startup.parent.mkdir(parents=True, exist_ok=True)
        startup.write_text(shell.setup)
        self._shown = ""
        self._fd, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, SIZE)
        start = f'{before}\nexec setsid --ctty "$0" -i'
        command = shell.command("sh", "-e", "-c", start, shell.path())
        self._process = _started(command, theirs, shell.environment(home))
        os.close(theirs)

    def __enter__(self) -> Terminal:
        try:
            self.await_texts(PROMPT)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the shell, and wait until nobody has the terminal any more.

        Raises: ShellError, where somebody keeps it.
        """
        # unshare, sh and setsid became the shell. The kernel hangs up on the others.
        self._process.kill()
        self._process.wait()
        try:
            self._await_end()
        finally:
            os.close(self._fd)

    def line(self, keys: str) -> str:
        """Type this, with nothing else on the line, and give what it has become."""
        self._type(keys + SHOW_LINE)
        self.await_texts(LINE_BEGIN)
        line = self.await_texts(LINE_END).removesuffix(LINE_END)
        self._type(REMOVE_LINE)
        return line

    def type(self, keys: str, *until: str) -> str:
        """Type this, wait until all these texts are shown, and give what is shown."""
        self._type(keys)
        return self.await_texts(*until)

    def run(self, command: str) -> None:
        """Run a command to its end.

        Raises: ShellError, where it fails.
        """
        self.type(f"{command} && echo succ''eeded\r", "succeeded\r\n")
        self.await_texts(PROMPT)

    def await_texts(self, *texts: str) -> str:
        """What is shown up to the end of the last of these texts, in any order.

        What comes after it is kept for the next call. Raises: ShellError.
        """
        deadline = time.monotonic() + DEADLINE_S
        while missing := [text for text in texts if text not in self._shown]:
            if time.monotonic() > deadline or not self._read():
                raise ShellError(f"no {missing} in what is shown: {self._shown!r}")
        end = max(self._shown.index(text) + len(text) for text in texts)
        shown, self._shown = self._shown[:end], self._shown[end:]
        return shown

    def _type(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def _read(self) -> bool:
        """Read for a moment; false where there is nothing more to come."""
        if select.select([self._fd], [], [], POLL_S)[0]:
            try:
                read = os.read(self._fd, READ_BYTES)
            except OSError:  # EIO: no process has the other end open
                return False
            # All of it, as a sequence may come in pieces.
            self._shown = ESCAPE.sub("", self._shown + read.decode(errors="replace"))
        return True

    def _await_end(self) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while self._read():
            if time.monotonic() > deadline:
                raise ShellError("a process in the terminal does not end")


def _started(
    command: list[str], terminal: int, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment
    )


def _layers(folders: list[Path], own: str) -> str:
    """Folders as overlayfs takes them; the machine's own is the last."""
    return ":".join([*map(str, folders), own])
