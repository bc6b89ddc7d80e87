"""A private containerd: real, unpacked but not installed, alone in its folder."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from testbed import config, images, interrupts, network, packages
from testbed.cri import Cri, CriError
from testbed.rundir import MARK, RunDir, sweep

START_S = 30
STOP_S = 10
POLL_S = 0.02
LOG_LINES_SHOWN = 20

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
EXECUTABLE = 0o755
CRI_NAMESPACE = "k8s.io"


class ContainerdError(RuntimeError):
    """containerd does not do what it should; the text has the end of its log."""


class Containerd:
    """A containerd that serves CRI and NRI on private sockets, for a ``with``.

    ``version`` is "2.1" or "1.7". ``enable_cdi`` says whether containerd itself honours
    CDI names; by default it does in 2.1 and does not in 1.7, as released. ``nri`` goes
    into the settings of its NRI plugin. ``plugins`` and ``plugin_configs`` are the
    files, by name, of the two folders that it starts plugins from.

    At the end everything goes: processes, mounts, cgroups, the folder. Inside the
    ``with``, SIGTERM and SIGHUP raise KeyboardInterrupt, so that they are an end like
    any other. After a harder death of this process the next start cleans up.
    """

    def __init__(
        self,
        version: str = "2.1",
        *,
        enable_cdi: bool | None = None,
        nri: config.Table | None = None,
        plugins: Mapping[str, str] | None = None,
        plugin_configs: Mapping[str, str] | None = None,
    ) -> None:
        self.package = packages.fetch(*packages.CONTAINERD[version])
        runc = packages.fetch(*packages.RUNC)
        sweep()
        self._run = RunDir()
        self.settings = config.Settings(
            run_dir=self._run.path,
            runc=runc.root / "usr/sbin/runc",
            snapshotter=_snapshotter(self._run.path),
            sandbox_image=images.IMAGE,
            enable_cdi=version != "1.7" if enable_cdi is None else enable_cdi,
            nri=nri or {},
        )
        self.cri = Cri(
            self.settings.socket,
            logs=self._run.path / "logs",
            cgroup_parent=self._run.cgroup_parent,
        )
        self._write_files(version, plugins or {}, plugin_configs or {})
        self._log = self._run.path / "containerd.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._handlers: Mapping[int, interrupts.Handler] = {}

    def __enter__(self) -> Containerd:
        self._handlers = interrupts.raise_interrupts()
        try:
            self.start()
            self._import_image()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # A second Ctrl-C must not leave half of it behind.
        interrupts.ignore_interrupts()
        try:
            self._remove()
        finally:
            interrupts.restore(self._handlers)

    @property
    def run_dir(self) -> Path:
        """The folder that holds all of it, and that may be used for files of a test."""
        return self._run.path

    @property
    def cgroup_parent(self) -> str:
        """The cgroup, as a path within each hierarchy, that all of it goes with."""
        return self._run.cgroup_parent

    @property
    def nri_socket(self) -> Path:
        return self.settings.nri_socket

    @property
    def cdi_spec_dir(self) -> Path:
        """Where containerd itself looks for CDI specs, if it does. Empty at first."""
        return self.settings.cdi_spec_dir

    @property
    def environment(self) -> dict[str, str]:
        """Variables for a program that is to be ended with this containerd."""
        path = f"{self._program('containerd').parent}:{SYSTEM_PATH}"
        return {"PATH": path, MARK: str(self.run_dir)}

    def version(self) -> str:
        """The running daemon's own version, such as ``2.1.9+unknown``."""
        return self.cri.version().runtime_version

    def log_text(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> None:
        """Start the daemon, and wait until it serves.

        Raises: ContainerdError.
        """
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._program("containerd"), "--config", self.settings.file],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                cwd=self.run_dir,
                # A Ctrl-C in the terminal is for this program alone to handle.
                start_new_session=True,
            )
        self._wait_for("to be ready", self._is_ready)

    def stop(self) -> None:
        """Stop the daemon with SIGTERM. Its containers run on; ``start`` finds them."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Stop the daemon with SIGKILL. Its containers run on; ``start`` finds them."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start the daemon; its sockets are new ones."""
        self.stop()
        self.start()

    def import_image(self, archive: Path, name: str) -> None:
        """Take an OCI layout into the images that pods can run, under this name.

        Raises: ContainerdError.
        """
        address = ["--address", str(self.settings.socket), "--namespace", CRI_NAMESPACE]
        # containerd's own default unpacks for overlayfs only; the CRI does it when a
        # container is created.
        command = ["images", "import", "--no-unpack", str(archive)]
        done = subprocess.run(
            [self._program("ctr"), *address, *command],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise self._error(f"can't import {archive}: {done.stderr.strip()}")
        # The CRI learns of an image through an event, a moment later.
        self._wait_for("to list the image", lambda: name in self.cri.images())

    def _write_files(
        self,
        version: str,
        plugins: Mapping[str, str],
        plugin_configs: Mapping[str, str],
    ) -> None:
        self.settings.file.write_text(config.render(version, self.settings))
        self.settings.cdi_spec_dir.mkdir()
        network.write(self.settings.cni_bin_dir, self.settings.cni_conf_dir)
        _write_all(self.settings.plugin_dir, plugins, EXECUTABLE)
        _write_all(self.settings.plugin_config_dir, plugin_configs)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _remove(self) -> None:
        self.stop()
        self.cri.close()
        self._run.remove()

    def _is_ready(self) -> bool:
        try:
            conditions = self.cri.status().status.conditions
        except CriError:
            return False
        return any(each.type == "RuntimeReady" and each.status for each in conditions)

    def _import_image(self) -> None:
        archive = self.run_dir / "image.tar"
        images.write(archive)
        self.import_image(archive, images.IMAGE)

    def _wait_for(self, what: str, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_S
        while not done():
            if self._process is None or self._process.poll() is not None:
                raise self._error("has ended")
            if time.monotonic() > deadline:
                raise self._error(f"took over {START_S} s {what}")
            time.sleep(POLL_S)

    def _error(self, what: str) -> ContainerdError:
        tail = "\n".join(self.log_text().splitlines()[-LOG_LINES_SHOWN:])
        return ContainerdError(f"{self.package}: {what}\n{tail}")

    def _program(self, name: str) -> Path:
        return self.package.root / "usr/bin" / name


def _write_all(folder: Path, files: Mapping[str, str], mode: int = 0o644) -> None:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(mode)


def _snapshotter(folder: Path) -> str:
    """The quickest snapshotter that works where the folder is.

    overlayfs can't be stacked on itself, as in a container whose root it is.
    """
    probe = folder / "probe"
    for name in ("lower", "upper", "work", "merged"):
        (probe / name).mkdir(parents=True)
    merged = probe / "merged"
    layers = f"lowerdir={probe}/lower,upperdir={probe}/upper,workdir={probe}/work"
    mount = ["mount", "-t", "overlay", "overlay", "-o", layers, str(merged)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        return "native"
    subprocess.run(["umount", merged], check=True)
    return "overlayfs"
