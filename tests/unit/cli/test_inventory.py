"""What a registry holds, as rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.lint import LintRule
from nri_cdi.cdi.registry import Registry
from nri_cdi.cli import inventory
from tests.unit.cli.speccing import device, write


def registry_of(*directories: Path) -> Registry:
    cache = Cache(map(str, directories))
    cache.refresh()
    return cache.registry


def test_a_device_has_the_annotations_of_its_spec_and_its_own(tmp_path: Path) -> None:
    notes = {"a": "of the device", "c": "d"}
    path = write(
        tmp_path / "a.json",
        [device("1", annotations=notes), "0"],
        annotations={"a": "of the spec", "b": "b"},
    )
    assert inventory.devices(registry_of(tmp_path), ()) == [
        {
            "name": "v.com/gpu=0",
            "vendor": "v.com",
            "class": "gpu",
            "spec": path,
            "annotations": {"a": "of the spec", "b": "b"},
        },
        {
            "name": "v.com/gpu=1",
            "vendor": "v.com",
            "class": "gpu",
            "spec": path,
            "annotations": {"a": "of the device", "b": "b", "c": "d"},
        },
    ]


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """A directory with a conflict, and another vendor's spec."""
    write(tmp_path / "etc/a.json", ["0", "1", "2"])
    write(tmp_path / "etc/b.json", ["1"])
    write(tmp_path / "etc/c.json", ["0"], kind="w.com/gpu", annotations={"x": "y"})
    return tmp_path / "etc"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A directory of higher priority, with a broken file."""
    write(tmp_path / "run/d.json", ["0"])
    write(tmp_path / "run/e.json", ["0"], kind="v.com/net")
    (tmp_path / "run/f.yaml").write_text("3")
    (tmp_path / "run/g.yaml").write_text("kind: v.com/gpu\n")
    return tmp_path / "run"


def test_a_spec_says_which_of_its_devices_are_not_to_be_had(
    etc: Path, run: Path
) -> None:
    rows = {
        Path(row.pop("path")).name: row
        for row in inventory.specs(registry_of(etc, run), [f"{etc}/", str(run)])
    }
    assert rows["a.json"] == {
        "ok": True,
        "kind": "v.com/gpu",
        "version": "1.1.0",
        "priority": 0,
        "devices": 1,
        "defined": 3,
        "conflicts": ["v.com/gpu=1"],
        "shadowed": ["v.com/gpu=0"],
        "annotations": {},
        "warnings": [],
    }
    assert rows["b.json"]["conflicts"] == ["v.com/gpu=1"]
    assert rows["c.json"]["annotations"] == {"x": "y"}
    assert rows["d.json"]["shadowed"] == []
    assert rows["d.json"]["priority"] == 1
    assert rows["f.yaml"] == {
        "ok": False,
        "kind": None,
        "version": None,
        "priority": 1,
        "devices": 0,
        "defined": None,
        "conflicts": [],
        "shadowed": [],
        "annotations": {},
        "warnings": [],
    }
    assert [name[0] for name in rows] == list("abcdefg")
    assert all(row.keys() == rows["a.json"].keys() for row in rows.values())


def test_a_spec_has_its_warnings(tmp_path: Path) -> None:
    edits = {"intelRdt": {"closID": "a", "enableCMT": True}}
    write(tmp_path / "a.json", [device("0", edits)], cdiVersion="0.7.0")
    ((warning,),) = [
        row["warnings"] for row in inventory.specs(registry_of(tmp_path), ())
    ]
    assert warning.startswith("devices[0].containerEdits.intelRdt.enableCMT: ")


def test_vendors_have_their_classes_and_what_is_to_be_had_of_them(
    etc: Path, run: Path
) -> None:
    assert inventory.vendors(registry_of(etc, run), ()) == [
        {"name": "v.com", "classes": ["gpu", "net"], "specs": 4, "devices": 3},
        {"name": "w.com", "classes": ["gpu"], "specs": 1, "devices": 1},
    ]


def test_classes_have_their_vendors_and_what_is_to_be_had_of_them(
    etc: Path, run: Path
) -> None:
    assert inventory.classes(registry_of(etc, run), ()) == [
        {"name": "gpu", "vendors": ["v.com", "w.com"], "specs": 4, "devices": 3},
        {"name": "net", "vendors": ["v.com"], "specs": 1, "devices": 1},
    ]


def test_directories_say_what_is_in_them(etc: Path, run: Path, tmp_path: Path) -> None:
    nowhere, file = tmp_path / "nowhere", tmp_path / "file"
    file.touch()
    given = [f"{etc}/../etc/", str(run), str(nowhere), str(file)]
    registry = registry_of(*map(Path, given))
    rows: list[tuple[Any, ...]] = [
        tuple(row.values()) for row in inventory.directories(registry, given)
    ]
    assert rows == [
        (str(etc), 0, True, 3, 0, 2, None),
        (str(run), 1, True, 2, 2, 2, None),
        (str(nowhere), 2, False, 0, 0, 0, None),
        (str(file), 3, True, 0, 0, 0, "not a directory"),
    ]


def test_a_directory_that_is_listed_twice_counts_where_it_counts_last(
    etc: Path,
) -> None:
    given = [str(etc), str(etc)]
    first, last = inventory.directories(registry_of(etc, etc), given)
    assert (first["specs"], last["specs"]) == (0, 3)


def test_errors_are_files_directories_and_conflicts(
    etc: Path, run: Path, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    conflict = _of_one(
        "conflicting-device",
        f"nobody gets v.com/gpu=1: defined more than once, in {etc}/a.json, "
        f"{etc}/b.json; keep only one of each",
    )
    rows = {
        row.pop("path"): row for row in inventory.errors(registry_of(etc, run, file))
    }
    problems = [
        row.pop("problems") for row in (rows[f"{run}/f.yaml"], rows[f"{run}/g.yaml"])
    ]
    assert list(rows.items()) == [
        (f"{etc}/a.json", conflict),
        (f"{etc}/b.json", conflict),
        (
            str(file),
            _of_one(
                "unreadable-file", "the directory can't be listed: not a directory"
            ),
        ),
        (f"{run}/f.yaml", {"message": "1:1: expected a mapping, got an integer"}),
        (
            f"{run}/g.yaml",
            {
                "message": "1:1: cdiVersion: no version is given; the spec needs 0.3.0 "
                "at least (and 1 more)"
            },
        ),
    ]
    assert problems[0] == [
        {
            "rule": "wrong-type",
            "message": "expected a mapping, got an integer",
            "line": 1,
            "column": 1,
            "pointer": "",
        }
    ]
    assert [problem["pointer"] for problem in problems[1]] == ["cdiVersion", "devices"]


def _of_one(rule: str, message: str) -> dict[str, Any]:
    """The error of which there is one problem, without a place."""
    problem = {"rule": rule, "message": message}
    place = {"line": None, "column": None, "pointer": ""}
    return {"message": message, "problems": [problem | place]}


def test_a_conflict_has_the_rule_of_lint() -> None:
    assert inventory.CONFLICTING_DEVICE in {rule.id for rule in LintRule}


def test_an_error_without_a_place_is_its_message(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to("nowhere")
    (error,) = inventory.errors(registry_of(tmp_path))
    problems = error.pop("problems")
    assert [problem["message"] for problem in problems] == [error["message"]]
    assert error == {
        "path": f"{tmp_path}/a.yaml",
        "message": "the file can't be read: it is a link to 'nowhere', which leads "
        "nowhere",
    }


def test_files_with_many_devices_in_conflict_are_one_sentence(tmp_path: Path) -> None:
    names = [str(number) for number in range(5)]
    paths = [write(tmp_path / f"{letter}.json", names) for letter in "abcde"]
    ((found, sentence),) = inventory.conflicts(registry_of(tmp_path))
    assert found == tuple(paths)
    assert sentence == (
        "nobody gets v.com/gpu=0, v.com/gpu=1, v.com/gpu=2 and 2 more: defined more "
        f"than once, in {paths[0]}, {paths[1]}, {paths[2]} and 2 more"
    )


def test_a_files_name_can_not_make_a_line_of_its_own(tmp_path: Path) -> None:
    etc = tmp_path / "e\ntc"
    for name in ("a.json", "b.json"):
        write(etc / name, ["0"])
    (etc / "c'\".json").write_text("3")
    registry = registry_of(etc)
    [(paths, sentence)] = inventory.conflicts(registry)
    assert paths == (f"{etc}/a.json", f"{etc}/b.json")
    shown = f"{tmp_path}/e\\ntc"
    assert sentence == (
        f"nobody gets v.com/gpu=0: defined more than once, in {shown}/a.json, "
        f"{shown}/b.json"
    )
    broken = inventory.errors(registry)[-1]
    assert broken["path"] == f"{etc}/c'\".json"
    assert broken["message"] == "1:1: expected a mapping, got an integer"
