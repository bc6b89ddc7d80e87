"""Edits applied to OCI specs."""

from __future__ import annotations

import copy
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi.apply import apply_edits, apply_resolution, inject_devices
from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.edits import Resolution, SourcedEdits, merge
from nri_cdi.cdi.model import (
    NO_EDITS,
    ContainerEdits,
    DeviceNode,
    Hook,
    IntelRdt,
    LinuxNetDevice,
    Mount,
)
from nri_cdi.cdi.registry import Registry
from nri_cdi.errors import OciSpecError, RequestError
from nri_cdi.oci import EnvMode


def _registry(folder: Path, specs: dict[str, dict[str, str] | None]) -> Registry:
    spec_dirs = []
    for name, files in specs.items():
        spec_dir = folder / name
        spec_dir.mkdir()
        spec_dirs.append(str(spec_dir))
        for file, text in (files or {}).items():
            (spec_dir / file).write_text(text)
    cache = Cache(spec_dirs)
    cache.refresh()
    return cache.registry


def _host(path: str) -> os.stat_result:
    """A host with /dev/null alone, c 1:3."""
    if path != "/dev/null":
        raise FileNotFoundError(2, "No such file or directory")
    status = [stat.S_IFCHR | 0o666, *[0] * 9]
    return os.stat_result(status, {"st_rdev": os.makedev(1, 3)})


def _apply(spec: Any, **edits: Any) -> dict[str, Any]:
    return apply_edits(spec, ContainerEdits(**edits), lstat=_host)


def _node(**fields: Any) -> DeviceNode:
    return DeviceNode(**{"path": "/dev/x", "type": "c", "major": 7, **fields})


RULE = {"allow": True, "type": "c", "major": 7, "minor": 0, "access": "rwm"}
DEVICE = {"path": "/dev/x", "type": "c", "major": 7, "minor": 0}


@pytest.mark.parametrize(
    ("node", "device", "rules"),
    [
        (_node(), DEVICE, [RULE]),
        (_node(minor=9), {**DEVICE, "minor": 9}, [{**RULE, "minor": 9}]),
        (_node(permissions="rrw"), DEVICE, [{**RULE, "access": "rrw"}]),
        (_node(type="b"), {**DEVICE, "type": "b"}, [{**RULE, "type": "b"}]),
        (_node(type="u"), {**DEVICE, "type": "u"}, []),
        (_node(type="p", major=0), {**DEVICE, "type": "p", "major": 0}, []),
        (
            _node(file_mode=0, uid=0, gid=5),
            {**DEVICE, "fileMode": 0, "uid": 0, "gid": 5},
            [RULE],
        ),
        (
            DeviceNode(path="/dev/x", host_path="/dev/null"),
            {**DEVICE, "major": 1, "minor": 3, "fileMode": 0o666},
            [{**RULE, "major": 1, "minor": 3}],
        ),
        (
            _node(permissions="none"),
            DEVICE,
            # As Go writes it: an empty text is left out.
            [{"allow": True, "type": "c", "major": 7, "minor": 0}],
        ),
    ],
)
def test_a_device_node_is_a_device_and_a_rule(
    node: DeviceNode, device: Any, rules: list[Any]
) -> None:
    linux = {"devices": [device]}
    assert _apply({}, device_nodes=(node,)) == {
        "linux": {**linux, "resources": {"devices": rules}} if rules else linux
    }


@pytest.mark.parametrize(
    ("user", "node", "owner"),
    [
        ({"uid": 1000, "gid": 1001}, _node(), {"uid": 1000, "gid": 1001}),
        ({"uid": 1000, "gid": 1001}, _node(uid=0, gid=0), {"uid": 0, "gid": 0}),
        ({"uid": 1000, "gid": 0}, _node(), {"uid": 1000}),
        ({"uid": None}, _node(gid=7), {"gid": 7}),
        ({"uid": 2**32 - 1}, _node(), {"uid": 2**32 - 1}),
        (None, _node(), {}),
    ],
)
def test_a_device_belongs_to_the_user_of_the_process(
    user: Any, node: DeviceNode, owner: dict[str, int]
) -> None:
    got = _apply({"process": {"user": user}}, device_nodes=(node,))
    assert got["linux"]["devices"] == [{**DEVICE, **owner}]


def test_rules_are_added_to_those_that_are_there() -> None:
    deny = {"allow": False, "access": "rwm"}
    spec = {"linux": {"resources": {"devices": [deny], "cpu": {"shares": 2}}}}
    got = _apply(spec, device_nodes=(_node(), _node()))
    assert got["linux"]["resources"] == {
        "devices": [deny, RULE, RULE],
        "cpu": {"shares": 2},
    }
    assert got["linux"]["devices"] == [DEVICE]


def test_mounts_stay_in_their_order_where_edits_have_none() -> None:
    spec = {"mounts": [{"destination": "/a/b"}, {"destination": "/a"}]}
    assert _apply(spec, env=("A=1",))["mounts"] is spec["mounts"]


@pytest.mark.parametrize(
    ("type_", "options", "expected"),
    [
        ("", (), ()),
        ("tmpfs", ("ro",), ("ro",)),
        ("bind", (), ("idmap",)),
        ("bind", ("ro",), ("ro", "idmap")),
        ("bind", ("rbind",), ("rbind", "ridmap")),
        ("", ("rbind", "bind"), ("rbind", "bind", "idmap")),
        ("", ("bind", "rbind", "ro"), ("bind", "rbind", "ro", "ridmap")),
        ("bind", ("idmap",), ("idmap",)),
        ("bind", ("ridmap", "rbind"), ("ridmap", "rbind")),
        ("rbind", (), ()),
    ],
)
def test_binds_are_mapped_into_a_user_namespace(
    type_: str, options: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    mount = Mount(host_path="/h", container_path="/c", type=type_, options=options)
    plain: dict[str, Any] = {"destination": "/c", "source": "/h"}
    if type_:
        plain["type"] = type_
    for namespaces, wanted in (
        ([None, {"type": "pid"}, {"type": "user"}], expected),
        ([{"type": "pid"}, {}], options),
        (None, options),
    ):
        spec = {"linux": {"namespaces": namespaces}}
        got = _apply(spec, mounts=(mount,))["mounts"]
        assert got == [{**plain, "options": list(wanted)} if wanted else plain]


def test_a_hook_has_what_is_set_and_comes_after_the_others() -> None:
    old = {"path": "/old"}
    spec = {"hooks": {"prestart": [old], "poststop": None}}
    full = Hook(
        hook_name="prestart", path="/h", args=("h", ""), env=("A=1",), timeout=0
    )
    got = _apply(spec, hooks=(full, Hook(hook_name="poststop", path="/p"), full))
    new = {"path": "/h", "args": ["h", ""], "env": ["A=1"], "timeout": 0}
    assert got["hooks"] == {"prestart": [old, new, new], "poststop": [{"path": "/p"}]}


def test_an_unknown_stage_is_refused() -> None:
    hook = Hook(hook_name="poststart\n", path="/h")
    with pytest.raises(RequestError) as caught:
        _apply({}, hooks=(hook,))
    assert str(caught.value) == (
        "hooks[0].hookName: 'poststart\\n' is not a stage that hooks run at"
    )


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (IntelRdt(), {}),
        (IntelRdt(schemata=()), {}),
        (
            IntelRdt(clos_id="/", schemata=("L3:0=f",), enable_monitoring=True),
            {"closID": "/", "schemata": ["L3:0=f"], "enableMonitoring": True},
        ),
    ],
)
def test_rdt_settings_replace_all_others(settings: IntelRdt, expected: Any) -> None:
    spec = {"linux": {"intelRdt": {"closID": "old", "x": 1}, "y": 2}}
    got = _apply(spec, intel_rdt=settings)
    assert got == {"linux": {"intelRdt": expected, "y": 2}}


def test_the_input_is_neither_changed_nor_copied_where_nothing_happens() -> None:
    spec: dict[str, Any] = {
        "root": {"path": "r"},
        "linux": {"seccomp": {"x": []}, "devices": []},
    }
    got = _apply(spec, device_nodes=(_node(),))
    assert spec == {
        "root": {"path": "r"},
        "linux": {"seccomp": {"x": []}, "devices": []},
    }
    assert got["root"] is spec["root"]
    assert got["linux"]["seccomp"] is spec["linux"]["seccomp"]
    assert _apply(spec) == spec
    assert _apply(spec) is not spec


ALL = ContainerEdits(
    env=("A=1",),
    device_nodes=(_node(),),
    net_devices=(LinuxNetDevice(host_interface_name="eno1", name="net0"),),
    hooks=(Hook(hook_name="prestart", path="/h"),),
    mounts=(Mount(host_path="/h", container_path="/c"),),
    intel_rdt=IntelRdt(clos_id="c"),
    additional_gids=(5,),
)


def test_null_is_as_good_as_nothing() -> None:
    nothing = {
        "process": {"env": None, "user": {"uid": None, "additionalGids": None}},
        "mounts": None,
        "hooks": {"prestart": None},
        "linux": {
            "devices": None,
            "namespaces": None,
            "netDevices": None,
            "intelRdt": None,
            "resources": {"devices": None},
        },
    }
    expected = apply_edits({}, ALL, lstat=_host)
    got = apply_edits(nothing, ALL, lstat=_host)
    del got["process"]["user"]["uid"], got["linux"]["namespaces"]
    assert got == expected
    nulls = dict.fromkeys(("process", "mounts", "hooks", "linux"))
    assert apply_edits(nulls, ALL, lstat=_host) == expected


WRONG = [
    ({"process": []}, "process: expected an object, got an array"),
    ({"process": {"env": {}}}, "process.env: expected an array, got an object"),
    ({"process": {"env": "A=1"}}, "process.env: expected an array, got a string"),
    (
        {"process": {"env": ["A=1", 5]}},
        "process.env[1]: expected a string, got an integer",
    ),
    ({"process": {"user": 0}}, "process.user: expected an object, got an integer"),
    (
        {"process": {"user": {"uid": "0"}}},
        "process.user.uid: expected an integer, got a string",
    ),
    (
        {"process": {"user": {"gid": True}}},
        "process.user.gid: expected an integer, got a boolean",
    ),
    (
        {"process": {"user": {"uid": 1.0}}},
        "process.user.uid: expected an integer, got a fraction",
    ),
    (
        {"process": {"user": {"uid": -1}}},
        "process.user.uid: -1 is not between 0 and 4294967295",
    ),
    (
        {"process": {"user": {"gid": 2**32}}},
        "process.user.gid: 4294967296 is not between 0 and 4294967295",
    ),
    (
        {"process": {"user": {"additionalGids": [None, False]}}},
        "process.user.additionalGids[1]: expected an integer, got a boolean",
    ),
    ({"mounts": {}}, "mounts: expected an array, got an object"),
    ({"mounts": [{}, []]}, "mounts[1]: expected an object, got an array"),
    (
        {"mounts": [{"destination": 5}]},
        "mounts[0].destination: expected a string, got an integer",
    ),
    ({"hooks": [1]}, "hooks: expected an object, got an array"),
    ({"hooks": {"prestart": {}}}, "hooks.prestart: expected an array, got an object"),
    ({"linux": False}, "linux: expected an object, got a boolean"),
    ({"linux": {"devices": "x"}}, "linux.devices: expected an array, got a string"),
    (
        {"linux": {"devices": [{"path": "/dev/x"}, "/dev/y"]}},
        "linux.devices[1]: expected an object, got a string",
    ),
    (
        {"linux": {"devices": [{"path": ["/dev/x"]}]}},
        "linux.devices[0].path: expected a string, got an array",
    ),
    (
        {"linux": {"resources": 1e3}},
        "linux.resources: expected an object, got a fraction",
    ),
    (
        {"linux": {"resources": {"devices": 5}}},
        "linux.resources.devices: expected an array, got an integer",
    ),
    (
        {"linux": {"netDevices": []}},
        "linux.netDevices: expected an object, got an array",
    ),
    (
        {"linux": {"namespaces": [{"type": "pid"}, "user"]}},
        "linux.namespaces[1]: expected an object, got a string",
    ),
    (
        {"linux": {"intelRdt": "x"}},
        "linux.intelRdt: expected an object, got a string",
    ),
    ({"Process": {}}, "Process: the key must be written 'process'"),
    (
        {"process": None, "PROCESS": 1},
        "PROCESS: the key must be written 'process', and that is there too: leave one "
        "out",
    ),
    ({"process": {"Env": ["A=1"]}}, "process.Env: the key must be written 'env'"),
    ({"mounts": ({},)}, "mounts: expected an array, got Python's tuple"),
    ([], "expected an object, got an array"),
    (None, "expected an object, got null"),
]


@pytest.mark.parametrize(("spec", "message"), WRONG)
def test_what_edits_need_must_be_what_it_should_be(spec: Any, message: str) -> None:
    before = copy.deepcopy(spec)
    with pytest.raises(OciSpecError) as caught:
        apply_edits(spec, ALL, lstat=_host, path="config.json")
    assert str(caught.value) == f"config.json: {message}"
    assert spec == before


@pytest.mark.parametrize("spec", [spec for spec, _ in WRONG if isinstance(spec, dict)])
def test_what_no_edit_needs_is_left_alone(spec: dict[str, Any]) -> None:
    assert _apply(spec) == spec


RESOLUTION = Resolution(
    devices=("v.com/c=0",),
    parts=(
        SourcedEdits(
            edits=ContainerEdits(env=("S=1",), device_nodes=(_node(path="/dev/s"),)),
            kind="v.com/c",
            device="",
            path="/etc/cdi/a.yaml",
        ),
        SourcedEdits(
            edits=ContainerEdits(
                env=("D=1",),
                device_nodes=(_node(), DeviceNode(path="/dev/n")),
                hooks=(Hook(hook_name="prestop", path="/h"),),
            ),
            kind="v.com/c",
            device="v.com/c=0",
            path="/etc/cdi/a.yaml",
        ),
    ),
)


def test_an_edit_that_can_not_be_made_is_told_with_its_origin() -> None:
    with pytest.raises(RequestError) as caught:
        apply_resolution({}, RESOLUTION, lstat=_host)
    assert str(caught.value) == (
        "device v.com/c=0 (/etc/cdi/a.yaml): deviceNodes[1]: device node '/dev/n': "
        "host path '/dev/n': no such file or directory"
    )
    with pytest.raises(RequestError) as caught:
        apply_resolution({}, RESOLUTION, lstat=lambda _: _host("/dev/null"))
    assert str(caught.value) == (
        "device v.com/c=0 (/etc/cdi/a.yaml): hooks[0].hookName: 'prestop' is not a "
        "stage that hooks run at"
    )


def test_edits_without_an_origin_are_told_by_their_place() -> None:
    with pytest.raises(RequestError) as caught:
        _apply({}, device_nodes=(DeviceNode(path="/dev/n"),))
    assert str(caught.value) == (
        "deviceNodes[0]: device node '/dev/n': host path '/dev/n': no such file or "
        "directory"
    )


def test_a_device_that_is_named_twice_is_injected_once(tmp_path: Path) -> None:
    hook = {"hookName": "prestart", "path": "/h"}
    device = {"name": "0", "containerEdits": {"env": ["A=1"], "hooks": [hook]}}
    spec = {"cdiVersion": "0.5.0", "kind": "v.com/c", "devices": [device]}
    registry = _registry(tmp_path, {"etc": {"a.json": json.dumps(spec)}})
    got = inject_devices(
        registry, {"process": {"env": ["A=0"]}}, ["v.com/c=0"] * 2, env=EnvMode.APPEND
    )
    assert got == {
        "process": {"env": ["A=0", "A=1"]},
        "hooks": {"prestart": [{"path": "/h"}]},
    }


# Laws. Few names, so that edits and specs are often about the same thing.

_letters = st.sampled_from("ABC")
_paths_ = st.sampled_from(["/", "/a", "/a/", "//a", "/a/b", "/b/../c/d", "a", ""])
_variables = st.builds("{}={}".format, _letters, st.sampled_from("123"))
_gids = st.integers(0, 3)


def _few(items: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(items, max_size=3).map(tuple)


_some_edits = st.builds(
    ContainerEdits,
    env=_few(_variables),
    device_nodes=_few(
        st.builds(
            DeviceNode,
            path=_paths_.filter(bool),
            type=st.sampled_from("bcpu"),
            major=st.integers(1, 2),
            permissions=st.sampled_from(["", "none", "r"]),
        )
    ),
    net_devices=_few(
        st.builds(LinuxNetDevice, host_interface_name=_letters, name=_letters)
    ),
    hooks=_few(
        st.builds(
            Hook, hook_name=st.sampled_from(["prestart", "poststop"]), path=_paths_
        )
    ),
    mounts=_few(
        st.builds(
            Mount,
            host_path=_letters,
            container_path=_paths_,
            options=_few(st.sampled_from(["bind", "rbind", "ro"])),
        )
    ),
    intel_rdt=st.none() | st.builds(IntelRdt, clos_id=_letters),
    additional_gids=_few(_gids),
)


def _objects(field: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    item = st.fixed_dictionaries({"unknown": st.just(1)}, optional={field: values})
    return st.none() | st.lists(st.none() | item, max_size=4)


_some_specs = st.fixed_dictionaries(
    {"unknown": st.just({"a": [1]})},
    optional={
        "process": st.fixed_dictionaries(
            {"unknown": st.just({"a": [1]})},
            optional={
                "env": st.none() | st.lists(_variables, max_size=4),
                "user": st.fixed_dictionaries(
                    {"unknown": st.just(1)},
                    optional={
                        "uid": _gids,
                        "additionalGids": st.lists(_gids, max_size=2),
                    },
                ),
            },
        ),
        "mounts": _objects("destination", _paths_),
        "hooks": st.just({"prestart": [{"path": "/x"}], "unknown": [1]}),
        "linux": st.fixed_dictionaries(
            {"unknown": st.just({"a": [1]})},
            optional={
                "devices": _objects("path", _paths_),
                "namespaces": st.just([{"type": "user"}]),
                "resources": st.just({"devices": [{"allow": False}], "unknown": 1}),
                "netDevices": st.just({"A": {"name": "x"}, "Z": {"name": "y"}}),
            },
        ),
    },
)


def _missing(path: str) -> os.stat_result:
    raise FileNotFoundError(2, "No such file or directory")


@given(_some_specs, _some_edits, st.sampled_from(EnvMode))
def test_no_edit_changes_what_it_is_applied_to(
    spec: dict[str, Any], edits: ContainerEdits, mode: EnvMode
) -> None:
    before = copy.deepcopy(spec)
    got = apply_edits(spec, edits, env=mode, lstat=_missing)
    assert spec == before
    assert apply_edits(spec, edits, env=mode, lstat=_missing) == got


@given(_some_specs, _some_edits)
def test_unknown_keys_survive_everywhere(
    spec: dict[str, Any], edits: ContainerEdits
) -> None:
    got = apply_edits(spec, edits, lstat=_missing)
    for keys in ((), ("process",), ("process", "user"), ("linux",), ("hooks",)):
        before, after = spec, got
        for key in keys:
            before, after = before.get(key, {}), after.get(key, {})
        if "unknown" in before:
            assert after["unknown"] is before["unknown"]
    # Of the entries of lists those survive that no edit takes the place of.
    for old in spec.get("mounts") or ():
        replaced = old and old.get("destination") in {
            mount.container_path for mount in edits.mounts
        }
        assert replaced or any(new is old for new in got["mounts"])


@given(_some_specs, st.lists(_some_edits, max_size=3), st.sampled_from(EnvMode))
def test_a_resolution_applies_as_its_merged_edits(
    spec: dict[str, Any], parts: list[ContainerEdits], mode: EnvMode
) -> None:
    resolution = Resolution(
        devices=(),
        parts=tuple(
            SourcedEdits(edits=edits, kind="v/c", device="", path="/p")
            for edits in parts
        ),
    )
    got = apply_resolution(spec, resolution, env=mode, lstat=_missing)
    assert got == apply_edits(spec, merge(parts), env=mode, lstat=_missing)


@given(_some_specs, _some_edits)
def test_a_failure_leaves_everything_as_it_was(
    spec: dict[str, Any], edits: ContainerEdits
) -> None:
    before = copy.deepcopy(spec)
    lacking = merge([edits, ContainerEdits(device_nodes=(DeviceNode(path="/dev/n"),))])
    with pytest.raises(RequestError, match="deviceNodes"):
        apply_edits(spec, lacking, lstat=_missing)
    assert spec == before


@given(st.lists(_variables), st.lists(_variables), st.sampled_from(EnvMode))
def test_the_last_value_of_a_variable_counts_in_both_modes(
    before: list[str], added: list[str], mode: EnvMode
) -> None:
    edits = ContainerEdits(env=tuple(added))
    env = apply_edits({"process": {"env": before}}, edits, env=mode)["process"]["env"]
    assert dict(each.split("=") for each in env) == dict(
        each.split("=") for each in [*before, *added]
    )
    kept = len(before) if mode is EnvMode.APPEND else 0
    assert env[:kept] == before[:kept]


@given(_some_edits)
def test_what_is_set_rather_than_added_may_be_applied_again(
    edits: ContainerEdits,
) -> None:
    once = apply_edits({}, edits, lstat=_missing)
    # Hooks and rules for devices are added each time, as the reference does it.
    twice = apply_edits(once, edits, lstat=_missing)
    for spec in (once, twice):
        spec.pop("hooks", None)
        spec.get("linux", {}).pop("resources", None)
    assert twice == once


def test_no_edits_are_no_change() -> None:
    assert apply_edits({"x": 1}, NO_EDITS) == {"x": 1}
