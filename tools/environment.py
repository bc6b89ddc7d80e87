"""Makes a virtual environment of this checkout, and again when its inputs change.

    tools/setup dev      .venv: the package, editable, and what tests and lint need
    tools/setup proto    .cache/proto-venv: the protoc that `make proto` runs
    tools/setup fuzz     .cache/fuzz-venv: the package and what `make fuzz` runs

An environment is complete when its last step has written a stamp with the digest of
everything that went into it; without that stamp it is made anew. So an interrupted
set-up mends itself, and a complete one needs no network and takes a moment.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
STAMP = "setup-complete"
# What pip says that tells how far it is; the rest is a line per package and file.
PROGRESS = ("Downloading ", "Building ")
# The tables of pyproject.toml that decide what is installed.
INSTALL_TABLES = ("build-system", "project", "dependency-groups")
INTERRUPTED = 128 + 2  # what a shell makes of SIGINT


class SetupError(Exception):
    """A step that failed, in words for the person at the terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A virtual environment: where it is, its exact versions, what goes into it."""

    folder: Path
    constraints: Path
    requirements: tuple[str, ...]

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"


ENVIRONMENTS = {
    "dev": Environment(
        folder=ROOT / ".venv",
        constraints=ROOT / "requirements" / "constraints.txt",
        requirements=("--editable", ".", "--group", "test", "--group", "lint"),
    ),
    "proto": Environment(
        folder=CACHE / "proto-venv",
        constraints=ROOT / "requirements" / "constraints-proto.txt",
        requirements=("--group", "proto"),
    ),
    "fuzz": Environment(
        folder=CACHE / "fuzz-venv",
        constraints=ROOT / "requirements" / "constraints-fuzz.txt",
        requirements=("--editable", ".", "--group", "fuzz"),
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environment", choices=ENVIRONMENTS)
    environment = ENVIRONMENTS[parser.parse_args(argv).environment]
    try:
        with one_at_a_time():
            complete(environment)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; the next run starts it anew", file=sys.stderr)
        return INTERRUPTED
    return 0


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Holds the lock of this checkout; the kernel frees it when the process ends."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this checkout")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def complete(environment: Environment) -> None:
    """Makes the environment, unless it is there and made of the same."""
    stamp = environment.folder / STAMP
    digest = fingerprint(environment)
    if stamp.is_file() and stamp.read_text() == digest and environment.python.exists():
        return
    stamp.unlink(missing_ok=True)
    create(environment)
    install(environment, pinned=True)
    stamp.write_text(digest)
    say(f"{name_of(environment.folder)} is ready")


def fingerprint(environment: Environment) -> str:
    """A digest of what decides the environment's content.

    The checkout's path is in it because a virtual environment can't be moved, the
    package's root module because it holds the version.
    """
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    inputs = [
        *(str(ROOT), sys.version, base_python(), *environment.requirements),
        *(pyproject.get(table) for table in INSTALL_TABLES),
        environment.constraints.read_text(),
        (ROOT / "src" / "nri_cdi" / "__init__.py").read_text(),
    ]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()


def create(environment: Environment) -> None:
    """An empty virtual environment; what was there before goes."""
    if importlib.util.find_spec("ensurepip") is None:
        install_venv_package()
    version = ".".join(map(str, sys.version_info[:3]))
    say(f"making {name_of(environment.folder)} with Python {version}, {base_python()}")
    step(base_python(), "-I", "-m", "venv", "--clear", str(environment.folder))


def install_venv_package() -> None:
    """Debian keeps what `python -m venv` needs in a package of its own."""
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise SetupError(
            f"this Python lacks ensurepip: install {package} and try again"
        )
    say(f"installing the Debian package {package}, which brings ensurepip")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    step("apt-get", "-qq", "update")
    step("apt-get", "-qq", "install", "--no-install-recommends", "-y", package)


def install(environment: Environment, *, pinned: bool) -> None:
    """Installs pip itself, then the rest with that pip, which knows `--group`.

    Not ``pinned`` means the newest versions that pyproject.toml allows.
    """
    pins = str(environment.constraints)
    constraint = ("--constraint", pins) if pinned else ()
    build_constraint = ("--build-constraint", pins) if pinned else ()
    say("installing pip")
    pip(environment, *constraint, "--upgrade", "pip")
    say(f"installing what {name_of(environment.folder)} needs")
    pip(environment, *constraint, *build_constraint, *environment.requirements)


def pip(environment: Environment, *arguments: str) -> None:
    """Runs `pip install` in the checkout, with a cache there; shows how far it is."""
    scratch = CACHE / "tmp"
    scratch.mkdir(exist_ok=True)
    settings = {
        "TMPDIR": str(scratch),  # an interrupted pip leaves folders behind
        "PIP_CACHE_DIR": str(CACHE / "pip"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    command = [str(environment.python), "-I", "-m", "pip", "install", *arguments]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None  # it is a pipe
        for line in process.stdout:
            if line.lstrip().startswith(PROGRESS):
                say(f"  {line.strip()}")
    if process.returncode != 0:
        raise SetupError(f"'pip install {' '.join(arguments)}' failed, see above")


def step(*command: str) -> None:
    """Runs a command; what it prints is shown.

    Raises:
        SetupError: it failed.
    """
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise SetupError(f"'{' '.join(command)}' failed, see above")


def base_python() -> str:
    """The interpreter itself, also when started from a virtual environment."""
    return str(Path(sys.executable).resolve())


def name_of(folder: Path) -> str:
    return str(folder.relative_to(ROOT))


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
