from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nri_cdi._pb.nri import api_pb2
from nri_cdi.adjustment import CompiledAdjustment, compile_adjustment
from nri_cdi.cdi.edits import Resolution, SourcedEdits
from nri_cdi.cdi.model import ContainerEdits, DeviceNode
from nri_cdi.errors import RequestError, UnsupportedEditError
from nri_cdi.nri.capabilities import RuntimeInfo

CONTAINER = api_pb2.Container(name="main")
Rule = tuple[bool, str, int | None, int | None, str]


def runtime(version: str) -> RuntimeInfo:
    return RuntimeInfo.from_configure(
        api_pb2.ConfigureRequest(runtime_name="containerd", runtime_version=version)
    )


OLD, NEW = runtime("2.1.9"), runtime("2.3.0")


def host(
    nodes: Mapping[str, tuple[int, int, int]],
) -> Callable[[str], os.stat_result]:
    """An lstat of a host with these files: mode, major and minor by path."""

    def lstat(path: str) -> os.stat_result:
        if path not in nodes:
            raise FileNotFoundError(2, "No such file or directory", path)
        mode, major, minor = nodes[path]
        return os.stat_result(
            (mode, 0, 0, 1, 0, 0, 0, 0, 0, 0), {"st_rdev": os.makedev(major, minor)}
        )

    return lstat


HOST = host(
    {
        "/dev/c": (stat.S_IFCHR | 0o660, 5, 1),
        "/dev/c-again": (stat.S_IFCHR | 0o660, 5, 1),
        "/dev/other": (stat.S_IFCHR | 0o600, 5, 2),
        "/dev/b": (stat.S_IFBLK | 0o600, 8, 0),
        "/dev/fifo": (stat.S_IFIFO | 0o600, 0, 0),
        "/dev/file": (stat.S_IFREG | 0o600, 0, 0),
    }
)


def compiled(*nodes: DeviceNode, target: RuntimeInfo = NEW) -> CompiledAdjustment:
    part = SourcedEdits(
        edits=ContainerEdits(device_nodes=nodes),
        kind="vendor.com/gpu",
        device="vendor.com/gpu=0",
        path="/etc/cdi/gpu.yaml",
    )
    return compile_adjustment(
        Resolution(devices=("vendor.com/gpu=0",), parts=(part,)), target
    )


def linux(
    *nodes: DeviceNode,
    target: RuntimeInfo = NEW,
    container: api_pb2.Container = CONTAINER,
) -> api_pb2.LinuxContainerAdjustment:
    return compiled(*nodes, target=target).for_container(container, HOST).linux


def rules(resources: api_pb2.LinuxResources) -> list[Rule]:
    return [
        (
            rule.allow,
            rule.type,
            rule.major.value if rule.HasField("major") else None,
            rule.minor.value if rule.HasField("minor") else None,
            rule.access,
        )
        for rule in resources.devices
    ]


def container_with_rules(*given_rules: Rule) -> api_pb2.Container:
    container = api_pb2.Container()
    for allow, type_, major, minor, access in given_rules:
        rule = container.linux.resources.devices.add(
            allow=allow, type=type_, access=access
        )
        if major is not None:
            rule.major.value = major
        if minor is not None:
            rule.minor.value = minor
    return container


def user(uid: int, gid: int) -> api_pb2.Container:
    return api_pb2.Container(user=api_pb2.User(uid=uid, gid=gid))


# The node


@pytest.mark.parametrize("target", [OLD, NEW], ids=str)
def test_a_node_is_completed_from_the_host(target: RuntimeInfo) -> None:
    node = DeviceNode(path="/dev/in", host_path="/dev/c")
    assert list(linux(node, target=target).devices) == [
        api_pb2.LinuxDevice(
            path="/dev/in",
            type="c",
            major=5,
            minor=1,
            file_mode=api_pb2.OptionalFileMode(value=0o660),
        )
    ]


def test_a_node_is_looked_up_for_every_container() -> None:
    adjustment = compiled(DeviceNode(path="/dev/x"))
    for major in (240, 241):
        lstat = host({"/dev/x": (stat.S_IFCHR | 0o600, major, 0)})
        assert (
            adjustment.for_container(CONTAINER, lstat).linux.devices[0].major == major
        )


def test_a_node_that_is_all_given_needs_no_host() -> None:
    node = DeviceNode(path="/dev/x", type="c", major=1, minor=3, file_mode=0o640)

    def lstat(path: str) -> os.stat_result:
        raise AssertionError(f"looked at {path}")

    (device,) = compiled(node).for_container(CONTAINER, lstat).linux.devices
    assert (device.type, device.major, device.minor) == ("c", 1, 3)
    assert device.file_mode.value == 0o640


def test_a_node_without_a_mode_anywhere_has_none() -> None:
    (device,) = linux(DeviceNode(path="/dev/x", type="c", major=1, minor=3)).devices
    assert not device.HasField("file_mode")


@pytest.mark.parametrize(
    ("uid", "gid", "container", "owner"),
    [
        (None, None, CONTAINER, (None, None)),
        (None, None, user(0, 0), (None, None)),
        (None, None, user(1000, 0), (1000, None)),
        (None, None, user(0, 1000), (None, 1000)),
        (None, None, user(1000, 2000), (1000, 2000)),
        (0, 0, user(1000, 2000), (0, 0)),
        (5, None, user(1000, 2000), (5, 2000)),
        (None, 5, user(1000, 2000), (1000, 5)),
    ],
)
@pytest.mark.parametrize("file_mode", [None, 0o600])
def test_a_node_belongs_to_the_containers_user_unless_it_says_otherwise(
    uid: int | None,
    gid: int | None,
    container: api_pb2.Container,
    owner: tuple[int | None, int | None],
    file_mode: int | None,
) -> None:
    node = DeviceNode(
        path="/dev/c", type="c", major=5, file_mode=file_mode, uid=uid, gid=gid
    )
    (device,) = linux(node, container=container).devices
    assert owner == (
        device.uid.value if device.HasField("uid") else None,
        device.gid.value if device.HasField("gid") else None,
    )


def test_the_last_node_of_a_path_stands_at_its_own_position() -> None:
    devices = linux(
        DeviceNode(path="/dev/1", host_path="/dev/c"),
        DeviceNode(path="/dev/2", host_path="/dev/c"),
        DeviceNode(path="/dev/1", host_path="/dev/b"),
    ).devices
    assert [(device.path, device.type) for device in devices] == [
        ("/dev/2", "c"),
        ("/dev/1", "b"),
    ]


def test_a_node_that_devices_share_is_looked_up_once() -> None:
    looked_up = []

    def lstat(path: str) -> os.stat_result:
        looked_up.append(path)
        return HOST(path)

    shared = [
        DeviceNode(path="/dev/c", permissions=access) for access in ("", "r", "w")
    ]
    compiled(*shared).for_container(CONTAINER, lstat)
    assert looked_up == ["/dev/c"]


# Access

M, DENY_R, DENY_W = (
    (True, "c", 5, 1, "m"),
    (False, "c", 5, 1, "r"),
    (False, "c", 5, 1, "w"),
)


@pytest.mark.parametrize(
    ("path", "permissions", "expected"),
    [
        ("/dev/c", "", [M]),
        ("/dev/c", "rwm", [M]),
        ("/dev/c", "mwr", [M]),
        ("/dev/c", "rw", []),
        ("/dev/c", "rrw", []),
        ("/dev/c", "r", [DENY_W]),
        ("/dev/c", "w", [DENY_R]),
        ("/dev/c", "rm", [M, DENY_W]),
        ("/dev/c", "m", [M, (False, "c", 5, 1, "rw")]),
        ("/dev/c", "none", [(False, "c", 5, 1, "rw")]),
        ("/dev/b", "", []),
        ("/dev/b", "rwm", []),
        ("/dev/b", "rw", [(False, "b", 8, 0, "m")]),
        ("/dev/b", "none", [(False, "b", 8, 0, "rwm")]),
    ],
)
def test_rules_turn_the_runtimes_access_into_that_of_cdi(
    path: str, permissions: str, expected: list[Rule]
) -> None:
    node = DeviceNode(path=path, permissions=permissions)
    assert rules(linux(node).resources) == expected


def test_the_access_to_a_device_is_that_of_all_its_nodes() -> None:
    adjusted = linux(
        DeviceNode(path="/dev/c", permissions="r"),
        DeviceNode(path="/dev/other", permissions="r"),
        DeviceNode(path="/dev/x", host_path="/dev/c-again", permissions="wm"),
    )
    assert rules(adjusted.resources) == [M, (False, "c", 5, 2, "w")]


def test_a_hidden_node_keeps_its_access_as_in_cdi() -> None:
    adjusted = linux(
        DeviceNode(path="/dev/x", host_path="/dev/c", permissions="rw"),
        DeviceNode(path="/dev/x", host_path="/dev/other", permissions="rw"),
    )
    assert [device.minor for device in adjusted.devices] == [2]
    assert rules(adjusted.resources) == [(True, "c", 5, 1, "rw")]


@pytest.mark.parametrize(
    ("earlier", "expected"),
    [
        ([(True, "a", None, None, "rwm")], []),
        ([(True, "c", 5, 1, "rw")], []),
        ([(True, "c", 5, None, "w")], []),
        ([(True, "c", 5, 2, "w")], [DENY_W]),
        ([(True, "b", 5, 1, "w")], [DENY_W]),
        ([(False, "a", None, None, "rwm")], [DENY_W]),
        ([(True, "c", 5, 1, "w"), (False, "a", None, None, "rwm")], [DENY_W]),
    ],
)
def test_access_that_the_container_has_anyway_is_never_taken_away(
    earlier: list[Rule], expected: list[Rule]
) -> None:
    node = DeviceNode(path="/dev/c", permissions="r")
    container = container_with_rules(*earlier)
    assert rules(linux(node, container=container).resources) == expected


@pytest.mark.parametrize("permissions", ["", "rwm", "rw", "wr"])
@pytest.mark.parametrize("path", ["/dev/c", "/dev/b"])
def test_older_runtimes_need_no_rules_for_read_and_write(
    path: str, permissions: str
) -> None:
    adjusted = linux(DeviceNode(path=path, permissions=permissions), target=OLD)
    assert [device.path for device in adjusted.devices] == [path]
    assert not adjusted.HasField("resources")


# Refusals


def narrow(path: str) -> str:
    return (
        f"containerd 2.1.9 (NRI 0.8) can't give less than read and write access to "
        f"{path!r}; it needs NRI 0.10 (containerd 2.2.0, CRI-O 1.34)"
    )


def odd(path: str, type_: str) -> str:
    return (
        f"containerd 2.3.0 (NRI 0.12) can't make {path!r}, a node of type {type_!r}, "
        "through NRI; only types 'b' and 'c' can be made: give the node another type, "
        "or mount it"
    )


def refusal(*nodes: DeviceNode, target: RuntimeInfo = NEW) -> str:
    with pytest.raises(UnsupportedEditError) as raised:
        compiled(*nodes, target=target).for_container(CONTAINER, HOST)
    text = str(raised.value)
    return text.removeprefix("device vendor.com/gpu=0 (/etc/cdi/gpu.yaml): ")


@pytest.mark.parametrize("permissions", ["r", "w", "m", "rm", "none"])
@pytest.mark.parametrize("path", ["/dev/c", "/dev/b"])
def test_older_runtimes_cannot_narrow_the_access(path: str, permissions: str) -> None:
    nodes = [
        DeviceNode(path="/dev/other"),
        DeviceNode(path=path, permissions=permissions),
    ]
    assert refusal(*nodes, target=OLD) == f"deviceNodes[1]: {narrow(path)}"


def fixed(
    path: str, permissions: str, *, type_: str = "c", minor: int = 1
) -> DeviceNode:
    return DeviceNode(
        path=path, type=type_, major=5, minor=minor, permissions=permissions
    )


@pytest.mark.parametrize(
    "nodes",
    [
        (
            DeviceNode(path="/dev/c", permissions="r"),
            DeviceNode(path="/dev/c", permissions="w"),
        ),
        (
            DeviceNode(path="/dev/c", permissions="r"),
            DeviceNode(path="/dev/x", host_path="/dev/c", permissions="rw"),
        ),
        (fixed("/dev/x", "r"), fixed("/dev/y", "w")),
        # The first is hidden, so that nobody can use what it grants.
        (fixed("/dev/x", "r"), fixed("/dev/x", "rw", minor=2)),
    ],
)
def test_older_runtimes_can_give_access_that_nodes_have_together(
    nodes: Sequence[DeviceNode],
) -> None:
    adjusted = linux(*nodes, target=OLD)
    assert {device.path for device in adjusted.devices} == {node.path for node in nodes}


@pytest.mark.parametrize(
    "nodes",
    [
        (fixed("/dev/x", "rw"), fixed("/dev/y", "r", minor=2)),
        (fixed("/dev/x", "rw"), fixed("/dev/y", "r", type_="b")),
        (
            DeviceNode(path="/dev/x", host_path="/dev/c", major=7, permissions="rw"),
            DeviceNode(path="/dev/y", host_path="/dev/c", permissions="r"),
        ),
        # Only the host could tell that these two are one device.
        (
            DeviceNode(path="/dev/c", permissions="rw"),
            DeviceNode(path="/dev/y", host_path="/dev/c-again", permissions="r"),
        ),
    ],
)
def test_older_runtimes_are_not_trusted_with_nodes_that_may_differ(
    nodes: Sequence[DeviceNode],
) -> None:
    assert refusal(*nodes, target=OLD) == f"deviceNodes[1]: {narrow('/dev/y')}"


@pytest.mark.parametrize("type_", ["p", "u"])
def test_a_type_that_has_no_rule_is_refused_beforehand(type_: str) -> None:
    node = DeviceNode(path="/dev/x", type=type_, major=1)
    with pytest.raises(UnsupportedEditError) as raised:
        compiled(node)
    assert str(raised.value) == (
        "device vendor.com/gpu=0 (/etc/cdi/gpu.yaml): deviceNodes[0]: "
        f"{odd('/dev/x', type_)}"
    )


def test_a_fifo_that_only_the_host_tells_of_is_refused_too() -> None:
    node = DeviceNode(path="/dev/fifo")
    assert refusal(node) == f"deviceNodes[0]: {odd('/dev/fifo', 'p')}"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/dev/missing", "no such file or directory"),
        ("/dev/file", "not a device node"),
    ],
)
def test_a_node_that_the_host_lacks_is_named_with_its_device(
    path: str, reason: str
) -> None:
    adjustment = compiled(
        DeviceNode(path="/dev/c"), DeviceNode(path="/dev/x", host_path=path)
    )
    with pytest.raises(RequestError) as raised:
        adjustment.for_container(CONTAINER, HOST)
    assert str(raised.value) == (
        "device vendor.com/gpu=0 (/etc/cdi/gpu.yaml): deviceNodes[1]: "
        f"device node '/dev/x': host path {path!r}: {reason}"
    )


# The law: with CDI's rules and with ours, the container may do the same. CDI appends a
# rule for each node, NRI one of its own for each device and then those that are asked
# for; of the rules about a device and a letter, the last one counts.

HOST_NODES = {
    f"/{type_}{major}{minor}": (
        (stat.S_IFCHR if type_ == "c" else stat.S_IFBLK) | 0o600,
        major,
        minor,
    )
    for type_ in "bc"
    for major in (1, 2)
    for minor in (0, 1)
}
DEVICES = [(path[1], major, minor) for path, (_, major, minor) in HOST_NODES.items()]


def allowed(all_rules: Sequence[Rule], device: tuple[str, int, int]) -> set[str]:
    letters = set()
    for letter in "rwm":
        decisions = [
            allow
            for allow, type_, major, minor, access in all_rules
            if letter in access
            and type_ in ("", "a", device[0])
            and major in (None, -1, device[1])
            and minor in (None, -1, device[2])
        ]
        if decisions and decisions[-1]:
            letters.add(letter)
    return letters


def by_cdi(nodes: Sequence[DeviceNode]) -> list[Rule]:
    found: list[Rule] = []
    for node in nodes:
        _, major, minor = HOST_NODES[node.host_path]
        access = {"": "rwm", "none": ""}.get(node.permissions, node.permissions)
        found.append((True, node.host_path[1], major, minor, access))
    return found


def by_nri(adjusted: api_pb2.LinuxContainerAdjustment) -> list[Rule]:
    automatic: list[Rule] = [
        (
            True,
            device.type,
            device.major,
            device.minor,
            "rw" if device.type == "c" else "rwm",
        )
        for device in adjusted.devices
    ]
    return automatic + rules(adjusted.resources)


node_strategy = st.builds(
    lambda path, host_path, permissions, given_type: DeviceNode(
        path=path,
        host_path=host_path,
        permissions=permissions,
        type=host_path[1] if given_type else "",
        major=HOST_NODES[host_path][1] if given_type else 0,
        minor=HOST_NODES[host_path][2] if given_type else 0,
    ),
    st.sampled_from(["/dev/1", "/dev/2", "/dev/3"]),
    st.sampled_from(sorted(HOST_NODES)),
    st.sampled_from(["", "none", "r", "w", "m", "rw", "rm", "wm", "rwm"]),
    st.booleans(),
)
rule_strategy = st.tuples(
    st.booleans(),
    st.sampled_from(["", "a", "b", "c"]),
    st.sampled_from([None, -1, 1, 2]),
    st.sampled_from([None, -1, 0, 1]),
    st.sampled_from(["r", "w", "m", "rw", "rwm"]),
)


@given(
    nodes=st.lists(node_strategy, max_size=4),
    earlier=st.lists(rule_strategy, max_size=4),
)
def test_with_rules_the_container_may_do_exactly_what_cdi_lets_it(
    nodes: list[DeviceNode], earlier: list[Rule]
) -> None:
    container = container_with_rules(*earlier)
    adjusted = compiled(*nodes).for_container(container, host(HOST_NODES)).linux
    for device in DEVICES:
        assert allowed(earlier + by_nri(adjusted), device) == allowed(
            earlier + by_cdi(nodes), device
        )


@given(
    nodes=st.lists(node_strategy, max_size=4),
    earlier=st.lists(rule_strategy, max_size=4),
)
def test_without_rules_the_container_may_never_read_or_write_more(
    nodes: list[DeviceNode], earlier: list[Rule]
) -> None:
    try:
        adjustment = compiled(*nodes, target=OLD)
    except UnsupportedEditError:
        assume(False)
    container = container_with_rules(*earlier)
    adjusted = adjustment.for_container(container, host(HOST_NODES)).linux
    assert not adjusted.HasField("resources")
    for device in DEVICES:
        ours = allowed(earlier + by_nri(adjusted), device)
        assert ours - {"m"} <= allowed(earlier + by_cdi(nodes), device)
