"""What is read of the spec files, how often, and what of it is kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.reading import LoadedSpec, read_spec
from nri_cdi.cdi.scan import SECOND_NS
from nri_cdi.cdi.specfiles import LARGE_FILE
from tests.unit.cdi.counting import (
    LATER_NS,
    NEVER_NS,
    CountingReader,
    counting_cache,
    env,
    spec_text,
    write,
)
from tests.unit.cdi.shortage import no_descriptor_left


def test_nothing_is_read_before_the_first_refresh(tmp_path: Path) -> None:
    write(tmp_path / "a.json", "0")
    cache, reader = counting_cache(tmp_path)
    assert cache.registry.generation == 0
    assert not cache.registry.devices
    assert not reader.reads


def test_only_files_that_changed_are_read_again(tmp_path: Path) -> None:
    for name in "abc":
        write(tmp_path / f"{name}.json", name)
    cache, reader = counting_cache(tmp_path)
    before = cache.refresh().after
    write(tmp_path / "b.json", "b", "new")
    change = cache.refresh()
    assert reader.reads == {"a.json": 1, "b.json": 2, "c.json": 1}
    assert change.added == ("vendor.com/gpu=new",)
    assert change.changed == ()
    assert change.after.generation == 2
    kept = before.devices["vendor.com/gpu=a"]
    assert cache.registry.devices["vendor.com/gpu=a"] is kept


def test_a_file_that_says_the_same_as_before_is_no_change(tmp_path: Path) -> None:
    good, bad = tmp_path / "a.json", tmp_path / "b.json"
    write(good, "0")
    bad.write_text("{")
    cache, reader = counting_cache(tmp_path)
    before = cache.refresh().after
    for path in (good, bad):
        os.utime(path, ns=(0, 0))
    assert not cache.refresh()
    assert reader.reads == {"a.json": 2, "b.json": 2}
    assert cache.registry is before


def test_a_link_follows_its_target(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere" / "a", "0")
    specs = tmp_path / "cdi"
    specs.mkdir()
    (specs / "a.json").symlink_to("../elsewhere/a")
    cache, reader = counting_cache(specs)
    cache.refresh()
    write(tmp_path / "elsewhere" / "a", "0", env="E=2")
    assert cache.refresh().changed == ("vendor.com/gpu=0",)
    assert env(cache, "0") == ("E=2",)
    assert reader.reads == {"a.json": 2}


def test_a_file_read_in_the_tick_of_its_writing_is_read_once_more(
    tmp_path: Path,
) -> None:
    write(tmp_path / "a.json", "0")
    ctime_ns = (tmp_path / "a.json").stat().st_ctime_ns
    now = iter([ctime_ns, ctime_ns, ctime_ns + SECOND_NS, ctime_ns + SECOND_NS])
    reader = CountingReader()
    cache = Cache([str(tmp_path)], read=reader, clock_ns=lambda: next(now))
    assert [bool(cache.refresh()) for _ in range(3)] == [True, False, False]
    assert reader.reads == {"a.json": 2}


def test_a_file_from_the_future_is_read_every_time(tmp_path: Path) -> None:
    write(tmp_path / "a.json", "0")
    cache, reader = counting_cache(tmp_path, now_ns=NEVER_NS)
    for _ in range(3):
        cache.refresh()
    assert reader.reads == {"a.json": 3}


def test_a_large_file_is_read_when_its_tick_is_over(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    text = spec_text("0")
    path.write_text(text + " " * LARGE_FILE)
    reader = CountingReader()
    cache = Cache([str(tmp_path)], read=reader)
    os.utime(path)  # changed just now
    cache.refresh()
    cache.refresh()
    assert reader.reads == {"large.json": 1}


def test_a_file_replaced_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write(path, "0", env="E=1")
    cache, reader = counting_cache(tmp_path)
    reader.after = lambda: write(path, "0", env="E=2")
    cache.refresh()
    assert env(cache, "0") == ("E=1",)
    reader.after = lambda: None
    assert cache.refresh().changed == ("vendor.com/gpu=0",)
    assert env(cache, "0") == ("E=2",)
    assert not cache.refresh()
    assert reader.reads == {"a.json": 2}


def starved_read_spec(path: str) -> LoadedSpec:
    with no_descriptor_left():
        return read_spec(path)


def test_a_file_that_the_system_did_not_open_is_tried_again(tmp_path: Path) -> None:
    write(tmp_path / "a.json", "0")
    readers = iter([starved_read_spec, read_spec])
    cache = Cache(
        [str(tmp_path)],
        read=lambda path: next(readers)(path),
        clock_ns=lambda: LATER_NS,
    )
    (error,) = cache.refresh().broken
    assert "too many open files" in str(error)
    assert cache.refresh().mended == (f"{tmp_path}/a.json",)


def test_a_bug_of_the_reader_leaves_the_cache_as_it_was(tmp_path: Path) -> None:
    write(tmp_path / "a.json", "0")
    cache, reader = counting_cache(tmp_path)
    before = cache.refresh().after
    write(tmp_path / "b.json", "1")
    reader.after = fail
    with pytest.raises(ZeroDivisionError):
        cache.refresh()
    assert cache.registry is before
    reader.after = lambda: None
    assert cache.refresh().added == ("vendor.com/gpu=1",)


def fail() -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("size", "long"), [(100, False), (LARGE_FILE // 2, False), (LARGE_FILE, True)]
)
def test_it_says_beforehand_when_much_is_to_be_read(
    tmp_path: Path, size: int, long: bool
) -> None:
    said: list[str] = []
    cache = Cache([str(tmp_path)])
    write(tmp_path / "a.json", "0", env=f"E={'x' * size}")
    cache.refresh(lambda: said.append("long"))
    assert bool(said) is long


def test_of_a_broken_file_only_its_problems_are_kept(tmp_path: Path) -> None:
    """Frames of a traceback would hold the whole text, and all that was made of it."""
    (tmp_path / "broken.yaml").write_text("kind: [")
    cache = Cache([str(tmp_path)])
    cache.refresh()
    [error] = cache.registry.errors.values()
    assert error.problems
    assert (error.__traceback__, error.__cause__, error.__context__) == (None,) * 3
