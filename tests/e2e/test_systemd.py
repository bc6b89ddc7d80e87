"""systemd/nri-cdi.service under a real systemd: watched over, and locked in."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testbed.containerd import Containerd
from testbed.pythonimage import ROOT
from testbed.servicemanager import ServiceManager
from tests.e2e import specs
from tests.e2e.node import Node
from tests.e2e.pluginprocess import PROGRAM, SERVING, PluginProcess

UNIT = "nri-cdi.service"
KIND = specs.KIND

DEADLINE_S = 30
POLL_S = 0.05

# What is of this machine and this test alone; all else is as users get it. Nothing of
# what the manager would start before services is there.
DROP_IN = """\
[Unit]
DefaultDependencies=no
[Service]
ExecStart=
ExecStart={program} run --config {config}
WatchdogSec=2s
StandardError=append:{log}
"""


class Service:
    """The service, and the node that it serves."""

    def __init__(self, manager: ServiceManager, log: Path, node: Node) -> None:
        self.manager = manager
        self.node = node
        self._log = log

    def log(self) -> str:
        return self._log.read_text()

    def await_so(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not is_so():
            assert time.monotonic() < deadline, self.manager.systemctl("status", UNIT)
            time.sleep(POLL_S)

    def await_serving(self, times: int) -> None:
        """Wait until it was synchronized so often, and see that devices are given."""
        self.await_so(lambda: self.log().count(f"{SERVING} with") == times)
        with self.node.running(f"{KIND}=one") as container:
            assert container.output("/bin/stat", "-c", "%t:%T", "/dev/given") == "1:b\n"

    def main_process(self) -> int:
        """The plugin's process, as it is called outside of the manager's namespace."""
        inside = self.manager.shown(UNIT, "MainPID")
        (outside,) = [
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/status")
            if f"\nNSpid:\t{path.parent.name}\t{inside}\n" in _read(path)
        ]
        return outside


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process has ended
        return ""


@pytest.fixture
def service(
    containerd: Containerd, spec_dir: Path, tmp_path: Path
) -> Iterator[Service]:
    folder = containerd.run_dir / tmp_path.name
    config, log = tmp_path / "config.yaml", folder / "plugin.log"
    config.write_text(
        f"socket: {containerd.nri_socket}\nspec_dirs: ['{spec_dir}']\n"
        "status: /run/nri-cdi/status.sock\n"
    )
    # The unit's device cgroup lets nobody open it, and it is looked at all the same.
    node = specs.make_node(tmp_path / "node", "c", 1, 11)
    given = {"deviceNodes": [{"path": "/dev/given", "hostPath": str(node)}]}
    specs.write(spec_dir / "a.json", specs.spec({"one": given}))
    units = {
        UNIT: (ROOT / "systemd" / UNIT).read_text(),
        f"{UNIT}.d/trial.conf": DROP_IN.format(program=PROGRAM, config=config, log=log),
    }
    manager = ServiceManager(
        folder, units, containerd.cgroup_parent, containerd.environment
    )
    # The plugin is the manager's, so this one never runs.
    nobody = PluginProcess([], log=log, environment={})
    with manager:
        manager.systemctl("start", UNIT)
        yield Service(
            manager,
            log,
            Node(
                containerd=containerd, plugin=nobody, spec_dir=spec_dir, folder=tmp_path
            ),
        )


def test_it_is_ready_serves_and_ends(service: Service) -> None:
    assert service.manager.shown(UNIT, "ActiveState") == "active"
    service.await_serving(1)
    service.manager.systemctl("reload", UNIT)
    service.await_so(lambda: "the configuration is read again" in service.log())
    service.await_serving(1)
    service.manager.systemctl("stop", UNIT)
    assert service.manager.shown(UNIT, "Result") == "success"
    assert service.log().endswith("stopped\n")
    assert "Traceback" not in service.log()


@pytest.mark.parametrize(
    ("number", "result"), [(signal.SIGKILL, "signal"), (signal.SIGSTOP, "watchdog")]
)
def test_it_comes_back(service: Service, number: signal.Signals, result: str) -> None:
    service.await_serving(1)
    os.kill(service.main_process(), number)
    service.await_so(lambda: service.manager.shown(UNIT, "Result") == result)
    service.await_serving(2)


def test_a_wrong_configuration_is_not_tried_again(service: Service) -> None:
    config = service.node.folder / "config.yaml"
    config.write_text("spec_dir: /etc/cdi\n")
    os.kill(service.main_process(), signal.SIGKILL)
    service.await_so(lambda: service.manager.shown(UNIT, "ActiveState") == "failed")
    assert service.manager.shown(UNIT, "ExecMainStatus") == "2"
    assert "unknown setting 'spec_dir'" in service.log()


def test_it_may_do_no_more_than_it_needs(service: Service) -> None:
    service.await_serving(1)
    status = _read(Path(f"/proc/{service.main_process()}/status"))
    assert "\nCapEff:\t0000000000000000\n" in status
    assert "\nNoNewPrivs:\t1\n" in status
    assert "\nSeccomp:\t2\n" in status
