"""Debian packages, fetched with apt and unpacked in the project's cache.

Nothing is installed: apt reads its own lists and an empty package database below
``.cache/<suite>/``, and ``dpkg -x`` unpacks. The machine's ``apt.conf.d`` still
applies, so that its proxy or mirror settings do. Once a package is unpacked it is used
as it is, without the network; to take a newer one, delete its folder.

``python -m testbed.packages`` fetches everything that the test bed needs.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

CACHE = Path(__file__).resolve().parent.parent / ".cache"

MIRROR = os.environ.get("NRI_CDI_DEBIAN_MIRROR", "http://deb.debian.org/debian")
"""Where packages come from. Plain http: apt verifies the signed checksums."""

MACHINE_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

FIRST_SUITE = "bookworm"
"""The suite that the machine's own keyring verifies on Debian 12 and later.

Its ``debian-archive-keyring`` is kept up to date with the keys of later suites, and
verifies those: the machine's own copy may be older than the keys of sid.
"""

PARTIAL = "partial-"
"""How the name of a folder begins that a download is still at work in."""

TRIES = 4
FIRST_PAUSE_S = 2
"""Pause after the first failed try; each further one is three times as long."""

KEYRING = (FIRST_SUITE, "debian-archive-keyring")

RUNC = (FIRST_SUITE, "runc")
"""1.1.5. Later suites' need glibc 2.38, and a Debian 12 machine has 2.36.

runc starts itself again through ``/proc/self/exe``, so no wrapper that calls another
dynamic loader helps.
"""

BUSYBOX = (FIRST_SUITE, "busybox-static")
CONTAINERD = {"2.1": ("sid", "containerd"), "1.7": ("trixie", "containerd")}

DOCKER = ("sid", "docker.io")
DOCKER_CLIENT = ("sid", "docker-cli")
"""Like the daemon, it needs no more of the machine than glibc 2.34 and libsystemd."""

PODMAN = ("trixie", "podman")
CONMON = (FIRST_SUITE, "conmon")
"""2.1.6. trixie's needs a newer glib than the machine may have."""

PODMAN_LIBC = ("trixie", "libc6")
PODMAN_LIBRARIES = (
    ("trixie", "libassuan9"),
    ("trixie", "libbsd0"),
    ("trixie", "libgpg-error0"),
    ("trixie", "libgpgme11t64"),
    ("trixie", "libmd0"),
    ("trixie", "libseccomp2"),
    ("trixie", "libsqlite3-0"),
    ("trixie", "libsubid5"),
    (FIRST_SUITE, "libglib2.0-0"),
)
"""What podman and conmon link to and a small Debian 12 lacks, or has too old."""

ZSH = ((FIRST_SUITE, "zsh"), (FIRST_SUITE, "zsh-common"))
FISH = (
    (FIRST_SUITE, "fish"),
    (FIRST_SUITE, "fish-common"),
    (FIRST_SUITE, "libpcre2-32-0"),
)
"""Shells, the package with the program first. apt and bash need the other libraries."""

SYSTEMD = (
    (FIRST_SUITE, "systemd"),
    (FIRST_SUITE, "libsystemd-shared"),
    (FIRST_SUITE, "libip4tc2"),
    (FIRST_SUITE, "libkmod2"),
    (FIRST_SUITE, "libssl3"),
)
"""For systemd-analyze: its own package first, then what a small Debian 12 lacks."""


CHROMIUM = (FIRST_SUITE, "chromium", "fonts-inter")
"""A browser, with fonts for its page. Its own suite's libraries fit a Debian 12."""

WITH_LIBRARIES = "+libraries"
"""What the name of a package ends with that has its dependencies in the same root."""

LEFT_OUT = frozenset(
    {
        # The machine has its own, and a newer one than this would be missed.
        *("libc6", "libcrypt1", "libgcc-s1", "libstdc++6", "gcc-12-base"),
        # For a screen, and for installing: some 150 MB.
        *("adwaita-icon-theme", "libgl1-mesa-dri", "libllvm15", "libz3-4"),
        *("libperl5.36", "perl", "perl-base", "perl-modules-5.36"),
        *("dpkg", "debconf", "passwd", "systemd", "tar", "x11-utils", "xdg-utils"),
    }
)
"""Dependencies that are not fetched with `fetch_with_libraries`."""


class PackageError(RuntimeError):
    """A package that can't be had; the text says what was tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An unpacked package. ``sha256`` is that of its ``.deb`` file, in hex."""

    suite: str
    name: str
    version: str
    architecture: str
    sha256: str

    @property
    def folder(self) -> Path:
        """What the package is kept in: ``package.json`` and ``root``."""
        # An epoch's colon would end the folder's name in PATH; apt writes it so, too.
        version = self.version.replace(":", "%3a")
        return CACHE / self.suite / f"{self.name}_{version}_{self.architecture}"

    @property
    def root(self) -> Path:
        """The folder that stands for ``/`` in the package's file names."""
        return self.folder / "root"

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.suite}, {self.architecture})"


def fetch(suite: str, name: str) -> Package:
    """The package, from the cache or else from Debian's archive.

    Raises: PackageError.
    """
    folder = CACHE / suite
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "lock"):
        package = _cached(suite, name)
        if package is None:
            print(f"fetching {name} from Debian {suite}", file=sys.stderr, flush=True)
            package = _download(suite, name)
    return package


def fetch_with_libraries(suite: str, name: str, *more: str) -> Package:
    """A package and ``more``, with what they depend on, all in one root.

    It is complete but for `LEFT_OUT`, and for what every machine has to have to start.

    Raises: PackageError.
    """
    folder = CACHE / suite
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "lock"):
        package = _cached(suite, name + WITH_LIBRARIES)
        if package is None:
            print(
                f"fetching {name} and its libraries from Debian {suite}",
                file=sys.stderr,
                flush=True,
            )
            package = _download(suite, name, *more)
    return package


def architecture() -> str:
    """The machine's architecture as Debian names it: ``amd64``, ``arm64``."""
    return _output(["dpkg", "--print-architecture"]).strip()


def _cached(suite: str, name: str) -> Package | None:
    found = [
        Package(**json.loads(path.read_text()))
        for path in (CACHE / suite).glob(f"{name}_*_{architecture()}/package.json")
    ]
    return max(found, key=lambda each: each.folder.stat().st_mtime, default=None)


def _download(suite: str, name: str, *more: str) -> Package:
    """Fetch a package; with its dependencies if there are ``more`` to come along."""
    options = _apt_options(suite)
    for abandoned in (CACHE / suite).glob(f"{PARTIAL}*"):
        shutil.rmtree(abandoned)
    _retried(["apt-get", *options, "--error-on=any", "--quiet=2", "update"])
    fields = _fields(
        _output(["apt-cache", *options, "show", "--no-all-versions", name])
    )
    package = Package(
        suite=suite,
        name=name + WITH_LIBRARIES if more else name,
        version=fields["Version"],
        architecture=architecture(),
        sha256=fields["SHA256"],
    )
    # All of it goes to a folder of another name first: one that bears the package's
    # name is complete.
    with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=CACHE / suite) as partial:
        exact = f"{name}={package.version}"
        others = _dependencies(options, exact, *more) if more else []
        _unpack(package, options, Path(partial), [exact, *others])
    return package


def _dependencies(options: list[str], exact: str, *more: str) -> list[str]:
    """What is to be installed besides the first package, were nothing there yet."""
    command = ["apt-get", *options, "--simulate", "--no-install-recommends", "install"]
    steps = (line.split() for line in _output([*command, exact, *more]).splitlines())
    names = {words[1] for words in steps if words[:1] == ["Inst"]}
    return sorted(names - LEFT_OUT - {exact.partition("=")[0]})


def _unpack(
    package: Package, options: list[str], partial: Path, wanted: list[str]
) -> None:
    # apt checks each against its signed lists; the first one is checked once more.
    _retried(["apt-get", *options, "--quiet=2", "download", *wanted], cwd=partial)
    archives = sorted(partial.glob("*.deb"))
    name = wanted[0].partition("=")[0]
    (archive,) = [path for path in archives if _is_of(path, name)]
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != package.sha256:
        raise PackageError(f"{archive.name}: sha256 is {digest}, not {package.sha256}")
    unpacked = partial / "unpacked"
    unpacked.mkdir()
    for path in archives:
        _output(["dpkg", "-x", str(path), str(unpacked / "root")])
    (unpacked / "package.json").write_text(json.dumps(asdict(package), indent=2) + "\n")
    shutil.rmtree(package.folder, ignore_errors=True)
    unpacked.rename(package.folder)


def _is_of(archive: Path, name: str) -> bool:
    """Source: deb(7), name_version_architecture.deb."""
    return archive.stem.partition("_")[0] == name


def _apt_options(suite: str) -> list[str]:
    """Options that keep apt away from the machine's lists, and strict."""
    folder = CACHE / suite / "apt"
    for name in ("lists/partial", "archives/partial", "empty"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    (folder / "sources.list").write_text(
        f"deb [signed-by={_keyring(suite)}] {MIRROR} {suite} main\n"
    )
    settings = {
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": folder / "empty",
        "Dir::Etc::preferences": folder / "empty/none",
        "Dir::Etc::preferencesparts": folder / "empty",
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder,
        # The checkout may be where apt's own user can't write.
        "APT::Sandbox::User": "root",
        "APT::Get::AllowUnauthenticated": "false",
        "Acquire::AllowInsecureRepositories": "false",
        "Acquire::Languages": "none",
    }
    return [f"-o{key}={value}" for key, value in settings.items()]


def _keyring(suite: str) -> Path:
    if suite != FIRST_SUITE:
        return fetch(*KEYRING).root / MACHINE_KEYRING.relative_to("/")
    if not MACHINE_KEYRING.exists():
        raise PackageError(
            f"{MACHINE_KEYRING} is missing: needs debian-archive-keyring"
        )
    return MACHINE_KEYRING


def _fields(stanza: str) -> dict[str, str]:
    pairs = (line.partition(": ") for line in stanza.splitlines())
    return {key: value for key, colon, value in pairs if colon}


def _retried(command: list[str], cwd: Path | None = None) -> None:
    """Run a command that uses the network, again where that fails."""
    pause_s = FIRST_PAUSE_S
    for last in [False] * (TRIES - 1) + [True]:
        try:
            _output(command, cwd)
        except PackageError:
            if last:
                raise
            time.sleep(pause_s)
            pause_s *= 3
        else:
            return


def _output(command: list[str], cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, check=True
        )
    except FileNotFoundError as error:
        raise PackageError(f"{command[0]} is missing: needs a Debian system") from error
    except subprocess.CalledProcessError as error:
        verb = " ".join(word for word in command if not word.startswith("-o"))
        raise PackageError(f"{verb}: {error.stderr.strip()}") from error
    return done.stdout


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock file, so that two sessions do not fetch the same package."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Fetch what the test bed needs, and name it."""
    engines = (DOCKER, DOCKER_CLIENT, PODMAN, CONMON, PODMAN_LIBC, *PODMAN_LIBRARIES)
    others = (*ZSH, *FISH, *SYSTEMD)
    for suite, name in (RUNC, BUSYBOX, *CONTAINERD.values(), *engines, *others):
        package = fetch(suite, name)
        print(f"{package} sha256:{package.sha256}")
    browser = fetch_with_libraries(*CHROMIUM)
    print(f"{browser} sha256:{browser.sha256}")


if __name__ == "__main__":
    main()
