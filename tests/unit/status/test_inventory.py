from __future__ import annotations

from pathlib import Path

import pytest

from nri_cdi.config import Config
from nri_cdi.holders import Holder
from nri_cdi.nri.capabilities import RuntimeInfo, runtime_named
from nri_cdi.status.inventory import DeviceRow, Inventory
from nri_cdi.status.occupancy import Held
from tests.unit.status.living import KIND, SettledSpecs, write_spec

NET = "vendor.com/net"
LOST = "gone.com/gpu=1"
OLDEST = runtime_named("containerd:1.7.29")
OLD = runtime_named("containerd:2.1.9")
NEW = runtime_named("containerd:2.3.0")


def rows(config: Config, specs: SettledSpecs, *held: str) -> list[DeviceRow]:
    return list(Inventory().rows(config, specs.registry, OLD, (holder(*held),)))


def holder(*devices: str) -> Holder:
    return Holder(
        namespace="ns",
        pod="pod",
        container="main",
        container_id="1",
        pod_uid="1",
        devices=devices,
    )


def test_what_is_held_comes_first_and_then_what_is_exclusive(spec_dir: Path) -> None:
    config = Config(spec_dirs=(str(spec_dir),), exclusive=(f"{KIND}=[12]",))
    found = rows(config, SettledSpecs(config.spec_dirs), f"{KIND}=2", LOST)
    assert [(row.name, row.exclusive) for row in found] == [
        (f"{KIND}=2", True),
        (LOST, False),
        (f"{KIND}=1", True),
        (f"{KIND}=0", False),
    ]


def test_a_device_that_is_held_and_in_no_spec_has_no_path(spec_dir: Path) -> None:
    config = Config(spec_dirs=(str(spec_dir),))
    row = rows(config, SettledSpecs(config.spec_dirs), LOST)[0]
    assert row == DeviceRow(
        name=LOST,
        kind="gone.com/gpu",
        path="",
        exclusive=False,
        holders=(Held(holder(LOST)),),
    )


def test_without_patterns_nothing_is_exclusive(spec_dir: Path) -> None:
    config = Config(spec_dirs=(str(spec_dir),))
    found = rows(config, SettledSpecs(config.spec_dirs))
    assert [row.name for row in found] == [f"{KIND}={name}" for name in "012"]
    assert not any(row.exclusive for row in found)


def test_what_the_runtime_can_not_express_is_said_anew_for_another_runtime(
    spec_dir: Path,
) -> None:
    devices = [{"hostInterfaceName": "eth1", "name": "eth1"}]
    write_spec(spec_dir, "a", kind=NET, netDevices=devices)
    config = Config(spec_dirs=(str(spec_dir),))
    specs = SettledSpecs(config.spec_dirs)
    inventory = Inventory()

    def said(runtime: RuntimeInfo | None) -> str:
        found = inventory.rows(config, specs.registry, runtime, ())
        return "; ".join(text for row in found for text in row.unsupported)

    assert "can't move network devices" in said(OLD)
    assert said(NEW) == ""
    assert "can't move network devices" in said(OLD)
    assert said(None) == ""


def test_a_changed_spec_is_seen(spec_dir: Path) -> None:
    config = Config(spec_dirs=(str(spec_dir),))
    specs = SettledSpecs(config.spec_dirs)
    inventory = Inventory()
    assert len(list(inventory.rows(config, specs.registry, OLD, ()))) == 3
    devices = [{"hostInterfaceName": "eth1", "name": "eth1"}]
    write_spec(spec_dir, "a", kind=NET, netDevices=devices)
    specs.refresh()
    found = list(inventory.rows(config, specs.registry, OLD, ()))
    assert [row.name for row in found if row.unsupported] == [f"{NET}=a"]


DELEGATED: tuple[tuple[str, RuntimeInfo, tuple[str, ...]], ...] = (
    ("auto", OLD, ("additionalGids", "netDevices")),
    ("delegate", OLD, ("additionalGids", "netDevices")),
    ("resolve", OLD, ()),
    ("auto", OLDEST, ()),
    ("delegate", OLDEST, ()),
)


@pytest.mark.parametrize(("injection", "runtime", "delegated"), DELEGATED)
def test_what_can_not_be_expressed_is_delegated_where_that_is_allowed_and_honoured(
    spec_dir: Path, injection: str, runtime: RuntimeInfo, delegated: tuple[str, ...]
) -> None:
    folder = spec_dir / "a: [b"
    folder.mkdir()
    devices = [{"hostInterfaceName": "eth1", "name": "eth1"}]
    write_spec(folder, "a", kind=NET, additionalGids=[44, 45], netDevices=devices)
    write_spec(folder, "0")
    config = Config(spec_dirs=(str(folder),), injection=injection)
    registry = SettledSpecs(config.spec_dirs).registry
    found = {row.name: row for row in Inventory().rows(config, registry, runtime, ())}
    row = found[f"{NET}=a"]
    assert tuple(sorted(row.delegated)) == delegated
    assert [reason.count("can't") for reason in row.unsupported] == [1, 1, 1]
    assert found[f"{KIND}=0"].delegated == found[f"{KIND}=0"].unsupported == ()
