"""Specs come, change and go: the next container has it right, with no restart."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e import specs
from tests.e2e.node import Node

DEVICE = f"{specs.KIND}=one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a change happens: the spec directory, and another one beside it."""

    spec_dir: Path
    elsewhere: Path

    @property
    def file(self) -> Path:
        return self.spec_dir / "one.json"

    def write(self, path: Path, value: str) -> Path:
        """A spec whose device sets ``COLOUR`` to that value."""
        path.parent.mkdir(parents=True, exist_ok=True)
        return specs.write(path, specs.spec({"one": specs.env(COLOUR=value)}))


Change = Callable[[Place], object]
CHANGES: dict[str, tuple[Change, Change, str | None]] = {}
"""By name: what is there before, what is done then, and the colour after it."""


def change(name: str, colour: str | None, before: Change) -> Callable[[Change], Change]:
    def add(then: Change) -> Change:
        CHANGES[name] = (before, then, colour)
        return then

    return add


def nothing(_: Place) -> None:
    """No spec."""


def blue(place: Place) -> None:
    """One spec, with a blue device."""
    place.write(place.file, "blue")


def linked(place: Place) -> None:
    """A symbolic link to a spec that is elsewhere, with a blue device."""
    place.file.symlink_to(place.write(place.elsewhere / "one.json", "blue"))


def mounted_volume(place: Place) -> None:
    """A blue device, in files arranged as the kubelet does it in a volume."""
    place.write(place.spec_dir / "..first/one.json", "blue")
    (place.spec_dir / "..data").symlink_to("..first")
    place.file.symlink_to("..data/one.json")


def no_directory(place: Place) -> None:
    place.spec_dir.rmdir()


@change("written", "green", nothing)
def written(place: Place) -> None:
    place.write(place.file, "green")


@change("written in two steps", "green", nothing)
def written_in_steps(place: Place) -> None:
    text = json.dumps(specs.spec({"one": specs.env(COLOUR="green")}))
    with place.file.open("w") as file:
        for part in (text[:40], text[40:]):
            file.write(part)
            file.flush()


@change("written anew", "green", blue)
def written_anew(place: Place) -> None:
    place.write(place.file, "green")


@change("written anew at the same size and time", "gray", blue)
def written_anew_unnoticed(place: Place) -> None:
    times = place.file.stat()
    place.write(place.file, "gray")
    os.utime(place.file, ns=(times.st_atime_ns, times.st_mtime_ns))


@change("moved in", "green", nothing)
def moved_in(place: Place) -> None:
    place.write(place.elsewhere / "one.json", "green").rename(place.file)


@change("moved over another", "green", blue)
def moved_over(place: Place) -> None:
    place.write(place.spec_dir / ".one.json.part", "green").rename(place.file)


@change("linked by name", "green", nothing)
def hard_link(place: Place) -> None:
    place.file.hardlink_to(place.write(place.elsewhere / "one.json", "green"))


@change("linked symbolically", "green", nothing)
def symbolic_link(place: Place) -> None:
    place.file.symlink_to(place.write(place.elsewhere / "one.json", "green"))


@change("target of a link written anew", "green", linked)
def target_written(place: Place) -> None:
    place.write(place.elsewhere / "one.json", "green")


@change("link turned to another target", "green", linked)
def link_turned(place: Place) -> None:
    new = place.spec_dir / ".new"
    new.symlink_to(place.write(place.elsewhere / "other.json", "green"))
    new.rename(place.file)


@change("volume updated", "green", mounted_volume)
def volume_updated(place: Place) -> None:
    place.write(place.spec_dir / "..second/one.json", "green")
    new = place.spec_dir / "..data_tmp"
    new.symlink_to("..second")
    new.rename(place.spec_dir / "..data")
    shutil.rmtree(place.spec_dir / "..first")


@change("removed", None, blue)
def removed(place: Place) -> None:
    place.file.unlink()


@change("moved out", None, blue)
def moved_out(place: Place) -> None:
    place.elsewhere.mkdir()
    place.file.rename(place.elsewhere / "one.json")


@change("renamed to what is no spec", None, blue)
def renamed(place: Place) -> None:
    place.file.rename(place.spec_dir / "one.json.bak")


@change("broken", None, blue)
def broken(place: Place) -> None:
    place.file.write_text('{"cdiVersion": "0.6.0", "kind"')


@change("emptied", None, blue)
def emptied(place: Place) -> None:
    place.file.open("w").close()


@change("directory made later", "green", no_directory)
def directory_made(place: Place) -> None:
    place.write(place.file, "green")


@change("directory moved in later", "green", no_directory)
def directory_moved_in(place: Place) -> None:
    place.write(place.elsewhere / "one.json", "green")
    place.elsewhere.rename(place.spec_dir)


@change("directory replaced", "green", blue)
def directory_replaced(place: Place) -> None:
    place.spec_dir.rename(place.spec_dir.with_name("old"))
    place.write(place.file, "green")


@change("directory removed", None, blue)
def directory_removed(place: Place) -> None:
    shutil.rmtree(place.spec_dir)


@pytest.mark.parametrize("name", CHANGES)
def test_the_next_container_sees_the_change(node: Node, name: str) -> None:
    before, then, colour = CHANGES[name]
    place = Place(spec_dir=node.spec_dir, elsewhere=node.folder / "elsewhere")

    before(place)
    if before in (nothing, no_directory):
        assert "unresolvable" in node.refusal(DEVICE)
    else:
        assert colour_of(node) == "blue"
    then(place)

    if colour is None:
        assert f"unresolvable CDI device: '{DEVICE}'" in node.refusal(DEVICE)
    else:
        assert colour_of(node) == colour


def colour_of(node: Node) -> str:
    """What the next container is given."""
    with node.running(DEVICE) as container:
        return container.env()["COLOUR"]


def test_a_spec_that_is_broken_and_mended_serves_again(node: Node) -> None:
    place = Place(spec_dir=node.spec_dir, elsewhere=node.folder / "elsewhere")
    place.file.write_text("cdiVersion: 0.6.0\nkind: vendor.test/device\ndevices: 7\n")
    refusal = node.refusal(DEVICE)
    place.write(place.file, "green")

    assert f"did not load: {place.file}:3" in refusal
    assert colour_of(node) == "green"


def test_changes_beside_it_do_not_disturb_a_spec(node: Node) -> None:
    place = Place(spec_dir=node.spec_dir, elsewhere=node.folder / "elsewhere")
    blue(place)
    for number in range(8):
        path = node.spec_dir / f"other-{number}.json"
        specs.write(path, specs.spec({str(number): specs.env(N=str(number))}))
        if number % 2:
            path.write_text("{")
        assert colour_of(node) == "blue"
