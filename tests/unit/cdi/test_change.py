"""What the log is told of a refresh."""

from __future__ import annotations

from nri_cdi.cdi.change import compare
from nri_cdi.cdi.model import ContainerEdits, Device, Spec
from nri_cdi.cdi.registry import BrokenFile, SpecFile, build_registry, register
from nri_cdi.errors import Problem, SpecError

WARNING = Problem(rule="removed-field", message="a warning")


def spec_file(
    path: str, *names: str, env: str = "", spec_env: str = "", kind: str = "v/c"
) -> SpecFile:
    edits = ContainerEdits(env=(f"E={env}",))
    spec = Spec(
        cdi_version="0.3.0",
        kind=kind,
        devices=tuple(Device(name=name, container_edits=edits) for name in names),
        container_edits=ContainerEdits(env=(f"S={spec_env}",)),
    )
    return register(path, 0, spec)


def broken_file(path: str, message: str) -> BrokenFile:
    error = SpecError(path, [Problem(rule="syntax", message=message)])
    return BrokenFile(path=path, priority=0, error=error)


NAMES = [f"v/c={name}" for name in "abcd"]


def test_nothing_changed_is_false() -> None:
    registry = build_registry(())
    assert not compare(registry, registry, ())
    assert compare(registry, build_registry(()), ())


def test_devices_are_sorted_into_added_removed_and_changed() -> None:
    kept = spec_file("/kept", "d")
    before = build_registry([kept, spec_file("/x", "b", "a")])
    after = build_registry([kept, spec_file("/x", "c", "a", env="new")])
    change = compare(before, after, [*NAMES, *NAMES])
    assert (change.added, change.removed, change.changed) == (
        ("v/c=c",),
        ("v/c=b",),
        ("v/c=a",),
    )
    assert (change.before, change.after) == (before, after)


def test_a_device_that_was_read_again_and_is_the_same_did_not_change() -> None:
    before = build_registry([spec_file("/x", "a")])
    after = build_registry([spec_file("/x", "a")])
    assert compare(before, after, NAMES).changed == ()


def test_a_device_changes_with_its_specs_edits_and_with_its_file() -> None:
    before = build_registry([spec_file("/x", "a")])
    other_edits = build_registry([spec_file("/x", "a", spec_env="new")])
    other_file = build_registry([spec_file("/y", "a")])
    assert compare(before, other_edits, NAMES).changed == ("v/c=a",)
    assert compare(before, other_file, NAMES).changed == ("v/c=a",)


def test_files_that_broke_or_broke_otherwise_are_news_and_others_not() -> None:
    old, other, new = (broken_file(p, p) for p in ("/old", "/other", "/new"))
    otherwise = broken_file("/other", "in another way")
    gone = broken_file("/gone", "bad")
    before = build_registry([old, other, gone])
    change = compare(before, build_registry([old, otherwise, new]), ())
    assert change.broken() == (new.error, otherwise.error)
    assert change.mended() == ("/gone",)


def test_new_warnings_conflicts_and_directories_are_news() -> None:
    quiet = spec_file("/w", "a")
    warned = register("/w", 0, quiet.spec, (WARNING,))
    before = build_registry([quiet, spec_file("/x", "b")], dir_errors={"/d": "why"})
    after = build_registry(
        [warned, spec_file("/x", "a")], dir_errors={"/d": "why", "/e": "why not"}
    )
    change = compare(before, after, NAMES)
    assert change.warnings() == {"/w": (WARNING,)}
    assert change.conflicts() == {"v/c=a": ("/w", "/x")}
    assert change.dir_errors() == {"/e": "why not"}
    assert change.removed == ("v/c=a", "v/c=b")
