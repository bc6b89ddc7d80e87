"""The layer of an image that has the machine's own Python, at the paths it has here."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

# What a program can do without, and is large.
LEFT_OUT = frozenset(
    (
        *("site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter"),
        *("turtledemo", "ensurepip", "lib2to3", "pydoc_data"),
    )
)
# Optimised bytecode, which nobody runs.
LEFT_OUT_SUFFIXES = (".opt-1.pyc", ".opt-2.pyc", ".a")

FOLDERS = ("dev", "etc", "proc", "run", "sys", "tmp", "var")

# ldd(1): "name => path (address)", or the loader's path alone.
_LIBRARY = re.compile(r"(?:=> |^\s+)(/\S+) \(0x", re.MULTILINE)


def of_python(interpreter: Path, program: Path) -> bytes:
    """A tar archive with the interpreter, its standard library, and the libraries.

    They are also those that the extension modules in the tar archive ``program`` need.
    """
    files = [interpreter, *_standard_library()]
    libraries = {
        *_needed([interpreter, *(path for path in files if path.suffix == ".so")]),
        *_needed_in(program),
    }
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for folder in FOLDERS:
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(member)
        for path in sorted({*files, *libraries}):
            _add(tar, path)
    return out.getvalue()


def _add(tar: tarfile.TarFile, path: Path) -> None:
    """A file by this name, whatever links lead to it.

    Its time stays, in whole seconds: bytecode is good for a source of that time.
    """
    member = tar.gettarinfo(path.resolve(), arcname=str(path.relative_to("/")))
    member.type = tarfile.REGTYPE  # not a hard link to another member
    member.size = path.stat().st_size
    member.mtime = int(path.stat().st_mtime)
    member.uid = member.gid = 0
    with path.open("rb") as file:
        tar.addfile(member, file)


def _standard_library() -> Iterator[Path]:
    for key in ("stdlib", "platstdlib"):
        top = Path(sysconfig.get_path(key, vars=_BASE))
        for path in top.rglob("*"):
            wanted = not LEFT_OUT.intersection(path.relative_to(top).parts)
            if wanted and path.is_file() and not path.name.endswith(LEFT_OUT_SUFFIXES):
                yield path


# Not those of a virtual environment.
_BASE = {
    "base": sys.base_prefix,
    "platbase": sys.base_exec_prefix,
    "installed_base": sys.base_prefix,
    "installed_platbase": sys.base_exec_prefix,
}


def _needed(binaries: Iterable[Path]) -> set[Path]:
    """The shared libraries that the dynamic loader finds for these."""
    listed = subprocess.run(
        ["ldd", *binaries], capture_output=True, text=True, check=False
    )
    return {Path(path) for path in _LIBRARY.findall(listed.stdout)}


def _needed_in(archive: Path) -> set[Path]:
    with tempfile.TemporaryDirectory() as folder, tarfile.open(archive) as tar:
        modules = [each for each in tar if each.name.endswith(".so")]
        tar.extractall(folder, modules, filter="data")
        return _needed(Path(folder, each.name) for each in modules)
