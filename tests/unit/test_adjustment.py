from __future__ import annotations

import os
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi._pb.nri import api_pb2
from nri_cdi.adjustment import EditConflictError, compile_adjustment
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
from nri_cdi.nri.capabilities import Capabilities, RuntimeInfo

CONTAINER = api_pb2.Container(name="main")


def runtime(name: str, version: str) -> RuntimeInfo:
    return RuntimeInfo.from_configure(
        api_pb2.ConfigureRequest(runtime_name=name, runtime_version=version)
    )


OLD = runtime("containerd", "2.1.9")
NEW = runtime("containerd", "2.3.0")
DOCKER = runtime("docker", "29.7.2")


def resolution(*edits: ContainerEdits) -> Resolution:
    """Devices 0, 1, 2 and so on of one spec, with these edits."""
    return Resolution(
        devices=tuple(f"vendor.com/gpu={index}" for index in range(len(edits))),
        parts=tuple(
            SourcedEdits(
                edits=edit,
                kind="vendor.com/gpu",
                device=f"vendor.com/gpu={index}",
                path="/etc/cdi/gpu.yaml",
            )
            for index, edit in enumerate(edits)
        ),
    )


def adjusted(
    *edits: ContainerEdits,
    target: RuntimeInfo = NEW,
    container: api_pb2.Container = CONTAINER,
) -> api_pb2.ContainerAdjustment:
    return compile_adjustment(resolution(*edits), target).for_container(container)


def refused(*edits: ContainerEdits, target: RuntimeInfo = NEW) -> str:
    with pytest.raises(UnsupportedEditError) as raised:
        compile_adjustment(resolution(*edits), target)
    return str(raised.value)


def with_namespaces(*types: str) -> api_pb2.Container:
    container = api_pb2.Container()
    for type_ in types:
        container.linux.namespaces.add(type=type_)
    return container


# Nothing

NO_CHANGES = [
    (),
    (ContainerEdits(),),
    (ContainerEdits(additional_gids=(0, 0)),),
]


@pytest.mark.parametrize("edits", NO_CHANGES)
@pytest.mark.parametrize("target", [OLD, NEW, DOCKER], ids=str)
def test_edits_that_change_nothing_give_an_empty_adjustment(
    edits: tuple[ContainerEdits, ...], target: RuntimeInfo
) -> None:
    assert adjusted(*edits, target=target) == api_pb2.ContainerAdjustment()


# Environment


@pytest.mark.parametrize(
    ("entries", "env"),
    [
        (["A=1"], [("A", "1")]),
        (["A=1=2"], [("A", "1=2")]),
        (["A="], [("A", "")]),
        (["A=1", "B=2", "A=3"], [("A", "3"), ("B", "2")]),
        (["A=1\n2"], [("A", "1\n2")]),
    ],
)
@pytest.mark.parametrize("target", [OLD, NEW, DOCKER], ids=str)
def test_the_last_value_of_a_variable_stands_where_its_first_stood(
    entries: list[str], env: list[tuple[str, str]], target: RuntimeInfo
) -> None:
    adjustment = adjusted(
        *(ContainerEdits(env=(entry,)) for entry in entries), target=target
    )
    assert [(item.key, item.value) for item in adjustment.env] == env


# Mounts


def bind(destination: str, *options: str, source: str = "/host") -> Mount:
    return Mount(host_path=source, container_path=destination, options=options)


def test_a_mount_is_carried_over_with_private_propagation() -> None:
    mount = Mount(
        host_path="/host", container_path="/c", options=("ro", "bind"), type="none"
    )
    assert list(adjusted(ContainerEdits(mounts=(mount,)), target=OLD).mounts) == [
        api_pb2.Mount(
            destination="/c",
            source="/host",
            type="none",
            options=["ro", "bind", "rprivate"],
        )
    ]


@pytest.mark.parametrize(
    "propagation",
    [
        "private",
        "rprivate",
        "shared",
        "rshared",
        "slave",
        "rslave",
        "unbindable",
        "runbindable",
    ],
)
def test_a_mount_keeps_the_propagation_that_it_has(propagation: str) -> None:
    edits = ContainerEdits(mounts=(bind("/c", propagation, "rbind"),))
    assert list(adjusted(edits).mounts[0].options) == [propagation, "rbind"]


def test_the_last_mount_of_a_destination_stands_at_its_own_position() -> None:
    adjustment = adjusted(
        ContainerEdits(mounts=(bind("/a"), bind("/b"))),
        ContainerEdits(mounts=(bind("/a", source="/other"), bind("/a/"))),
    )
    assert [(mount.source, mount.destination) for mount in adjustment.mounts] == [
        ("/host", "/b"),
        ("/other", "/a"),
        ("/host", "/a/"),
    ]


@pytest.mark.parametrize(
    ("type_", "options", "mapping"),
    [
        ("bind", (), ["idmap"]),
        ("bind", ("ro",), ["idmap"]),
        ("", ("bind",), ["idmap"]),
        ("", ("rbind",), ["ridmap"]),
        ("bind", ("rbind",), ["ridmap"]),
        ("", ("rbind", "bind"), ["idmap"]),
        ("", ("bind", "ro", "rbind"), ["ridmap"]),
        ("tmpfs", ("ro",), []),
        ("", (), []),
        ("bind", ("idmap",), []),
        ("", ("rbind", "ridmap"), []),
        ("", ("rbind", "idmap"), []),
    ],
)
def test_bind_mounts_are_id_mapped_in_a_user_namespace_alone(
    type_: str, options: tuple[str, ...], mapping: list[str]
) -> None:
    mount = Mount(host_path="/h", container_path="/c", type=type_, options=options)
    compiled = compile_adjustment(resolution(ContainerEdits(mounts=(mount,))), NEW)
    usual = [*options, "rprivate"]
    for container, expected in (
        (with_namespaces("pid", "user"), usual + mapping),
        (with_namespaces("pid", "mount"), usual),
        (CONTAINER, usual),
    ):
        adjustment = compiled.for_container(container)
        assert list(adjustment.mounts[0].options) == expected


# Hooks


def test_hooks_keep_their_order_within_their_stage() -> None:
    first = Hook(hook_name="createContainer", path="/a", args=("a", "1"), env=("X=1",))
    second = Hook(hook_name="createContainer", path="/b", timeout=0)
    third = Hook(hook_name="createContainer", path="/a", timeout=30)
    adjustment = adjusted(
        ContainerEdits(hooks=(first, second)),
        ContainerEdits(hooks=(third,)),
        target=OLD,
    )
    assert adjustment.hooks == api_pb2.Hooks(
        create_container=[
            api_pb2.Hook(path="/a", args=["a", "1"], env=["X=1"]),
            api_pb2.Hook(path="/b", timeout=api_pb2.OptionalInt(value=0)),
            api_pb2.Hook(path="/a", timeout=api_pb2.OptionalInt(value=30)),
        ]
    )


@pytest.mark.parametrize(
    ("hook_name", "field"),
    [
        ("prestart", "prestart"),
        ("createRuntime", "create_runtime"),
        ("createContainer", "create_container"),
        ("startContainer", "start_container"),
        ("poststart", "poststart"),
        ("poststop", "poststop"),
    ],
)
def test_every_stage_has_its_field(hook_name: str, field: str) -> None:
    hook = Hook(hook_name=hook_name, path="/hook")
    hooks = adjusted(ContainerEdits(hooks=(hook,))).hooks
    assert [descriptor.name for descriptor, _ in hooks.ListFields()] == [field]


# Network devices


def net(host: str, name: str) -> ContainerEdits:
    return ContainerEdits(
        net_devices=(LinuxNetDevice(host_interface_name=host, name=name),)
    )


def test_network_devices_are_moved_once() -> None:
    adjustment = adjusted(net("eth1", "net0"), net("eth2", "net1"), net("eth1", "net0"))
    moved = {host: to.name for host, to in adjustment.linux.net_devices.items()}
    assert moved == {"eth1": "net0", "eth2": "net1"}


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        (
            net("eth1", "net0"),
            net("eth2", "net0"),
            "interface 'eth2' becomes 'net0', but "
            "device vendor.com/gpu=0 (/etc/cdi/gpu.yaml): netDevices[0]: "
            "interface 'eth1' becomes 'net0'",
        ),
        (
            net("eth1", "net0"),
            net("eth1", "net1"),
            "interface 'eth1' becomes 'net1', but "
            "device vendor.com/gpu=0 (/etc/cdi/gpu.yaml): netDevices[0]: "
            "interface 'eth1' becomes 'net0'",
        ),
    ],
)
def test_network_devices_that_exclude_each_other_are_a_conflict(
    first: ContainerEdits, second: ContainerEdits, problem: str
) -> None:
    with pytest.raises(EditConflictError) as raised:
        compile_adjustment(resolution(first, second), NEW)
    assert str(raised.value) == (
        "device vendor.com/gpu=1 (/etc/cdi/gpu.yaml): netDevices[0]: "
        f"{problem}; a container can have one of the two"
    )


# Intel RDT


def rdt(
    clos_id: str | None = None,
    schemata: Iterable[str] | None = None,
    *,
    enable_monitoring: bool | None = None,
) -> api_pb2.LinuxRdt:
    message = api_pb2.LinuxRdt()
    if clos_id is not None:
        message.clos_id.value = clos_id
    if schemata is not None:
        message.schemata.value.extend(schemata)
    if enable_monitoring is not None:
        message.enable_monitoring.value = enable_monitoring
    return message


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (IntelRdt(clos_id="gold"), rdt("gold")),
        (
            IntelRdt(
                clos_id="gold",
                l3_cache_schema="L3:0=f\nL3CODE:0=f\n",
                mem_bw_schema="MB:0=20",
                schemata=("L2:0=1", "L3:1=3"),
                enable_monitoring=True,
            ),
            rdt(
                "gold",
                ["L3:0=f", "L3CODE:0=f", "MB:0=20", "L2:0=1", "L3:1=3"],
                enable_monitoring=True,
            ),
        ),
        (IntelRdt(mem_bw_schema="MB:0=20"), rdt(schemata=["MB:0=20"])),
        (IntelRdt(enable_monitoring=True), rdt(enable_monitoring=True)),
    ],
)
def test_rdt_settings_become_lines_of_schemata(
    edit: IntelRdt, message: api_pb2.LinuxRdt
) -> None:
    linux = adjusted(ContainerEdits(intel_rdt=edit)).linux
    assert linux.HasField("rdt")
    assert linux.rdt == message
    assert not linux.HasField("resources")


@pytest.mark.parametrize("edit", [IntelRdt(), IntelRdt(schemata=())])
def test_rdt_without_settings_is_not_expressible(edit: IntelRdt) -> None:
    with pytest.raises(UnsupportedEditError, match="a group of its own"):
        adjusted(ContainerEdits(intel_rdt=edit))


def test_the_last_rdt_settings_replace_all_earlier_ones() -> None:
    adjustment = adjusted(
        ContainerEdits(intel_rdt=IntelRdt(enable_monitoring=True)),
        ContainerEdits(intel_rdt=IntelRdt(clos_id="gold")),
        ContainerEdits(env=("A=1",)),
    )
    assert adjustment.linux.rdt == rdt("gold")


def test_older_runtimes_are_given_a_lone_rdt_class() -> None:
    adjustment = adjusted(
        # It is replaced, so that it needs no runtime.
        ContainerEdits(intel_rdt=IntelRdt(enable_monitoring=True)),
        ContainerEdits(intel_rdt=IntelRdt(clos_id="gold", schemata=())),
        target=OLD,
    )
    assert adjustment.linux.resources.rdt_class.value == "gold"
    assert not adjustment.linux.HasField("rdt")


# What a runtime can't do

EDITS = {
    "env": ContainerEdits(env=("-A=1",)),
    "mount": ContainerEdits(mounts=(bind("-/c"),)),
    "node": ContainerEdits(device_nodes=(DeviceNode(path="-/dev/x"),)),
    "net": net("-eth0", "net0"),
}
OLD_TEXT, NEW_TEXT, DOCKER_TEXT = (
    "containerd 2.1.9 (NRI 0.8)",
    "containerd 2.3.0 (NRI 0.12)",
    "docker 29.7.2 (NRI 0.2)",
)
BY_DOCKER = "let Docker inject the device by itself: docker run --device"


@pytest.mark.parametrize(
    ("edits", "target", "message"),
    [
        (
            net("eth1", "net0"),
            OLD,
            f"netDevices[0]: {OLD_TEXT} can't move network devices; "
            "it needs NRI 0.11 (containerd 2.2.1, CRI-O 1.35)",
        ),
        (
            net("eth1", "net0"),
            runtime("containerd", "2.2.0"),
            "netDevices[0]: containerd 2.2.0 (NRI 0.10) can't move network devices; "
            "it needs NRI 0.11 (containerd 2.2.1, CRI-O 1.35)",
        ),
        *(
            (
                ContainerEdits(intel_rdt=edit),
                OLD,
                f"intelRdt: {OLD_TEXT} can't set more of Intel RDT than a closID; "
                "it needs NRI 0.11 (containerd 2.2.1, CRI-O 1.35)",
            )
            for edit in (
                IntelRdt(),
                IntelRdt(clos_id="gold", enable_monitoring=True),
                IntelRdt(clos_id="gold", schemata=("L3:0=f",)),
                IntelRdt(clos_id="gold", l3_cache_schema="L3:0=f"),
                IntelRdt(clos_id="gold", mem_bw_schema="MB:0=20"),
            )
        ),
        *(
            (
                ContainerEdits(additional_gids=(0, 44)),
                target,
                f"additionalGids[1]: {target} can't add group 44 to a process through "
                "NRI; let the gid or fileMode of the device node give the access",
            )
            for target in (OLD, NEW)
        ),
        (
            EDITS["env"],
            NEW,
            f"env[0]: {NEW_TEXT} can't set '-A'; "
            "NRI reads a leading '-' as a removal: use another name",
        ),
        (
            EDITS["mount"],
            NEW,
            f"mounts[0]: {NEW_TEXT} can't set '-/c'; "
            "NRI reads a leading '-' as a removal: use another name",
        ),
        (
            EDITS["node"],
            NEW,
            f"deviceNodes[0]: {NEW_TEXT} can't set '-/dev/x'; "
            "NRI reads a leading '-' as a removal: use another name",
        ),
        (
            EDITS["net"],
            NEW,
            f"netDevices[0]: {NEW_TEXT} can't set '-eth0'; "
            "NRI reads a leading '-' as a removal: use another name",
        ),
        (
            ContainerEdits(mounts=(bind("/c"),)),
            DOCKER,
            f"mounts[0]: {DOCKER_TEXT} can't add mounts; {BY_DOCKER}",
        ),
        (
            ContainerEdits(hooks=(Hook(hook_name="prestart", path="/h"),)),
            DOCKER,
            f"hooks[0]: {DOCKER_TEXT} can't add hooks; {BY_DOCKER}",
        ),
        (
            ContainerEdits(device_nodes=(DeviceNode(path="/dev/x"),)),
            DOCKER,
            f"deviceNodes[0]: {DOCKER_TEXT} can't add device nodes; {BY_DOCKER}",
        ),
        (
            ContainerEdits(intel_rdt=IntelRdt(clos_id="gold")),
            DOCKER,
            f"intelRdt: {DOCKER_TEXT} can't set an Intel RDT class; {BY_DOCKER}",
        ),
    ],
)
def test_an_edit_that_the_runtime_cannot_carry_out_is_refused(
    edits: ContainerEdits, target: RuntimeInfo, message: str
) -> None:
    assert refused(ContainerEdits(env=("A=1",)), edits, target=target) == (
        f"device vendor.com/gpu=1 (/etc/cdi/gpu.yaml): {message}"
    )


def test_an_edit_of_the_whole_spec_is_named_as_such() -> None:
    part = SourcedEdits(
        edits=net("eth1", "net0"), kind="vendor.com/nic", device="", path="/n.yaml"
    )
    with pytest.raises(UnsupportedEditError) as raised:
        compile_adjustment(Resolution(devices=(), parts=(part,)), OLD)
    assert str(raised.value).startswith(
        "containerEdits of vendor.com/nic (/n.yaml): netDevices[0]: "
    )


def test_given_capabilities_stand_for_those_of_the_runtime() -> None:
    edits = resolution(net("eth1", "net0"))
    compiled = compile_adjustment(edits, OLD, Capabilities.of(NEW))
    assert compiled.for_container(CONTAINER).linux.net_devices["eth1"].name == "net0"


# Laws

names = st.sampled_from("abc")
paths = names.map("/{}".format)
net_devices = names.map(
    lambda name: LinuxNetDevice(host_interface_name=name, name=name)
)
edits_strategy = st.builds(
    ContainerEdits,
    env=st.lists(st.builds("{}={}".format, names, names), max_size=3).map(tuple),
    mounts=st.lists(
        st.builds(
            Mount,
            host_path=paths,
            container_path=paths,
            options=st.sampled_from([(), ("bind",), ("rbind", "rshared")]),
        ),
        max_size=3,
    ).map(tuple),
    device_nodes=st.lists(
        st.builds(
            DeviceNode,
            path=paths,
            host_path=st.just("/dev/null"),
            major=st.integers(0, 2),
        ),
        max_size=3,
    ).map(tuple),
    net_devices=st.lists(net_devices, max_size=2).map(tuple),
    hooks=st.lists(
        st.builds(Hook, hook_name=st.just("poststop"), path=paths), max_size=2
    ).map(tuple),
)


@given(edits=st.lists(edits_strategy, max_size=3))
def test_no_key_occurs_twice_in_an_answer(edits: list[ContainerEdits]) -> None:
    adjustment = adjusted(*edits)
    for given_keys in (
        [item.key for item in adjustment.env],
        [mount.destination for mount in adjustment.mounts],
        [device.path for device in adjustment.linux.devices],
    ):
        assert len(given_keys) == len(set(given_keys))


@given(edits=st.lists(edits_strategy, max_size=3))
def test_every_edit_is_in_the_answer(edits: list[ContainerEdits]) -> None:
    adjustment = adjusted(*edits)
    assert {item.key: item.value for item in adjustment.env} == {
        key: value
        for edit in edits
        for key, _, value in (entry.partition("=") for entry in edit.env)
    }
    assert {mount.destination: mount.source for mount in adjustment.mounts} == {
        mount.container_path: mount.host_path for edit in edits for mount in edit.mounts
    }
    assert {device.path for device in adjustment.linux.devices} == {
        node.path for edit in edits for node in edit.device_nodes
    }
    assert set(adjustment.linux.net_devices) == {
        device.name for edit in edits for device in edit.net_devices
    }
    assert [hook.path for hook in adjustment.hooks.poststop] == [
        hook.path for edit in edits for hook in edit.hooks
    ]


@given(edits=st.lists(edits_strategy, max_size=3))
def test_neither_edits_nor_container_are_changed(edits: list[ContainerEdits]) -> None:
    given_edits = resolution(*edits)
    before = repr(given_edits)
    container = with_namespaces("user")
    serialized = container.SerializeToString()
    compile_adjustment(given_edits, NEW).for_container(container)
    assert repr(given_edits) == before
    assert container.SerializeToString() == serialized


@given(edits=st.lists(edits_strategy, max_size=3))
def test_what_a_container_gets_hangs_on_itself_alone(
    edits: list[ContainerEdits],
) -> None:
    """Answers are kept for the next container that is alike, and for no other."""
    containers = [
        CONTAINER,
        with_namespaces("user"),
        api_pb2.Container(user=api_pb2.User(uid=7, gid=8)),
        with_namespaces("mount"),
    ]
    alone = [
        compile_adjustment(resolution(*edits), NEW).for_container(container)
        for container in containers
    ]
    compiled = compile_adjustment(resolution(*edits), NEW)
    for _ in range(2):
        together = [compiled.for_container(container) for container in containers]
        assert together == alone
        assert [compiled.for_container(containers[0])] * 2 == alone[:1] * 2


def test_a_device_that_moves_on_the_host_moves_in_the_next_answer() -> None:
    node = DeviceNode(path="/dev/given", host_path="/dev/moving")
    edits = ContainerEdits(device_nodes=(node,))
    compiled = compile_adjustment(resolution(edits), NEW)
    null, zero = os.lstat("/dev/null"), os.lstat("/dev/zero")
    minors = []
    for status in (null, null, zero, null):
        adjustment = compiled.for_container(CONTAINER, lambda _path, s=status: s)  # type: ignore[misc]
        minors.append(adjustment.linux.devices[0].minor)
    assert minors == [3, 3, 5, 3]


def test_a_device_that_goes_away_is_missed_at_once() -> None:
    node = DeviceNode(path="/dev/given", host_path="/dev/going")
    edits = ContainerEdits(device_nodes=(node,))
    compiled = compile_adjustment(resolution(edits), NEW)
    present = compiled.for_container(CONTAINER, lambda _path: os.lstat("/dev/null"))
    assert len(present.linux.devices) == 1
    with pytest.raises(RequestError, match="no such file or directory"):
        compiled.for_container(CONTAINER, lambda _path: os.lstat("/dev/going"))
