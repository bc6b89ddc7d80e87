"""A private dockerd: real, unpacked but not installed, in a containerd's folder."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from testbed import images, packages
from testbed.capture import Capture
from testbed.containerd import Containerd
from testbed.engine import ENDS_AT_ONCE, EngineError, Run, call, observed

START_S = 30
STOP_S = 20
POLL_S = 0.02
LOG_LINES_SHOWN = 20

# dockerd makes /run/docker whatever it is told, so it gets a /run of its own. Its
# containers are not in there: containerd has them.
OWN_RUN = 'mount -t tmpfs run /run && exec "$@"'


class Docker:
    """A dockerd whose containers run in a private containerd, for a ``with``.

    Containers have no network, and their layers are copies, so that dockerd has no
    mount to make that containerd would have to see. All of it is in the containerd's
    folder, and what is left of it goes with that.
    """

    def __init__(self, containerd: Containerd) -> None:
        self.package = packages.fetch(*packages.DOCKER)
        client = packages.fetch(*packages.DOCKER_CLIENT)
        self._client = str(client.root / "usr/bin/docker")
        self._containerd = containerd
        self._folder = containerd.run_dir / "docker"
        self._folder.mkdir()
        self._capture = Capture(self._folder / "capture", containerd.settings.runc)
        self._log = self._folder / "dockerd.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._write_files()

    def __enter__(self) -> Docker:
        try:
            self._start()
            self._load_image()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @property
    def cdi_spec_dir(self) -> Path:
        """Where dockerd looks for CDI specs, and nowhere else. Empty at first."""
        return self._folder / "cdi"

    def version(self) -> str:
        """The running daemon's own version, such as ``28.5.2+dfsg4``."""
        return self._docker("version", "--format", "{{.Server.Version}}").strip()

    def run(self, *options: str, command: Sequence[str] = ENDS_AT_ONCE) -> Run:
        """Run a container of the image to its end, with these options.

        Raises: EngineError, where dockerd refuses before its runtime is asked.
        """
        words = ["run", "--rm", "--network=none", *options, images.IMAGE, *command]
        return observed(self._capture, [self._client, *words], self._environment)

    @property
    def _socket(self) -> Path:
        return self._folder / "docker.sock"

    @property
    def _environment(self) -> dict[str, str]:
        inherited = self._containerd.environment
        return {
            **inherited,
            "PATH": f"{self._folder}/bin:{inherited['PATH']}",
            "DOCKER_HOST": f"unix://{self._socket}",
            "DOCKER_CONFIG": str(self._folder / "client"),
        }

    def _write_files(self) -> None:
        self.cdi_spec_dir.mkdir()
        settings = {
            "runtimes": {"capture": {"path": str(self._capture.program)}},
            "default-runtime": "capture",
            "features": {"cdi": True},  # off by default before 28.2
            "cdi-spec-dirs": [str(self.cdi_spec_dir)],
        }
        (self._folder / "daemon.json").write_text(json.dumps(settings))
        # Its builder does not start without a runc in PATH.
        (self._folder / "bin").mkdir()
        (self._folder / "bin/runc").symlink_to(self._containerd.settings.runc)

    def _start(self) -> None:
        shell = ["unshare", "--mount", "sh", "-c", OWN_RUN, "dockerd"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*shell, *self._command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                cwd=self._folder,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                end = self._log.read_text(errors="replace").splitlines()
                last = "\n".join(end[-LOG_LINES_SHOWN:])
                raise EngineError(f"{self.package} does not start:\n{last}")
            time.sleep(POLL_S)

    def _command(self) -> list[str]:
        folder = self._folder
        return [
            str(self.package.root / "usr/sbin/dockerd"),
            f"--config-file={folder}/daemon.json",
            f"--host=unix://{self._socket}",
            f"--containerd={self._containerd.settings.socket}",
            f"--data-root={folder}/data",
            f"--exec-root={folder}/exec",
            f"--pidfile={folder}/dockerd.pid",
            f"--cgroup-parent={self._containerd.cgroup_parent}",
            "--exec-opt=native.cgroupdriver=cgroupfs",
            "--storage-driver=vfs",
            # Nothing of the machine's network is touched.
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
            "--ip-forward=false",
            "--userland-proxy=false",
        ]

    def _is_ready(self) -> bool:
        if not self._socket.exists():
            return False
        try:
            self.version()
        except EngineError:
            return False
        return True

    def _load_image(self) -> None:
        archive = self._folder / "image.tar"
        images.write(archive)
        self._docker("load", "--input", str(archive))

    def _docker(self, *words: str) -> str:
        return call([self._client, *words], self._environment)
