"""Whether a container has what its devices bring."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nri_cdi.adjustment.evidence import Needs, given, lacking, lost
from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.edits import Resolution
from nri_cdi.nri import api

EDITS: dict[str, Any] = {
    "deviceNodes": [{"path": "/dev/a"}],
    "mounts": [{"hostPath": "/lib/a", "containerPath": "/lib/b"}],
    "env": ["A=1"],
    "hooks": [{"hookName": "createContainer", "path": "/bin/hook"}],
    "netDevices": [{"hostInterfaceName": "eth9", "name": "eth0"}],
    "intelRdt": {"closID": "gold"},
    "additionalGids": [0, 42],
}


def resolution(tmp_path: Path, edits: Any, shared: Any = None) -> Resolution:
    spec = {
        "cdiVersion": "1.1.0",
        "kind": "v.com/a",
        "devices": [{"name": "0", "containerEdits": edits}],
        **({"containerEdits": shared} if shared else {}),
    }
    (tmp_path / "a.json").write_text(json.dumps(spec))
    return Cache([str(tmp_path)]).snapshot().resolve(("v.com/a=0",))


def full() -> api.Container:
    """A container that has all of it, in its own way."""
    container = api.Container(env=["A=another", "PATH=/bin"])
    container.linux.devices.add(path="/dev/a", type="c", major=7)
    container.mounts.add(destination="/lib/b", source="/elsewhere")
    container.hooks.create_container.add(path="/bin/hook")
    container.linux.net_devices["eth9"].name = "eth0"
    container.linux.rdt.clos_id.value = "another"
    container.user.additional_gids.append(42)
    return container


def test_a_container_that_has_every_place_lacks_nothing(tmp_path: Path) -> None:
    assert lacking(resolution(tmp_path, EDITS), given(full())) == ()


def test_an_adjustment_counts_as_well_as_the_container(tmp_path: Path) -> None:
    whole = full()
    adjustment = api.ContainerAdjustment(hooks=whole.hooks, mounts=whole.mounts)
    adjustment.linux.devices.extend(whole.linux.devices)
    adjustment.linux.net_devices["eth9"].name = "eth0"
    adjustment.env.add(key="A", value="1")
    adjustment.linux.resources.rdt_class.value = "gold"
    wanted = resolution(tmp_path, EDITS)
    container = api.Container(user=whole.user)
    assert lacking(wanted, given(container, adjustment)) == ()


def test_an_empty_rdt_message_says_nothing(tmp_path: Path) -> None:
    adjustment = api.ContainerAdjustment()
    adjustment.linux.rdt.SetInParent()
    wanted = resolution(tmp_path, {"intelRdt": EDITS["intelRdt"]})
    assert lacking(wanted, given(api.Container(), adjustment))


PLACES = (
    ("deviceNodes", "device node '/dev/a'"),
    ("mounts", "mount '/lib/b'"),
    ("env", "variable 'A'"),
    ("hooks", "hook '/bin/hook'"),
    ("netDevices", "network device 'eth9'"),
    ("intelRdt", "Intel RDT setting"),
    ("additionalGids", "additional group 42"),
)


@pytest.mark.parametrize(("field", "words"), PLACES)
def test_each_place_that_is_missing_is_named(
    tmp_path: Path, field: str, words: str
) -> None:
    wanted = resolution(tmp_path, {field: EDITS[field]})
    [said] = lacking(wanted, given(api.Container()))
    assert said == f"device v.com/a=0 ({tmp_path}/a.json): no {words}"


def test_what_the_whole_spec_brings_counts_too(tmp_path: Path) -> None:
    wanted = resolution(tmp_path, {"env": ["A=1"]}, {"env": ["S=1"]})
    [said] = lacking(wanted, given(api.Container(env=["A=1"])))
    assert said.startswith("containerEdits of v.com/a ")


def test_more_than_some_are_counted(tmp_path: Path) -> None:
    edits = {"env": [f"V{number}=1" for number in range(5)]}
    [said] = lacking(resolution(tmp_path, edits), given(api.Container()))
    assert said.endswith(
        "no variable 'V0', no variable 'V1', no variable 'V2' and 2 more"
    )


def test_what_is_taken_away_is_not_there(tmp_path: Path) -> None:
    adjustment = api.ContainerAdjustment()
    adjustment.linux.devices.add(path="-/dev/a")
    wanted = resolution(tmp_path, {"deviceNodes": EDITS["deviceNodes"]})
    assert lacking(wanted, given(api.Container(), adjustment))


def test_a_delegated_device_is_the_runtimes_business(tmp_path: Path) -> None:
    adjustment = api.ContainerAdjustment()
    adjustment.CDI_devices.add(name="v.com/a=0")
    wanted = resolution(tmp_path, EDITS, {"env": ["S=1"]})
    there = given(api.Container(), adjustment)
    assert lacking(wanted, there) == ()
    assert lost(wanted, there) == ()


STRONGEST = (
    ("all of it", EDITS, full(), False),
    ("its nodes are enough", EDITS, api.Container(linux=full().linux), False),
    ("its nodes are not there", EDITS, api.Container(mounts=full().mounts), True),
    (
        "mounts where it has no nodes",
        {"mounts": EDITS["mounts"], "env": EDITS["env"]},
        api.Container(mounts=full().mounts),
        False,
    ),
    ("no mounts", {"mounts": EDITS["mounts"]}, api.Container(), True),
    ("variables alone", {"env": ["A=1"]}, api.Container(env=["A=2"]), False),
    ("no variables", {"env": ["A=1"]}, api.Container(), True),
    ("nothing that could be seen", {"hooks": EDITS["hooks"]}, api.Container(), False),
)


@pytest.mark.parametrize(
    ("edits", "container", "is_lost"),
    [row[1:] for row in STRONGEST],
    ids=[row[0] for row in STRONGEST],
)
def test_of_an_older_container_the_strongest_evidence_counts(
    tmp_path: Path, edits: Any, container: api.Container, is_lost: bool
) -> None:
    found = lost(resolution(tmp_path, edits), given(container))
    assert found == (("v.com/a=0",) if is_lost else ())


def adjusted() -> api.ContainerAdjustment:
    """An adjustment with all that can be told at a glance."""
    whole = full()
    adjustment = api.ContainerAdjustment(hooks=whole.hooks, mounts=whole.mounts)
    adjustment.linux.devices.extend(whole.linux.devices)
    adjustment.env.add(key="A", value="1")
    return adjustment


def test_needs_are_met_by_an_adjustment_with_every_place(tmp_path: Path) -> None:
    told = ("deviceNodes", "mounts", "env", "hooks")
    edits = {key: EDITS[key] for key in told}
    needs = Needs.of(resolution(tmp_path, edits))
    assert needs.are_met(adjusted())
    for field in ("env", "mounts", "hooks", "linux"):
        lesser = adjusted()
        lesser.ClearField(field)
        assert not needs.are_met(lesser)


@pytest.mark.parametrize(
    "edits",
    [
        {"netDevices": EDITS["netDevices"]},
        {"intelRdt": {"closID": "gold"}},
        {"additionalGids": [7]},
    ],
)
def test_what_can_not_be_told_at_a_glance_is_left_to_a_closer_look(
    tmp_path: Path, edits: Any
) -> None:
    assert not Needs.of(resolution(tmp_path, edits)).are_met(adjusted())
