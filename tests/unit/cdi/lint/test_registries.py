"""Files that stand in each other's way, and files that nobody reads."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from nri_cdi.cdi.lint import Host, lint_registry, unread_entries
from nri_cdi.cdi.lint.registries import MOST_SETS, lint_file_name
from nri_cdi.cdi.reading import parse_spec
from nri_cdi.cdi.registry import Registry, build_registry, register
from tests.unit.cdi.lint.said import Said, said


def _registry(*files: tuple[str, int, tuple[str, ...]]) -> Registry:
    made = []
    for path, priority, names in files:
        text = "cdiVersion: 0.3.0\nkind: v.com/c\ndevices:\n" + "".join(
            f"- {{name: {name}, containerEdits: {{env: [A=b]}}}}\n" for name in names
        )
        made.append(register(path, priority, parse_spec(text.encode(), path).spec))
    return build_registry(made)


def _lint(registry: Registry) -> dict[str, list[Said]]:
    return {path: said(found) for path, found in lint_registry(registry).items()}


def _conflict(index: int, name: str, others: str) -> Said:
    message = f"v.com/c={name} is defined in {others} too, so nobody gets it"
    return ("conflicting-device", f"devices[{index}].name", message)


def _shadow(index: int, name: str, others: str) -> Said:
    message = f"v.com/c={name} is defined in {others} too, which has priority"
    return ("shadowed-device", f"devices[{index}].name", message)


def test_files_that_do_not_meet_are_fine() -> None:
    assert _lint(_registry(("/a", 0, ("a",)), ("/b", 0, ("b",)))) == {}


def test_a_conflict_is_told_of_each_file() -> None:
    registry = _registry(("/a", 0, ("x", "a")), ("/b", 0, ("a",)), ("/c", 0, ("c",)))
    assert _lint(registry) == {
        "/a": [_conflict(1, "a", "/b")],
        "/b": [_conflict(0, "a", "/a")],
    }


def test_devices_that_the_same_files_have_are_told_together() -> None:
    registry = _registry(
        ("/a", 0, ("e", "d", "c", "b", "a")),
        ("/b", 0, ("a", "b", "c", "d", "x")),
        ("/c", 0, ("e",)),
        ("/d", 1, ("x", "z")),
        ("/e", 1, ("z", "x")),
    )
    many = "v.com/c=d, v.com/c=c, v.com/c=b and 1 more"
    end = "too, so nobody gets them"
    assert _lint(registry) == {
        "/a": [
            _conflict(0, "e", "/c"),
            (
                "conflicting-device",
                "devices[1].name",
                f"{many} are defined in /b {end}",
            ),
        ],
        "/b": [
            (
                "conflicting-device",
                "devices[0].name",
                f"v.com/c=a, v.com/c=b, v.com/c=c and 1 more are defined in /a {end}",
            ),
            _shadow(4, "x", "/d, /e"),
        ],
        "/c": [_conflict(0, "e", "/a")],
        "/d": [
            (
                "conflicting-device",
                "devices[0].name",
                f"v.com/c=x, v.com/c=z are defined in /e {end}",
            )
        ],
        "/e": [
            (
                "conflicting-device",
                "devices[0].name",
                f"v.com/c=z, v.com/c=x are defined in /d {end}",
            )
        ],
    }


def test_the_findings_of_one_file_are_few_however_the_others_differ() -> None:
    names = tuple(f"d{number}" for number in range(MOST_SETS + 2))
    registry = _registry(
        ("/a", 0, names),
        *((f"/{name}", 0, (name,)) for name in names),
        ("/above", 1, ("x",)),
    )
    found = _lint(registry)["/a"]
    first, last = f"v.com/c=d{MOST_SETS}", f"v.com/c=d{MOST_SETS + 1}"
    assert found[0] == _conflict(0, "d0", "/d0")
    assert found[MOST_SETS:] == [
        (
            "conflicting-device",
            f"devices[{MOST_SETS}].name",
            f"{first}, {last} are defined in other files too, so nobody gets them",
        )
    ]


def test_many_files_with_many_devices_take_no_time() -> None:
    names = tuple(f"d{number}" for number in range(300))
    registry = _registry(*((f"/{number}", 0, names) for number in range(100)))
    start = time.process_time()
    found = lint_registry(registry)
    # One finding for each device of each file took some 30 times as long.
    assert time.process_time() - start < 1
    assert {len(each) for each in found.values()} == {1}


def test_a_message_stays_on_its_line_whatever_a_file_is_called() -> None:
    registry = _registry(("/a", 0, ("a",)), ("/b\n\x1b", 0, ("a",)))
    assert _lint(registry)["/a"] == [_conflict(0, "a", r"/b\n\x1b")]


def test_many_files_are_not_all_named() -> None:
    registry = _registry(*((f"/{number}", 0, ("a",)) for number in range(6)))
    assert _lint(registry)["/0"] == [_conflict(0, "a", "/1, /2, /3 and 2 more")]


def test_a_shadowed_device_names_the_winner() -> None:
    registry = _registry(("/a", 0, ("a", "b")), ("/b", 1, ("b",)), ("/c", 2, ("b",)))
    assert _lint(registry) == {
        "/a": [_shadow(1, "b", "/c")],
        "/b": [_shadow(0, "b", "/c")],
    }


def test_a_conflict_above_shadows_too() -> None:
    registry = _registry(("/a", 0, ("a",)), ("/b", 1, ("a",)), ("/c", 1, ("a",)))
    assert _lint(registry) == {
        "/a": [_shadow(0, "a", "/b, /c")],
        "/b": [_conflict(0, "a", "/c")],
        "/c": [_conflict(0, "a", "/b")],
    }


@pytest.mark.parametrize(
    "path", ["a.yaml", "a.json", "/x/.yaml", "a", "a.yaml.bak", "-"]
)
def test_usual_file_names_are_fine(path: str) -> None:
    assert lint_file_name(path) == []


@pytest.mark.parametrize(
    ("path", "right"),
    [
        ("a.yml", ".yaml"),
        ("/x/a.YAML", ".yaml"),
        ("a.Yml", ".yaml"),
        ("a.JSON", ".json"),
    ],
)
def test_a_name_that_no_runtime_reads(path: str, right: str) -> None:
    message = f"no runtime reads a spec with such a name; let it end with {right!r}"
    assert said(lint_file_name(path)) == [("unread-file", "", message)]


def test_entries_that_are_not_read(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml", "c.JSON", "d.txt", "e.yaml.bak"):
        (tmp_path / name).touch()
    for name in ("full", "empty", "dir.yml"):
        (tmp_path / name).mkdir()
    (tmp_path / "full" / "a.yaml").touch()
    (tmp_path / "ring.yml").symlink_to("ring.yml")
    inside = "directories in a spec directory are not read; move the specs out of it"
    found = unread_entries(str(tmp_path))
    assert list(found) == [
        str(tmp_path / name) for name in ("b.yml", "c.JSON", "full", "ring.yml")
    ]
    assert found[str(tmp_path / "full")].message == inside
    assert {each.rule for each in found.values()} == {"unread-file"}


def test_a_directory_may_lie_elsewhere_for_us(tmp_path: Path) -> None:
    specs = tmp_path / "etc" / "cdi"
    (specs / "sub").mkdir(parents=True)
    (specs / "sub" / "a.yaml").touch()
    (specs / "b.yml").touch()
    (specs / "out").symlink_to("/sub")
    host = Host(root=str(tmp_path))
    assert list(unread_entries("/etc/cdi", host.locate)) == [
        "/etc/cdi/b.yml",
        "/etc/cdi/sub",
    ]


def test_a_directory_that_is_not_there_has_no_entries(tmp_path: Path) -> None:
    assert unread_entries(str(tmp_path / "none")) == {}


def test_a_directory_that_may_not_be_listed_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("closed"):  # root may list every directory
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert unread_entries(str(tmp_path)) == {}
