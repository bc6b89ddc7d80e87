"""A refresh sees all that was written before it, and reads no more than it must."""

from __future__ import annotations

import json
import os
import resource
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from nri_cdi.cdi.cache import DEFAULT_SPEC_DIRS, LARGE_FILE, Cache
from nri_cdi.cdi.reading import LoadedSpec, read_spec
from nri_cdi.cdi.scan import SECOND_NS
from nri_cdi.errors import ResolveError

# A clock of tests: 2100, when all files of today are settled; and 1970, when none is.
LATER_NS = 4_100_000_000 * SECOND_NS
NEVER_NS = 0


def spec_text(*names: str, env: str = "E=1", kind: str = "vendor.com/gpu") -> str:
    devices = [{"name": name, "containerEdits": {"env": [env]}} for name in names]
    return json.dumps({"cdiVersion": "0.5.0", "kind": kind, "devices": devices})


def write(path: Path, *names: str, env: str = "E=1") -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(spec_text(*names, env=env))


def env(cache: Cache, name: str) -> tuple[str, ...]:
    return cache.registry.resolve([f"vendor.com/gpu={name}"]).merged().env


class CountingReader:
    """The real reader, that counts what it reads, and does something in between."""

    def __init__(self) -> None:
        self.reads: Counter[str] = Counter()
        self.after: Callable[[], None] = lambda: None

    def __call__(self, path: str) -> LoadedSpec:
        self.reads[Path(path).name] += 1
        try:
            return read_spec(path)
        finally:
            self.after()


def counting_cache(*dirs: Path, now_ns: int = LATER_NS) -> tuple[Cache, CountingReader]:
    reader = CountingReader()
    cache = Cache([str(path) for path in dirs], read=reader, clock_ns=lambda: now_ns)
    return cache, reader


def test_the_default_directories_are_those_of_the_reference() -> None:
    assert Cache().spec_dirs == DEFAULT_SPEC_DIRS == ("/etc/cdi", "/var/run/cdi")


def test_spec_dirs_are_cleaned() -> None:
    assert Cache(["/a//b/../c/", "d/."]).spec_dirs == ("/a/c", "d")


def test_nothing_is_read_before_the_first_refresh(tmp_path: Path) -> None:
    write(tmp_path / "a.json", "0")
    cache, reader = counting_cache(tmp_path)
    assert cache.registry.generation == 0
    assert not cache.registry.devices
    assert not reader.reads


def test_a_refresh_finds_files_and_says_what_came(tmp_path: Path) -> None:
    write(tmp_path / "a.json", "0", "1")
    cache = Cache([str(tmp_path)])
    change = cache.refresh()
    assert change.added == ("vendor.com/gpu=0", "vendor.com/gpu=1")
    assert change.after is cache.registry
    assert cache.registry.generation == 1
    assert env(cache, "0") == ("E=1",)


def test_a_refresh_without_a_change_keeps_the_registry(tmp_path: Path) -> None:
    write(tmp_path / "a.json", "0")
    (tmp_path / "bad.json").write_text("{")
    cache = Cache([str(tmp_path)])
    before = cache.refresh().after
    assert not cache.refresh()
    assert cache.registry is before


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


def test_a_file_that_is_removed_takes_its_devices_with_it(tmp_path: Path) -> None:
    write(tmp_path / "a.json", "0")
    cache = Cache([str(tmp_path)])
    cache.refresh()
    (tmp_path / "a.json").unlink()
    assert cache.refresh().removed == ("vendor.com/gpu=0",)
    with pytest.raises(ResolveError):
        env(cache, "0")


def test_a_file_breaks_and_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write(path, "0")
    cache = Cache([str(tmp_path)])
    cache.refresh()
    path.write_text("{")
    broke = cache.refresh()
    assert [error.path for error in broke.broken()] == [str(path)]
    assert broke.removed == ("vendor.com/gpu=0",)
    path.write_text("}")
    assert [error.path for error in cache.refresh().broken()] == [str(path)]
    write(path, "0")
    mended = cache.refresh()
    assert mended.mended() == (str(path),)
    assert mended.added == ("vendor.com/gpu=0",)


def test_odd_files_are_errors_and_do_no_harm(tmp_path: Path) -> None:
    write(tmp_path / "good.json", "0")
    os.mkfifo(tmp_path / "fifo.json")
    (tmp_path / "dangling.json").symlink_to("nowhere")
    (tmp_path / "dir.json").symlink_to(tmp_path)
    (tmp_path / "nul.yaml").write_bytes(b"\0")
    cache = Cache([str(tmp_path)])
    cache.refresh()
    names = sorted(Path(path).name for path in cache.registry.errors)
    assert names == ["dangling.json", "dir.json", "fifo.json", "nul.yaml"]
    assert env(cache, "0") == ("E=1",)


def test_directories_that_cannot_be_listed_are_reported_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    write(tmp_path / "good" / "a.json", "0")
    cache = Cache([str(tmp_path / "file"), str(tmp_path / "good")])
    assert cache.refresh().dir_errors() == {str(tmp_path / "file"): "not a directory"}
    assert not cache.refresh()
    (tmp_path / "file").unlink()
    assert cache.refresh()
    assert not cache.registry.dir_errors


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


def test_a_file_and_a_link_to_it_are_in_conflict_as_in_the_reference(
    tmp_path: Path,
) -> None:
    write(tmp_path / "a.json", "0")
    (tmp_path / "hard.json").hardlink_to(tmp_path / "a.json")
    (tmp_path / "soft.json").symlink_to("a.json")
    cache = Cache([str(tmp_path)])
    paths = tuple(f"{tmp_path}/{name}.json" for name in ("a", "hard", "soft"))
    assert cache.refresh().conflicts() == {"vendor.com/gpu=0": paths}


def test_a_directory_listed_twice_is_no_conflict(tmp_path: Path) -> None:
    write(tmp_path / "cdi" / "a.json", "0")
    (tmp_path / "alias").symlink_to("cdi")
    cache = Cache([str(tmp_path / "cdi"), str(tmp_path / "alias")])
    cache.refresh()
    assert not cache.registry.conflicts
    assert not cache.registry.shadowed
    registered = cache.registry.devices["vendor.com/gpu=0"]
    assert (registered.path, registered.priority) == (f"{tmp_path}/alias/a.json", 1)


def test_what_is_written_before_a_refresh_can_be_resolved_after_it(
    tmp_path: Path,
) -> None:
    # The reference fails this in 75 to 146 of 200 rounds. All texts have one size.
    cache = Cache([str(tmp_path)])
    for number in range(200):
        write(tmp_path / "a.json", "0", env=f"E={number:03}")
        cache.refresh()
        assert env(cache, "0") == (f"E={number:03}",)


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


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


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
    (error,) = cache.refresh().broken()
    assert "too many open files" in str(error)
    assert cache.refresh().mended() == (f"{tmp_path}/a.json",)


def test_threads_that_refresh_at_once_each_find_what_they_wrote(
    tmp_path: Path,
) -> None:
    cache = Cache([str(tmp_path)])

    def write_and_resolve(thread: int) -> bool:
        for number in range(10):
            name = f"{thread}-{number}"
            write(tmp_path / f"{thread}.json", name)
            cache.refresh()
            if env(cache, name) != ("E=1",):
                return False
        return True

    with ThreadPoolExecutor(max_workers=4) as pool:
        assert list(pool.map(write_and_resolve, range(4))) == [True] * 4


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
