"""What is told of the difference between two registries."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi.change import compare, difference
from nri_cdi.cdi.model import ContainerEdits, Device, Spec
from nri_cdi.cdi.registry import (
    BrokenFile,
    Registry,
    SpecFile,
    build_registry,
    register,
)
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
    assert change.broken == (new.error, otherwise.error)
    assert change.mended == ("/gone",)


def test_new_warnings_conflicts_and_directories_are_news() -> None:
    quiet = spec_file("/w", "a")
    warned = register("/w", 0, quiet.spec, (WARNING,))
    before = build_registry([quiet, spec_file("/x", "b")], dir_errors={"/d": "why"})
    after = build_registry(
        [warned, spec_file("/x", "a")], dir_errors={"/d": "why", "/e": "why not"}
    )
    change = compare(before, after, NAMES)
    assert change.warnings == {"/w": (WARNING,)}
    assert change.conflicts == {"v/c=a": ("/w", "/x")}
    assert change.dir_errors == {"/e": "why not"}
    assert change.removed == ("v/c=a", "v/c=b")


def test_conflicts_and_directories_that_are_no_more_are_news() -> None:
    before = build_registry(
        [spec_file("/x", "a"), spec_file("/y", "a")], dir_errors={"/d": "why"}
    )
    change = compare(before, build_registry([spec_file("/x", "a")]), NAMES)
    assert change.settled == ("v/c=a",)
    assert change.listable == ("/d",)
    assert change.added == ("v/c=a",)


def test_a_device_that_comes_to_be_shadowed_or_by_more_is_news() -> None:
    low, middle = spec_file("/low", "a", "b"), spec_file("/middle", "a")
    top = register("/top", 2, spec_file("/top", "a").spec)
    middle = register("/middle", 1, middle.spec)
    first, second = build_registry([low, top]), build_registry([low, middle, top])
    assert compare(build_registry([top]), first, NAMES).shadowed == {"v/c=a": ("/low",)}
    assert compare(first, second, NAMES).shadowed == {"v/c=a": ("/low", "/middle")}
    assert compare(second, first, NAMES).shadowed == {"v/c=a": ("/low",)}


def test_a_device_changes_with_the_annotations_of_its_spec() -> None:
    old = spec_file("/x", "a")
    new = register("/x", 0, replace(old.spec, annotations={"k": "v"}))
    change = compare(build_registry([old]), build_registry([new]), NAMES)
    assert change.changed == ("v/c=a",)


@pytest.mark.parametrize(
    "after",
    [
        build_registry([spec_file("/x", "a", "b")]),
        build_registry(()),
        build_registry([spec_file("/x", "a", env="new")]),
        build_registry([spec_file("/x", "a"), broken_file("/b", "bad")]),
        build_registry([register("/x", 0, spec_file("/x", "a").spec, (WARNING,))]),
        build_registry([spec_file("/x", "a"), spec_file("/y", "a")]),
        build_registry([spec_file("/x", "a")], dir_errors={"/d": "why"}),
        build_registry(
            [spec_file("/x", "a"), register("/t", 1, spec_file("/t", "a").spec)]
        ),
    ],
)
def test_each_of_these_is_news_in_both_directions(after: Registry) -> None:
    before = build_registry([spec_file("/x", "a")])
    assert difference(before, after).has_news
    # A warning that is no more is the only thing that nobody is told.
    assert difference(after, before).has_news is not bool(after.warnings)


def test_what_was_changed_back_is_no_news() -> None:
    before = build_registry([spec_file("/x", "a")])
    again = build_registry([spec_file("/x", "a")])
    change = difference(before, again)
    assert change
    assert not change.has_news
    assert not difference(before, before).has_news


FILES = st.lists(
    st.builds(
        lambda path, names, env, priority: register(
            f"/{priority}/{path}", priority, spec_file("", *names, env=env).spec
        ),
        st.sampled_from("xyz"),
        st.sets(st.sampled_from("abcd"), min_size=1),
        st.sampled_from("12"),
        st.integers(0, 1),
    ),
    unique_by=lambda file: file.path,
)


@given(FILES, FILES, st.data())
def test_the_difference_is_that_of_all_names(
    first: list[SpecFile], second: list[SpecFile], data: st.DataObject
) -> None:
    kept = [file for file in first if data.draw(st.booleans())]
    paths = {file.path for file in kept}
    after = [*kept, *(file for file in second if file.path not in paths)]
    registries = build_registry(first), build_registry(after)
    assert difference(*registries) == compare(*registries, NAMES)
