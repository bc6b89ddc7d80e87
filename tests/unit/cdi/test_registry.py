"""Which device wins, which is nobody's, and what a request comes to."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi.edits import SourcedEdits
from nri_cdi.cdi.model import ContainerEdits, Device, Spec
from nri_cdi.cdi.registry import (
    BrokenFile,
    Registry,
    SpecFile,
    build_registry,
    register,
)
from nri_cdi.errors import Problem, ResolveError, SpecError

KIND = "vendor.com/gpu"
WARNING = Problem(rule="removed-field", message="a warning")


def edits(text: str) -> ContainerEdits:
    return ContainerEdits(env=(f"EDIT={text}",))


def spec_file(
    path: str, priority: int, *names: str, kind: str = KIND, spec_edits: str = ""
) -> SpecFile:
    devices = tuple(
        Device(name=name, container_edits=edits(f"{path} {name}")) for name in names
    )
    spec = Spec(
        cdi_version="0.3.0",
        kind=kind,
        devices=devices,
        container_edits=edits(spec_edits) if spec_edits else ContainerEdits(),
    )
    return register(path, priority, spec)


def broken_file(path: str, priority: int) -> BrokenFile:
    problem = Problem(rule="syntax", message="it is broken")
    return BrokenFile(path=path, priority=priority, error=SpecError(path, [problem]))


def winners(registry: Registry) -> dict[str, str]:
    return {
        name.removeprefix(f"{KIND}="): registered.path
        for name, registered in registry.devices.items()
    }


def short(table: object) -> dict[str, tuple[str, ...]]:
    assert hasattr(table, "items")
    return {name.removeprefix(f"{KIND}="): paths for name, paths in table.items()}


def test_an_empty_registry_has_nothing() -> None:
    registry = build_registry(())
    assert registry.generation == 0
    assert registry.specs == ()
    assert not registry.devices
    assert not registry.dir_errors


def test_a_registered_device_knows_its_name_and_its_file() -> None:
    file = spec_file("/etc/cdi/a.yaml", 3, "0")
    registered = build_registry([file]).devices["vendor.com/gpu=0"]
    assert registered.name == "vendor.com/gpu=0"
    assert (registered.path, registered.priority) == ("/etc/cdi/a.yaml", 3)
    assert registered.spec is file.spec
    assert registered.device is file.spec.devices[0]


def test_tables_of_files_are_by_path() -> None:
    warned = register("/b", 0, spec_file("/b", 0, "b").spec, (WARNING,))
    broken = broken_file("/c", 0)
    good = spec_file("/a", 0, "a")
    registry = build_registry(
        [warned, broken, good], dir_errors={"/d": "permission denied"}, generation=7
    )
    assert registry.specs == (good, warned)
    assert registry.errors == {"/c": broken.error}
    assert registry.warnings == {"/b": (WARNING,)}
    assert registry.dir_errors == {"/d": "permission denied"}
    assert registry.generation == 7


# Columns: the files as (path, priority, devices), the file that each device comes from,
# the conflicts, and the files that are hidden.
Files = list[tuple[str, int, str]]
Paths = dict[str, tuple[str, ...]]
PRIORITIES: dict[str, tuple[Files, dict[str, str], Paths, Paths]] = {
    "apart": ([("/l", 0, "a"), ("/h", 1, "b")], {"a": "/l", "b": "/h"}, {}, {}),
    "the later directory wins": (
        [("/l", 0, "ab"), ("/h", 1, "b")],
        {"a": "/l", "b": "/h"},
        {},
        {"b": ("/l",)},
    ),
    "three directories": (
        [("/1", 0, "a"), ("/2", 1, "a"), ("/3", 2, "a")],
        {"a": "/3"},
        {},
        {"a": ("/1", "/2")},
    ),
    "a conflict takes the device alone": (
        [("/x", 0, "ab"), ("/y", 0, "bc")],
        {"a": "/x", "c": "/y"},
        {"b": ("/x", "/y")},
        {},
    ),
    "three files in conflict": (
        [("/x", 0, "a"), ("/y", 0, "a"), ("/z", 0, "a")],
        {},
        {"a": ("/x", "/y", "/z")},
        {},
    ),
    "a conflict below does no harm": (
        [("/x", 0, "a"), ("/y", 0, "a"), ("/h", 1, "a")],
        {"a": "/h"},
        {},
        {"a": ("/x", "/y")},
    ),
    "a conflict above hides what is below": (
        [("/l", 0, "a"), ("/x", 1, "a"), ("/y", 1, "a")],
        {},
        {"a": ("/x", "/y")},
        {"a": ("/l",)},
    ),
    "a conflict upon a conflict": (
        [("/w", 0, "a"), ("/x", 0, "a"), ("/y", 1, "a"), ("/z", 1, "a")],
        {},
        {"a": ("/y", "/z")},
        {"a": ("/w", "/x")},
    ),
    "a conflict in the middle": (
        [("/1", 0, "a"), ("/x", 1, "a"), ("/y", 1, "a"), ("/3", 2, "a")],
        {"a": "/3"},
        {},
        {"a": ("/1", "/x", "/y")},
    ),
}


@pytest.mark.parametrize("case", PRIORITIES)
def test_the_highest_directory_decides_who_has_a_device(case: str) -> None:
    files, devices, conflicts, shadowed = PRIORITIES[case]
    registry = build_registry(spec_file(path, at, *names) for path, at, names in files)
    assert winners(registry) == devices
    assert short(registry.conflicts) == conflicts
    assert short(registry.shadowed) == shadowed


def test_devices_of_one_name_and_two_kinds_are_two_devices() -> None:
    first = spec_file("/a", 0, "0")
    second = spec_file("/b", 0, "0", kind="vendor.com/nic")
    registry = build_registry([first, second])
    assert list(registry.devices) == ["vendor.com/gpu=0", "vendor.com/nic=0"]


@st.composite
def directories(draw: st.DrawFn) -> list[SpecFile | BrokenFile]:
    counts = draw(st.lists(st.integers(0, 4), max_size=3))
    return [
        draw(
            st.builds(
                spec_file,
                st.just(f"/{priority}/{number}.yaml"),
                st.just(priority),
                *[st.sampled_from("abc")] * draw(st.integers(1, 2)),
            )
            | st.just(broken_file(f"/{priority}/{number}.yaml", priority))
        )
        for priority, count in enumerate(counts)
        for number in range(count)
    ]


@given(directories(), st.randoms(use_true_random=False))
def test_a_registry_is_independent_of_the_order_of_files(
    files: list[SpecFile | BrokenFile], shuffler: random.Random
) -> None:
    def tables(given: list[SpecFile | BrokenFile]) -> list[tuple[object, ...]]:
        registry = build_registry(given)
        mappings = (
            registry.devices,
            registry.errors,
            registry.conflicts,
            registry.shadowed,
        )
        return [registry.specs, *(tuple(each.items()) for each in mappings)]

    shuffled = files.copy()
    shuffler.shuffle(shuffled)
    assert tables(shuffled) == tables(files)


@given(directories())
def test_every_device_is_somebodys_or_in_conflict(
    files: list[SpecFile | BrokenFile],
) -> None:
    registry = build_registry(files)
    defined = {name for file in registry.specs for name in file.devices}
    assert registry.devices.keys() | registry.conflicts.keys() == defined
    assert registry.devices.keys().isdisjoint(registry.conflicts)
    for name in defined:
        definers = [file for file in registry.specs if name in file.devices]
        top = [f.path for f in definers if f.priority == definers[-1].priority]
        low = [f.path for f in definers if f.priority != definers[-1].priority]
        winner = registry.devices.get(name)
        holders = registry.conflicts[name] if winner is None else (winner.path,)
        assert list(holders) == top
        assert list(registry.shadowed.get(name, ())) == low


def origins(registry: Registry, *names: str) -> list[str]:
    return [part.origin for part in registry.resolve(names).parts]


def test_edits_of_a_spec_come_once_before_its_first_device() -> None:
    # The request and the order that the reference was seen to answer it in.
    registry = build_registry(
        [
            spec_file("/dev", 0, "a", "b", kind="v.com/dev", spec_edits="all"),
            spec_file("/oth", 0, "a", kind="v.com/oth", spec_edits="all"),
        ]
    )
    assert origins(registry, "v.com/dev=b", "v.com/oth=a", "v.com/dev=a") == [
        "containerEdits of v.com/dev (/dev)",
        "device v.com/dev=b (/dev)",
        "containerEdits of v.com/oth (/oth)",
        "device v.com/oth=a (/oth)",
        "device v.com/dev=a (/dev)",
    ]


def test_two_specs_of_one_kind_have_each_their_own_edits() -> None:
    registry = build_registry(
        [
            spec_file("/x", 0, "0", spec_edits="x"),
            spec_file("/y", 0, "1", spec_edits="y"),
        ]
    )
    resolution = registry.resolve([f"{KIND}=0", f"{KIND}=1"])
    assert [part.edits.env for part in resolution.parts] == [
        ("EDIT=x",),
        ("EDIT=/x 0",),
        ("EDIT=y",),
        ("EDIT=/y 1",),
    ]


def test_a_part_names_its_kind_its_device_and_its_file() -> None:
    resolution = build_registry([spec_file("/x", 0, "0")]).resolve([f"{KIND}=0"])
    assert resolution.parts == (
        SourcedEdits(
            edits=edits("/x 0"), kind=KIND, device="vendor.com/gpu=0", path="/x"
        ),
    )


def test_a_device_asked_for_twice_comes_once() -> None:
    registry = build_registry([spec_file("/x", 0, "0", "1")])
    names = [f"{KIND}=1", f"{KIND}=0", f"{KIND}=1"]
    resolution = registry.resolve(iter(names))
    assert resolution.devices == (f"{KIND}=1", f"{KIND}=0")
    assert [part.device for part in resolution.parts] == [f"{KIND}=1", f"{KIND}=0"]


def test_no_names_come_to_nothing() -> None:
    resolution = build_registry(()).resolve(())
    assert (resolution.devices, resolution.parts) == ((), ())


@pytest.mark.parametrize("name", [f"{KIND}=0", b"v.com/c=0"])
def test_a_single_name_is_no_list(name: str) -> None:
    registry = build_registry([spec_file("/x", 0, "0")])
    message = f"expected a list of device names, not {name!r} alone"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        registry.resolve(name)
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        registry.resolve([], present=name)


def test_one_name_that_is_missing_fails_the_request() -> None:
    registry = build_registry([spec_file("/x", 0, "0")])
    with pytest.raises(ResolveError) as caught:
        registry.resolve([f"{KIND}=0", f"{KIND}=zero"])
    assert str(caught.value) == (
        "unresolvable CDI device: 'vendor.com/gpu=zero' is in no spec (known: 0)"
    )
    assert caught.value.__suppress_context__


def test_the_vendors_and_classes_are_those_of_the_specs_that_loaded() -> None:
    kinds = ("b.com/gpu", "a.com/nic", "a.com/gpu")
    specs = [Spec(cdi_version="0.3.0", kind=kind) for kind in kinds]
    files = [register(f"/etc/cdi/{at}.yaml", 0, spec) for at, spec in enumerate(specs)]
    registry = build_registry(files)
    assert registry.vendors == ("a.com", "b.com")
    assert registry.classes == ("gpu", "nic")
