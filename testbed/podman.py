"""A private podman: real, unpacked but not installed, in a containerd's folder."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from testbed import images, packages
from testbed.capture import Capture
from testbed.containerd import Containerd
from testbed.engine import ENDS_AT_ONCE, Run, call, observed

PODMAN_GLIBC = (2, 38)
"""What Debian 13's podman needs. A machine that has it may have a newer one, which its
own programs need, and which serves podman as well."""

CGROUPS_V1_WARNING = "PODMAN_IGNORE_CGROUPSV1_WARNING"

# podman runs in mounts of its own, which end with it. They cover the machine's
# libraries with newer ones, all at once, as each is needed for the next command; and
# the folders that podman writes to whatever it is told. /run/cdi is a place where it
# looks for specs: before 5.5 it can't be told another.
OWN_MOUNTS = """\
set -e
mount -t tmpfs run /run
mount -t tmpfs shm /dev/shm
mkdir /run/cdi
mount --bind "$SPECS" /run/cdi
mount -t overlay libraries -o "lowerdir=$LIBRARIES" "${LIBRARIES##*:}"
exec "$@"
"""


class Podman:
    """A podman with storage, CDI specs and containers of its own.

    There is no daemon: each command is a process, and gone when the container is. All
    of it is in the containerd's folder and cgroup, and what is left goes with those;
    nothing else of that containerd is used.
    """

    def __init__(self, containerd: Containerd) -> None:
        self.package = packages.fetch(*packages.PODMAN)
        self._conmon = packages.fetch(*packages.CONMON).root / "usr/bin/conmon"
        self._libraries = _libraries()
        self._containerd = containerd
        self._folder = containerd.run_dir / "podman"
        self._folder.mkdir()
        self._capture = Capture(self._folder / "capture", containerd.settings.runc)
        self._write_files()

    def __enter__(self) -> Podman:
        archive = self._folder / "image.tar"
        images.write(archive)
        policy = f"--signature-policy={self._folder}/policy.json"
        self._podman("load", policy, "--input", str(archive))
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing runs between two commands."""

    @property
    def cdi_spec_dir(self) -> Path:
        """Where podman looks for CDI specs, besides /etc/cdi. Empty at first."""
        return self._folder / "cdi"

    def version(self) -> str:
        """podman's own version, such as ``5.4.2``."""
        return self._podman("version", "--format", "{{.Client.Version}}").strip()

    def run(self, *options: str, command: Sequence[str] = ENDS_AT_ONCE) -> Run:
        """Run a container of the image to its end, with these options.

        Raises: EngineError, where podman refuses before its runtime is asked.
        """
        own = ["--rm", "--network=none", "--pull=never"]
        parent = f"--cgroup-parent={self._containerd.cgroup_parent}"
        words = ["run", *own, parent, *options, images.IMAGE, *command]
        return observed(self._capture, self._command(*words), self._environment)

    @property
    def _environment(self) -> dict[str, str]:
        return {
            **self._containerd.environment,
            "HOME": str(self._folder),
            "CONTAINERS_CONF": f"{self._folder}/containers.conf",
            "CONTAINERS_STORAGE_CONF": f"{self._folder}/storage.conf",
            CGROUPS_V1_WARNING: "1",
            "SPECS": str(self.cdi_spec_dir),
            "LIBRARIES": self._libraries,
        }

    def _write_files(self) -> None:
        self.cdi_spec_dir.mkdir()
        helpers = self._folder / "helpers"
        helpers.mkdir()
        # It must be there, and is not called for containers without a network.
        (helpers / "netavark").symlink_to("/bin/false")
        settings = f"[engine]\nhelper_binaries_dir = [{json.dumps(str(helpers))}]\n"
        (self._folder / "containers.conf").write_text(settings)
        (self._folder / "storage.conf").write_text('[storage]\ndriver = "vfs"\n')
        policy = {"default": [{"type": "insecureAcceptAnything"}]}
        (self._folder / "policy.json").write_text(json.dumps(policy))

    def _command(self, *words: str) -> list[str]:
        folder = self._folder
        return [
            *("unshare", "--mount", "sh", "-c", OWN_MOUNTS, "podman"),
            str(self.package.root / "usr/bin/podman"),
            f"--root={folder}/root",
            f"--runroot={folder}/runroot",
            f"--tmpdir={folder}/tmp",
            f"--runtime={self._capture.program}",
            f"--conmon={self._conmon}",
            "--storage-driver=vfs",
            "--cgroup-manager=cgroupfs",
            "--events-backend=none",
            *words,
        ]

    def _podman(self, *words: str) -> str:
        return call(self._command(*words), self._environment)


def _libraries() -> str:
    """Folders of libraries, as overlayfs takes them; the machine's own is the last."""
    needed = list(packages.PODMAN_LIBRARIES)
    if _glibc() < PODMAN_GLIBC:
        needed.append(packages.PODMAN_LIBC)
    roots = [packages.fetch(*each).root for each in needed]
    folders = [each for root in roots for each in root.glob("usr/lib/*-linux-gnu*")]
    own = Path("/usr/lib") / folders[0].name
    return ":".join(str(each) for each in [*folders, own])


def _glibc() -> tuple[int, ...]:
    """The machine's glibc: ``(2, 36)``."""
    name = os.confstr("CS_GNU_LIBC_VERSION") or "glibc 0"
    return tuple(int(each) for each in name.split()[-1].split("."))
