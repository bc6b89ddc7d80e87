"""The DaemonSet's container, as deploy/nri-cdi.yaml has it, on a private runtime.

Its image is built as deploy/Containerfile says, and it gets what the kubelet would give
it. Only three folders of the host are others: the one with the NRI socket, and those of
specs.
"""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed import manifest, pythonimage
from testbed.containerd import Containerd
from testbed.systemd import Analyzer
from tests.e2e import specs
from tests.e2e.cluster import MANIFEST, Cluster, Instance
from tests.e2e.leftovers import Leftovers
from tests.e2e.node import Config

UNIT = manifest.PATH.parent.parent / "systemd/nri-cdi.service"
PAGE = manifest.PATH.parent.parent / "docs/deployment.md"

STATIC = "static.test/device=one"
DYNAMIC = "dynamic.test/device=one"

# What a container has in its own /dev. Source: OCI runtime specification,
# config-linux.md, "Default Devices", and what runc mounts there.
OWN_DEVICES = frozenset(
    ("null", "zero", "full", "random", "urandom", "tty", "console", "ptmx")
)
DENY_ALL = "policy: {default: deny}\n"


@pytest.fixture(scope="module")
def cluster(
    version: str, leftovers: Leftovers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """A runtime whose NRI socket has a folder to itself, as on a node."""
    folder = tmp_path_factory.mktemp("cluster")
    for name in ("nri", "static", "dynamic"):
        (folder / name).mkdir()
    image = pythonimage.build()
    socket = str(folder / "nri/nri.sock")
    with Containerd(version, nri={"socket_path": socket}) as containerd:
        leftovers.watch(containerd.run_dir)
        containerd.import_image(image.archive, pythonimage.IMAGE)
        yield Cluster(containerd=containerd, folder=folder)


@pytest.fixture(scope="module")
def instance(cluster: Cluster) -> Iterator[Instance]:
    """The DaemonSet's pod, ready."""
    with cluster.instance("first") as instance:
        yield instance


@pytest.fixture
def host_device() -> Path:
    """A device that only the host's /dev has, not that of a container."""
    for path in sorted(Path("/dev").iterdir()):
        if path.name not in OWN_DEVICES and stat.S_ISCHR(path.lstat().st_mode):
            return path
    pytest.skip("the machine's /dev has no device that a container's lacks")


@pytest.fixture
def devices(cluster: Cluster, host_device: Path) -> None:
    """A device in each spec directory, one of them with every kind of edit."""
    source = specs.make_file(cluster.folder / "source", "of the host")
    hook = specs.make_program(cluster.folder / "hook", "#!/bin/sh\ncat >/dev/null\n")
    every = {
        "env": ["DYNAMIC=yes"],
        "deviceNodes": [{"path": "/dev/given", "hostPath": str(host_device)}],
        "mounts": [
            {
                "hostPath": str(source),
                "containerPath": "/given",
                "options": ["rbind", "ro"],
            }
        ],
        "hooks": [{"hookName": "createContainer", "path": str(hook)}],
    }
    for folder, kind, edits in (
        ("static", "static.test/device", specs.env(STATIC="yes")),
        ("dynamic", "dynamic.test/device", every),
    ):
        spec = specs.spec({"one": edits}, kind=kind)
        specs.write(cluster.folder / folder / "one.json", spec)


@pytest.mark.parametrize("probe", ["livenessProbe", "readinessProbe"])
def test_the_probes_succeed(instance: Instance, probe: str) -> None:
    probed = instance.probe(probe)
    assert (probed.exit_code, probed.stderr) == (0, "")


@pytest.mark.usefixtures("instance", "devices")
def test_another_pod_gets_its_devices(cluster: Cluster, host_device: Path) -> None:
    with cluster.pod(STATIC, DYNAMIC) as pod:
        container = pod.run()
        env = container.env()
        node = container.output("/bin/stat", "-c", "%t:%T", "/dev/given").strip()
        text = container.output("/bin/cat", "/given")

    device = host_device.stat().st_rdev
    assert (env["STATIC"], env["DYNAMIC"], text) == ("yes", "yes", "of the host")
    assert node == f"{os.major(device):x}:{os.minor(device):x}"


def test_it_is_root_without_any_right(instance: Instance) -> None:
    status = instance.python("print(open('/proc/1/status').read())").stdout
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    capabilities = {name: fields[name] for name in fields if name.startswith("Cap")}
    assert set(capabilities.values()) == {"0" * 16}, capabilities
    assert fields["Uid"].split() == ["0"] * 4
    # prctl(2): PR_SET_NO_NEW_PRIVS; seccomp(2): mode 2 is a filter.
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")


@pytest.mark.parametrize(
    "folder",
    ["/", "/opt/nri-cdi", "/etc/nri-cdi", "/etc/cdi", "/var/run/cdi", "/host/dev"],
)
def test_it_can_write_neither_its_own_root_nor_the_host(
    instance: Instance, folder: str
) -> None:
    done = instance.python(f"open('{folder}/of-the-test', 'w')")
    assert (done.exit_code, "Read-only file system" in done.stderr) == (1, True), done


def test_it_can_look_at_the_hosts_devices_but_not_open_them(
    instance: Instance, host_device: Path
) -> None:
    path = f"/host{host_device}"
    assert instance.python(f"import os; os.lstat('{path}')").exit_code == 0
    opened = instance.python(f"open('{path}', 'rb')")
    assert "Operation not permitted" in opened.stderr


@pytest.mark.usefixtures("instance", "devices")
def test_the_config_map_is_what_it_goes_by(cluster: Cluster) -> None:
    with (
        cluster.instance("denying", MANIFEST.config + DENY_ALL),
        cluster.pod(STATIC) as pod,
    ):
        refusal = pod.refused()
    with cluster.pod(STATIC) as pod:
        env = pod.run().env()

    assert STATIC in refusal
    assert env["STATIC"] == "yes"


@pytest.mark.usefixtures("instance", "devices")
def test_during_a_rolling_update_containers_get_each_device_once(
    cluster: Cluster,
) -> None:
    alone = injected(cluster)
    with cluster.instance("second"):
        together = injected(cluster)

    assert alone["env"].count("DYNAMIC=yes") == 1
    assert together == alone
    assert injected(cluster) == alone


@pytest.mark.usefixtures("devices")
def test_it_needs_no_system_call_that_the_service_is_denied(
    cluster: Cluster, tmp_path: Path
) -> None:
    calls = allowed(Analyzer(UNIT, tmp_path / "root", ()))
    assert {"openat", "chown"} - calls == {"chown"}
    profile = tmp_path / "seccomp.json"
    profile.write_text(json.dumps(allowing(calls)))
    # Before the other instance, which it would leave the devices to.
    first = f'{MANIFEST.config}\nindex: "05"\n'
    with (
        cluster.instance("confined", first, seccomp=profile) as confined,
        cluster.pod(STATIC, DYNAMIC) as pod,
    ):
        env = pod.run().env()
        probed = confined.probe("livenessProbe")
        denied = confined.python("import os; os.chown('/run/nri-cdi', 0, 0)")
        log = cluster.containerd.cri.logs(confined.container.id)

    assert (env["STATIC"], env["DYNAMIC"]) == ("yes", "yes")
    assert f"injected {STATIC}, {DYNAMIC}" in log
    assert probed.exit_code == 0
    assert "Operation not permitted" in denied.stderr


def allowed(analyzer: Analyzer) -> set[str]:
    """The system calls that the unit's filter lets through."""
    calls: set[str] = set()
    for groups in re.findall(r"^SystemCallFilter=(.*)$", UNIT.read_text(), re.M):
        listed = analyzer.system_calls(*groups.removeprefix("~").split())
        calls = calls - listed if groups.startswith("~") else calls | listed
    return calls


def allowing(calls: set[str]) -> dict[str, object]:
    """A seccomp profile. Source: OCI runtime specification, config-linux.md."""
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "syscalls": [{"names": sorted(calls), "action": "SCMP_ACT_ALLOW"}],
    }


def injected(cluster: Cluster) -> dict[str, Any]:
    """All that a container with both devices got, as its runtime was told; it runs."""
    with cluster.pod(STATIC, DYNAMIC) as pod:
        config = pod.run().config()
    return told(config)


def told(config: Config) -> dict[str, Any]:
    """What of a configuration devices may change, but for names of the pod."""
    return {
        "env": [each for each in config["process"]["env"] if "HOSTNAME" not in each],
        "mounts": [
            each for each in config["mounts"] if "sandboxes" not in each["source"]
        ],
        "hooks": config.get("hooks", {}),
        "devices": config["linux"].get("devices", []),
        "rules": config["linux"]["resources"].get("devices", []),
    }


def test_what_the_page_says_takes_in_the_proxy_for_prometheus() -> None:
    (script,) = re.findall(
        r"^sed -i -E '(.*)' deploy/nri-cdi.yaml$", PAGE.read_text(), re.M
    )
    edited = subprocess.run(
        ["sed", "-E", script, manifest.PATH], capture_output=True, text=True, check=True
    )
    assert manifest.parse(edited.stdout) == manifest.read_with_metrics()
