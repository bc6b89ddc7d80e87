"""The image of deploy/Containerfile, built without a registry or a builder.

Its base is the machine's own Python: interpreter, standard library, and the shared
libraries that they need. What the Containerfile does on top of it is done to the
letter, in a folder and with an /opt of its own. It takes a while and the network, so
the result is kept below ``.cache`` until anything changes that goes into it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed import images, layers, packages
from testbed.containerfile import Instruction, Stage, parse

ROOT = Path(__file__).resolve().parent.parent
CONTAINERFILE = ROOT / "deploy/Containerfile"
PREFIX = Path("/opt/nri-cdi")
"""Where the image has the program, as the Containerfile says."""

IMAGE = "localhost/nri-cdi/python:test"

CACHE = packages.CACHE / "image"
IMAGE_FILE = "image.tar"

# /opt gets a layer above it in mounts of the build's own: its files go there, and what
# the machine has in /opt, its Python perhaps, stays visible.
OWN_OPT = """\
set -e
mount -t tmpfs build "$LAYER"
mkdir "$LAYER/opt" "$LAYER/work"
mount -t overlay opt -o "lowerdir=/opt,upperdir=$LAYER/opt,workdir=$LAYER/work" /opt
"""
KEEP_OPT = '\ntar --create --file "$LAYER.tar" --directory / opt/nri-cdi\n'


class ImageError(RuntimeError):
    """An image that can't be built; the text has what the build said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonImage:
    """A built image: ``folder`` holds its archive and the wheel that it has."""

    folder: Path

    @property
    def archive(self) -> Path:
        """An OCI layout that `testbed.containerd.Containerd.import_image` takes."""
        return self.folder / IMAGE_FILE

    @property
    def wheel(self) -> Path:
        """The project's wheel, as the build stage has made it."""
        (wheel,) = self.folder.glob("*.whl")
        return wheel


def build() -> PythonImage:
    """The image of the checkout as it is, from the cache or else anew.

    Raises: ImageError.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    with _locked():
        image = PythonImage(folder=CACHE / _fingerprint())
        if not image.folder.exists():
            _forget_others()
            print(f"building {IMAGE}", file=sys.stderr, flush=True)
            _build(image.folder)
    return image


def _build(folder: Path) -> None:
    first, last = parse(CONTAINERFILE.read_text())
    with tempfile.TemporaryDirectory(prefix=packages.PARTIAL, dir=CACHE) as scratch:
        work, done = Path(scratch, "work"), Path(scratch, "done")
        work.mkdir()
        done.mkdir()
        program = _run_stage(first, work)
        archive = images.archive(
            IMAGE,
            [layers.of_python(_interpreter(), program), program.read_bytes()],
            _settings(last),
            packages.architecture(),
        )
        (done / IMAGE_FILE).write_bytes(archive)
        (wheel,) = work.glob("wheels/*.whl")
        shutil.copy(wheel, done)
        done.rename(folder)


def _run_stage(stage: Stage, work: Path) -> Path:
    """Follow a stage in a folder; a tar archive with what it put into /opt comes back.

    Raises: ImageError.
    """
    script = [OWN_OPT]
    for each in stage.instructions:
        if each.keyword == "COPY":
            _copy(each, work)
        elif each.keyword == "RUN":
            script.append(each.text)
        elif each.keyword != "WORKDIR":  # that is ``work``
            raise ImageError(f"{CONTAINERFILE.name}: can't follow {each}")
    layer = work / "layer"
    layer.mkdir()
    command = ["unshare", "--mount", "sh", "-c", "\n".join(script) + KEEP_OPT]
    done = subprocess.run(
        command,
        cwd=work,
        env={**os.environ, "PATH": _path(work), "LAYER": str(layer)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ImageError(f"{CONTAINERFILE.name}: {done.stdout}{done.stderr}")
    return layer.with_suffix(".tar")


def _copy(instruction: Instruction, work: Path) -> None:
    """Copy what COPY names, the files of folders as those of the folder it names."""
    *sources, target = instruction.words
    for source in sources:
        path, to = ROOT / source, work / target
        if path.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(path, to, dirs_exist_ok=True, ignore=ignored)
        else:
            to = to / path.name if target.endswith("/") else to
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, to)


def _path(work: Path) -> str:
    """A PATH with ``python``: the machine's own, not that of our environment.

    It is started by its real name, which a virtual environment notes down.
    """
    program = work / "bin/python"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {_interpreter()} "$@"\n')
    program.chmod(0o755)
    return f"{program.parent}:{os.defpath}"


def _settings(stage: Stage) -> dict[str, object]:
    """What the last stage says of containers, as an image's ``config``.

    Its RUN instructions are about the base's file system: here it is another one.
    """
    return {
        "Entrypoint": stage.last("ENTRYPOINT"),
        "Cmd": stage.last("CMD"),
        "Env": [each.text for each in stage.all("ENV")],
        "User": stage.last("USER")[0],
    }


def _interpreter() -> Path:
    return Path(sys.executable).resolve()


def _fingerprint() -> str:
    """A digest of all that decides what the image has in it."""
    digest = hashlib.sha256(f"{sys.version} {_interpreter()}".encode())
    digest.update(sysconfig.get_platform().encode())
    for path in _inputs():
        digest.update(f"{path.relative_to(ROOT)}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _inputs() -> list[Path]:
    (first, _) = parse(CONTAINERFILE.read_text())
    sources = [ROOT / name for each in first.all("COPY") for name in each.words[:-1]]
    files = [CONTAINERFILE, Path(__file__), Path(layers.__file__)]
    for source in sources:
        files += source.rglob("*") if source.is_dir() else [source]
    return sorted(
        path for path in files if path.is_file() and path.parent.name != "__pycache__"
    )


def _forget_others() -> None:
    for path in CACHE.iterdir():
        if path.is_dir():
            shutil.rmtree(path)


@contextmanager
def _locked() -> Iterator[None]:
    with (CACHE / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
