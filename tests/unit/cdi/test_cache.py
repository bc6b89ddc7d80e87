"""A refresh sees all that was written before it, and who asks gets an answer of now."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType

import pytest

from nri_cdi.cdi.cache import DEFAULT_SPEC_DIRS, Cache
from nri_cdi.cdi.model import ContainerEdits, Spec
from nri_cdi.cdi.reading import LoadedSpec, parse_spec, read_spec
from nri_cdi.cdi.specnames import generate_name_for_transient_spec
from nri_cdi.errors import InvalidNameError, ResolveError, SpecError
from nri_cdi.quoting import quoted
from tests.unit.cdi.children import holds_in_child
from tests.unit.cdi.counting import env, spec_text, write
from tests.unit.cdi.shortage import no_descriptor_left


def test_the_default_directories_are_those_of_the_reference() -> None:
    assert Cache().spec_dirs == DEFAULT_SPEC_DIRS == ("/etc/cdi", "/var/run/cdi")


def test_spec_dirs_are_cleaned() -> None:
    dirs: list[str | Path] = ["/a//b/../c/", "d/.", Path("/e/f")]
    assert Cache(dirs).spec_dirs == ("/a/c", "d", "/e/f")


@pytest.mark.parametrize("path", ["/etc/cdi", b"/etc/cdi"])
def test_a_single_directory_is_no_list(path: str) -> None:
    message = f"spec_dirs must be a list of directories, not {path!r} alone"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        Cache(path)


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
    assert [error.path for error in broke.broken] == [str(path)]
    assert broke.removed == ("vendor.com/gpu=0",)
    path.write_text("}")
    assert [error.path for error in cache.refresh().broken] == [str(path)]
    write(path, "0")
    mended = cache.refresh()
    assert mended.mended == (str(path),)
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
    assert cache.refresh().dir_errors == {str(tmp_path / "file"): "not a directory"}
    assert not cache.refresh()
    (tmp_path / "file").unlink()
    assert cache.refresh()
    assert not cache.registry.dir_errors


def test_a_file_and_a_link_to_it_are_in_conflict_as_in_the_reference(
    tmp_path: Path,
) -> None:
    write(tmp_path / "a.json", "0")
    (tmp_path / "hard.json").hardlink_to(tmp_path / "a.json")
    (tmp_path / "soft.json").symlink_to("a.json")
    cache = Cache([str(tmp_path)])
    paths = tuple(f"{tmp_path}/{name}.json" for name in ("a", "hard", "soft"))
    assert cache.refresh().conflicts == {"vendor.com/gpu=0": paths}


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


# What was written before is there, whoever wrote it.

SPEC = parse_spec(spec_text("0").encode(), "f").spec


def test_a_snapshot_has_all_that_was_written_before(tmp_path: Path) -> None:
    cache = Cache([str(tmp_path)])
    write(tmp_path / "a.json", "0")
    snapshot = cache.snapshot()
    assert list(snapshot.devices) == ["vendor.com/gpu=0"]
    assert cache.registry is snapshot
    write(tmp_path / "a.json", "1")
    assert list(cache.registry.devices) == ["vendor.com/gpu=0"]
    assert list(cache.snapshot().devices) == ["vendor.com/gpu=1"]
    assert list(snapshot.devices) == ["vendor.com/gpu=0"]


def test_a_spec_that_was_written_can_be_resolved(tmp_path: Path) -> None:
    cache = Cache([f"{tmp_path}/etc", f"{tmp_path}/run"])
    path = cache.write_spec(SPEC)
    assert path == f"{tmp_path}/run/vendor.com-gpu.yaml"
    resolution = cache.resolve(["vendor.com/gpu=0"])
    assert [part.path for part in resolution.parts] == [path]
    assert cache.remove_spec("vendor.com-gpu")
    with pytest.raises(ResolveError):
        cache.resolve(["vendor.com/gpu=0"])


def test_devices_that_are_present_bring_no_edits_of_their_spec(tmp_path: Path) -> None:
    cache = Cache([str(tmp_path)])
    spec = replace(SPEC, container_edits=ContainerEdits(env=("ALL=1",)))
    cache.write_spec(spec)
    names = ["vendor.com/gpu=0"]
    assert cache.resolve(names).merged().env == ("ALL=1", "E=1")
    assert cache.resolve(names, present=names).merged().env == ("E=1",)


def test_a_spec_is_written_and_removed_where_it_is_said(tmp_path: Path) -> None:
    cache = Cache([f"{tmp_path}/etc", f"{tmp_path}/run"])
    directory = f"{tmp_path}/etc/"
    path = cache.write_spec(SPEC, "a.json", directory=directory)
    assert path == f"{tmp_path}/etc/a.json"
    assert cache.remove_spec("a.json") is False
    assert cache.remove_spec("a.json", directory=Path(directory)) is True
    assert cache.remove_spec("a.json", directory=directory) is False


def test_a_written_path_is_the_one_that_the_registry_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for spec_dir in (".", "below", f"{tmp_path}//x/../x/"):
        cache = Cache([spec_dir])
        path = cache.write_spec(SPEC)
        assert cache.resolve(["vendor.com/gpu=0"]).parts[0].path == path


def test_an_old_spec_is_not_overwritten_unless_it_may_be(tmp_path: Path) -> None:
    cache = Cache([str(tmp_path)])
    path = cache.write_spec(SPEC, overwrite=False)
    with pytest.raises(FileExistsError):
        cache.write_spec(SPEC, overwrite=False)
    assert cache.write_spec(SPEC) == path


@pytest.mark.parametrize("name", ["", "..", "../esc", "a/b"])
def test_no_name_leaves_the_directory(tmp_path: Path, name: str) -> None:
    cache = Cache([f"{tmp_path}/cdi"])
    with pytest.raises(InvalidNameError):
        cache.write_spec(SPEC, name)
    with pytest.raises(InvalidNameError):
        cache.remove_spec(name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [None, "a"])
def test_an_invalid_spec_is_refused_with_every_problem(
    tmp_path: Path, name: str | None
) -> None:
    cache = Cache([f"{tmp_path}/cdi"])
    with pytest.raises(SpecError) as raised:
        cache.write_spec(Spec(cdi_version="0.3.0", kind="../x"), name)
    assert {problem.pointer for problem in raised.value.problems} == {"kind", "devices"}
    assert list(tmp_path.iterdir()) == []


def test_only_spec_directories_are_written_to(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^there are no spec directories$"):
        Cache([]).write_spec(SPEC)
    cache = Cache(["/a", "/b"])
    message = f"{quoted(str(tmp_path))} is not one of the spec directories (/a, /b)"
    for act in (partial(cache.write_spec, SPEC, "n"), partial(cache.remove_spec, "n")):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            act(directory=str(tmp_path))


def test_a_transient_spec_comes_and_goes(tmp_path: Path) -> None:
    cache = Cache([f"{tmp_path}/etc", f"{tmp_path}/run"])
    name = generate_name_for_transient_spec(SPEC, "container/1")
    with cache, cache.changes(0) as changes:
        path = cache.write_spec(SPEC, name)
        assert path == f"{tmp_path}/run/vendor.com-gpu_container_1.yaml"
        assert next(changes).added == ("vendor.com/gpu=0",)
        assert cache.remove_spec(name)
        assert next(changes).removed == ("vendor.com/gpu=0",)


def test_who_wins_and_who_loses_is_known(tmp_path: Path) -> None:
    """Of each device the winner, or that there is none, and all others."""
    dirs = [f"{tmp_path}/{number}" for number in range(3)]
    cache = Cache(dirs)
    paths = {
        f"{where}{name}": cache.write_spec(SPEC, name, directory=dirs[where])
        for where, name in ((0, "a"), (1, "a"), (1, "b"), (2, "a"))
    }
    name = "vendor.com/gpu=0"
    registry = cache.snapshot()
    assert registry.devices[name].path == paths["2a"]
    assert registry.shadowed == {name: (paths["0a"], paths["1a"], paths["1b"])}
    assert registry.conflicts == {}
    cache.remove_spec("a")
    registry = cache.snapshot()
    assert name not in registry.devices
    assert registry.shadowed == {name: (paths["0a"],)}
    assert registry.conflicts == {name: (paths["1a"], paths["1b"])}


# Shortage.


def test_without_a_descriptor_what_was_known_stays(tmp_path: Path) -> None:
    """The files of a directory are not gone because the process can't list it."""
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    write(good, "0")
    bad.write_text("{")
    cache = Cache([str(tmp_path)])
    known = cache.snapshot()
    with no_descriptor_left():
        change = cache.refresh()
    assert (change.added, change.removed, change.changed) == ((), (), ())
    assert change.dir_errors == {str(tmp_path): "too many open files"}
    assert change.after.devices == known.devices
    assert change.after.errors == known.errors
    good.unlink()
    change = cache.refresh()
    assert change.listable == (str(tmp_path),)
    assert change.removed == ("vendor.com/gpu=0",)


def test_a_directory_that_broke_keeps_nothing(tmp_path: Path) -> None:
    """Only a shortage says nothing about what is in a directory."""
    specs = tmp_path / "cdi"
    write(specs / "a.json", "0")
    cache = Cache([str(specs)])
    cache.refresh()
    specs.rename(tmp_path / "away")
    specs.touch()
    assert cache.refresh().removed == ("vendor.com/gpu=0",)


# Signal handlers and child processes.

BUSY = "this thread is at a refresh already; a signal handler or a reader of files"


def test_a_reader_that_asks_for_a_refresh_is_told_that_it_is_in_one(
    tmp_path: Path,
) -> None:
    write(tmp_path / "a.json", "0")
    cache = Cache([str(tmp_path)], read=lambda path: asking(path))
    acts: list[Callable[[], object]] = [
        cache.refresh,
        cache.snapshot,
        lambda: cache.resolve(["vendor.com/gpu=0"]),
    ]

    def asking(path: str) -> LoadedSpec:
        for act in acts:
            with pytest.raises(RuntimeError, match=f"^{BUSY}"):
                act()
        return read_spec(path)

    assert cache.refresh().added == ("vendor.com/gpu=0",)


def test_a_signal_handler_gets_an_answer_of_now_or_an_error(tmp_path: Path) -> None:
    write(tmp_path / "a.json", "0")
    cache = Cache([str(tmp_path)], read=lambda path: interrupted(path))
    answers: list[str] = []

    def interrupted(path: str) -> LoadedSpec:
        os.kill(os.getpid(), signal.SIGUSR1)
        return read_spec(path)

    def handle(number: int, frame: FrameType | None) -> None:
        try:
            answers.extend(cache.snapshot().devices)
        except RuntimeError as error:
            answers.append(str(error))

    previous = signal.signal(signal.SIGUSR1, handle)
    try:
        cache.refresh()
        os.kill(os.getpid(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert answers[0].startswith(BUSY)
    assert answers[-1] == "vendor.com/gpu=0"


def test_a_refresh_that_is_interrupted_loses_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.json", "0")
    cache = Cache([str(tmp_path)])
    with monkeypatch.context() as interrupting:
        interrupting.setattr("nri_cdi.cdi.cache.build_registry", interrupt)
        with pytest.raises(KeyboardInterrupt):
            cache.refresh()
    assert cache.refresh().added == ("vendor.com/gpu=0",)


def interrupt(*args: object, **kwargs: object) -> None:
    raise KeyboardInterrupt


def test_a_child_can_refresh_while_a_thread_of_the_parent_does(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()
    parent = os.getpid()

    def read_slowly(path: str) -> LoadedSpec:
        if os.getpid() == parent:
            begun.set()
            go_on.wait(10)
        return read_spec(path)

    write(tmp_path / "a.json", "0")
    cache = Cache([str(tmp_path)], read=read_slowly)
    with ThreadPoolExecutor(max_workers=1) as pool:
        refreshing = pool.submit(cache.refresh)
        assert begun.wait(10)
        assert holds_in_child(lambda: list(cache.snapshot().devices))
        go_on.set()
        assert refreshing.result(10).added == ("vendor.com/gpu=0",)


# The end.


def test_a_closed_cache_says_so(tmp_path: Path) -> None:
    write(tmp_path / "a.json", "0")
    with Cache([str(tmp_path)]) as cache:
        snapshot = cache.snapshot()
    cache.close()
    acts: list[Callable[[], object]] = [
        cache.refresh,
        cache.snapshot,
        lambda: cache.resolve(["vendor.com/gpu=0"]),
        lambda: cache.write_spec(SPEC),
        lambda: cache.remove_spec("a"),
        cache.changes,
    ]
    for act in acts:
        with pytest.raises(ValueError, match=r"^the cache is closed$"):
            act()
    assert cache.registry is snapshot


def test_an_iterator_of_a_cache_that_was_closed_meanwhile_ends(tmp_path: Path) -> None:
    cache = Cache([str(tmp_path)], read=lambda path: closing(path))

    def closing(path: str) -> LoadedSpec:
        cache.close()
        return read_spec(path)

    write(tmp_path / "a.json", "0")
    assert list(cache.changes()) == []


def test_inotify_is_not_needed_before_changes_are() -> None:
    code = (
        "import sys, nri_cdi.cdi, nri_cdi.cdi.cache;"
        "nri_cdi.cdi.cache.Cache(['/nowhere']).snapshot();"
        "print([name for name in sys.modules if 'inotify' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"[]\n"
