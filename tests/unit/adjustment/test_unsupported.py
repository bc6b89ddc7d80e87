"""All edits that a runtime can't carry out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi._pb.nri import api_pb2
from nri_cdi.adjustment import compile_adjustment, unsupported_edits
from nri_cdi.cdi.edits import Resolution, SourcedEdits
from nri_cdi.cdi.model import (
    ContainerEdits,
    DeviceNode,
    Hook,
    IntelRdt,
    LinuxNetDevice,
    Mount,
)
from nri_cdi.errors import RequestError, UnsupportedEditError
from nri_cdi.nri.capabilities import RuntimeInfo, runtime_named

OLD = runtime_named("containerd:1.7.24")
NEW = runtime_named("containerd:2.3.0")
DOCKER = RuntimeInfo.from_configure(
    api_pb2.ConfigureRequest(runtime_name="docker", runtime_version="29.7.2")
)

HOOK = Hook(hook_name="poststop", path="/bin/hook")
MOUNT = Mount(host_path="/h", container_path="/c")


def resolution(*edits: ContainerEdits) -> Resolution:
    """Devices 0, 1, 2 and so on of one spec, with these edits."""
    return Resolution(
        devices=tuple(f"v.com/c={index}" for index in range(len(edits))),
        parts=tuple(
            SourcedEdits(
                edits=edit, kind="v.com/c", device=f"v.com/c={index}", path="/s.yaml"
            )
            for index, edit in enumerate(edits)
        ),
    )


def found(runtime: RuntimeInfo, *edits: ContainerEdits) -> list[str]:
    return [str(error) for error in unsupported_edits(resolution(*edits), runtime)]


def test_every_edit_is_named_and_not_just_the_first() -> None:
    first = ContainerEdits(
        env=("-A=1", "B=2"),
        device_nodes=(
            DeviceNode(path="/dev/a", type="c", major=1, minor=3, permissions="r"),
            DeviceNode(path="-b", type="p"),
        ),
        net_devices=(LinuxNetDevice(host_interface_name="eth0", name="net0"),),
        mounts=(Mount(host_path="/h", container_path="-/c"),),
        additional_gids=(0, 5, 6),
    )
    second = ContainerEdits(
        net_devices=(LinuxNetDevice(host_interface_name="eth1", name="net1"),),
        intel_rdt=IntelRdt(enable_monitoring=True),
    )
    runtime = "containerd 1.7.24 (NRI 0.6)"
    removal = "NRI reads a leading '-' as a removal: use another name"
    newer = "it needs NRI 0.11 (containerd 2.2.1, CRI-O 1.35)"
    gids = "let the gid or fileMode of the device node give the access"
    one, two = "device v.com/c=0 (/s.yaml): ", "device v.com/c=1 (/s.yaml): "
    assert found(OLD, first, second) == [
        f"{one}env[0]: {runtime} can't set '-A'; {removal}",
        f"{one}netDevices[0]: {runtime} can't move network devices; {newer}",
        f"{two}netDevices[0]: {runtime} can't move network devices; {newer}",
        f"{two}intelRdt: {runtime} can't set more of Intel RDT than a closID; {newer}",
        f"{one}additionalGids[1]: {runtime} can't add group 5 to a process through "
        f"NRI; {gids}",
        f"{one}additionalGids[2]: {runtime} can't add group 6 to a process through "
        f"NRI; {gids}",
        f"{one}mounts[0]: {runtime} can't set '-/c'; {removal}",
        f"{one}deviceNodes[1]: {runtime} can't set '-b'; {removal}",
        f"{one}deviceNodes[1]: {runtime} can't make '-b', a node of type 'p', through "
        "NRI; only types 'b' and 'c' can be made: give the node another type, or mount "
        "it",
        f"{one}deviceNodes[0]: {runtime} can't give less than read and write access to "
        "'/dev/a'; it needs NRI 0.10 (containerd 2.2.0, CRI-O 1.34)",
    ]


def test_docker_can_do_little() -> None:
    edits = ContainerEdits(env=("A=1",), hooks=(HOOK, HOOK), mounts=(MOUNT,))
    by_itself = "let Docker inject the device by itself: docker run --device"
    docker = "docker 29.7.2 (NRI 0.2)"
    assert found(DOCKER, edits) == [
        f"device v.com/c=0 (/s.yaml): hooks[0]: {docker} can't add hooks; {by_itself}",
        f"device v.com/c=0 (/s.yaml): hooks[1]: {docker} can't add hooks; {by_itself}",
        f"device v.com/c=0 (/s.yaml): mounts[0]: {docker} can't add mounts; "
        f"{by_itself}",
    ]


def test_a_conflict_is_not_the_runtimes_fault_and_hides_none() -> None:
    net_devices = (
        LinuxNetDevice(host_interface_name="eth0", name="a"),
        LinuxNetDevice(host_interface_name="eth0", name="b"),
    )
    edits = ContainerEdits(net_devices=net_devices, additional_gids=(1,))
    [only] = found(NEW, edits)
    assert "additionalGids[0]" in only


keys = st.sampled_from(["a", "-a", "b"])
edits = st.builds(
    ContainerEdits,
    env=st.lists(keys.map(lambda key: f"{key}=1"), max_size=2).map(tuple),
    device_nodes=st.lists(
        st.builds(
            DeviceNode,
            path=keys,
            type=st.sampled_from(["", "b", "c", "u", "p"]),
            major=st.integers(0, 2),
            permissions=st.sampled_from(["", "r", "rw", "rwm", "none"]),
        ),
        max_size=2,
    ).map(tuple),
    net_devices=st.lists(
        st.builds(LinuxNetDevice, host_interface_name=keys, name=keys), max_size=2
    ).map(tuple),
    hooks=st.lists(st.just(HOOK), max_size=1).map(tuple),
    mounts=st.lists(
        st.builds(Mount, host_path=st.just("/h"), container_path=keys), max_size=2
    ).map(tuple),
    intel_rdt=st.none()
    | st.builds(
        IntelRdt, clos_id=st.sampled_from(["", "x"]), enable_monitoring=st.booleans()
    ),
    additional_gids=st.lists(st.integers(0, 1), max_size=1).map(tuple),
)


@given(st.lists(edits, max_size=3), st.sampled_from([OLD, NEW, DOCKER]))
def test_the_first_of_all_is_the_one_that_a_container_is_refused_for(
    parts: list[ContainerEdits], runtime: RuntimeInfo
) -> None:
    wanted = resolution(*parts)
    everything = unsupported_edits(wanted, runtime)
    try:
        compile_adjustment(wanted, runtime)
    except UnsupportedEditError as error:
        assert str(everything[0]) == str(error)
    except RequestError:
        pass  # a conflict came first
    else:
        assert everything == ()


@pytest.mark.parametrize("runtime", [OLD, NEW, DOCKER], ids=str)
def test_nothing_is_always_possible(runtime: RuntimeInfo) -> None:
    assert found(runtime) == []
    assert found(runtime, ContainerEdits(), ContainerEdits(env=("A=1",))) == []
