"""Each row of the table in docs/differences.md, shown."""

from __future__ import annotations

import copy
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nri_cdi.cdi.annotations import annotation_value, parse_annotations
from nri_cdi.cdi.apply import inject_devices
from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.reading import MAX_FILE_SIZE, parse_spec, read_spec
from nri_cdi.cdi.rules import Rule
from nri_cdi.errors import (
    AnnotationError,
    InvalidNameError,
    OciSpecError,
    RequestError,
    SpecError,
)
from tests.unit.cdi.shortage import no_descriptor_left
from tests.unit.docs.pages import read, table

HEAD = "cdiVersion: 0.7.0\nkind: vendor.com/device\n"
GOOD = HEAD + "devices:\n- name: a\n  containerEdits:\n    env: [A=b]\n"
DEVICE = "vendor.com/device=a"

NULL_NODE = {"path": "/dev/zero", "hostPath": "/dev/null"}

Proof = Callable[[Path], None]
PROOFS: dict[str, Proof] = {}


def shows(difference: str) -> Callable[[Proof], Proof]:
    def keep(proof: Proof) -> Proof:
        PROOFS[difference] = proof
        return proof

    return keep


def _rules(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        parse_spec(text.encode(), "f")
    return [problem.rule for problem in caught.value.problems]


def _cache(folder: Path, *names: str) -> Cache:
    return Cache([str(folder / name) for name in names or ("etc", "run")])


def _write(folder: Path, name: str, text: str = GOOD) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def _with_edits(edits: dict[str, Any]) -> str:
    device = {"name": "a", "containerEdits": edits}
    plain = {"cdiVersion": "1.1.0", "kind": "vendor.com/device", "devices": [device]}
    return json.dumps(plain)


@shows("null-items")
def _(_: Path) -> None:
    for field in ("deviceNodes", "mounts", "hooks", "netDevices"):
        assert _rules(_with_edits({field: [None]})) == [Rule.NULL_ITEM]


@shows("annotations-checked")
def _(_: Path) -> None:
    assert _rules(GOOD + "annotations: {bad key!!: b}\n") == [
        Rule.INVALID_ANNOTATION_KEY
    ]


@shows("nul-characters")
def _(_: Path) -> None:
    edits = {"env": ["A=\0"], "mounts": [{"hostPath": "/\0", "containerPath": "/"}]}
    assert _rules(_with_edits(edits)) == [Rule.NUL_CHARACTER] * 2


@shows("all-problems")
def _(_: Path) -> None:
    text = "cdiVersion: 9.9.9\nkind: x\ndevices: []\n"
    assert _rules(text) == [
        Rule.UNKNOWN_VERSION,
        Rule.INVALID_KIND,
        Rule.NO_DEVICES,
    ]


@shows("merge-overrides")
def _(_: Path) -> None:
    text = GOOD.replace("env: [A=b]", "&e {env: [A=b]}")
    text += "- name: b\n  containerEdits: {<<: *e, env: [C=d]}\n"
    devices = parse_spec(text.encode(), "f").spec.devices
    assert devices[1].container_edits.env == ("C=d",)


@shows("legacy-rdt")
def _(_: Path) -> None:
    text = GOOD + "containerEdits: {intelRdt: {enableCMT: true, enableMBM: true}}\n"
    warnings = parse_spec(text.encode(), "f").warnings
    assert [warning.rule for warning in warnings] == [Rule.REMOVED_FIELD] * 2
    assert Rule.REMOVED_FIELD in _rules(text.replace("0.7.0", "1.1.0"))


@shows("special-files")
def _(folder: Path) -> None:
    _write(folder, "etc/good.yaml")
    os.mkfifo(folder / "etc/fifo.yaml")
    registry = _cache(folder).snapshot()
    assert list(registry.devices) == [DEVICE]
    [error] = registry.errors.values()
    assert error.problems[0].rule == Rule.NOT_A_REGULAR_FILE


@shows("large-files")
def _(folder: Path) -> None:
    path = _write(folder, "etc/large.yaml")
    os.truncate(path, MAX_FILE_SIZE + 1)
    with pytest.raises(SpecError) as caught:
        read_spec(str(path))
    assert caught.value.problems[0].rule == Rule.FILE_TOO_LARGE
    assert _rules("[" * 101 + "]" * 101) == [Rule.NESTING_TOO_DEEP]


@shows("unlistable-directories")
def _(folder: Path) -> None:
    _write(folder, "etc", "a file where a directory should be")
    _write(folder, "run/good.yaml")
    registry = _cache(folder).snapshot()
    assert list(registry.devices) == [DEVICE]
    assert registry.dir_errors == {str(folder / "etc"): "not a directory"}


@shows("shortage")
def _(folder: Path) -> None:
    _write(folder, "etc/good.yaml")
    cache = _cache(folder)
    cache.refresh()
    with no_descriptor_left():
        registry = cache.snapshot()
    assert list(registry.devices) == [DEVICE]
    assert registry.dir_errors[str(folder / "etc")] == "too many open files"


@shows("missing-directories")
def _(folder: Path) -> None:
    registry = _cache(folder).snapshot()
    assert registry.dir_errors == {}
    assert registry.errors == {}


@shows("lower-conflicts")
def _(folder: Path) -> None:
    for name in ("etc/a.yaml", "etc/b.yaml"):
        _write(folder, name)
    path = _write(folder, "run/c.yaml")
    registry = _cache(folder).snapshot()
    assert registry.devices[DEVICE].path == str(path)
    assert registry.shadowed[DEVICE] == (
        str(folder / "etc/a.yaml"),
        str(folder / "etc/b.yaml"),
    )


@shows("conflicts-apart")
def _(folder: Path) -> None:
    for name in ("etc/a.yaml", "etc/b.yaml"):
        _write(folder, name)
    registry = _cache(folder).snapshot()
    assert registry.errors == {}
    assert list(registry.conflicts) == [DEVICE]
    assert len(registry.specs) == 2


@shows("one-directory-twice")
def _(folder: Path) -> None:
    _write(folder, "etc/a.yaml")
    (folder / "link").symlink_to("etc")
    registry = _cache(folder, "etc", "link").snapshot()
    assert registry.devices[DEVICE].path == str(folder / "link/a.yaml")
    assert registry.shadowed == {}
    assert registry.conflicts == {}


@shows("abort")
def _(folder: Path) -> None:
    _write(folder, "etc/bad.yaml", "bad")
    _write(folder, "etc/good.yaml")
    assert list(_cache(folder).snapshot().devices) == [DEVICE]


@shows("fresh-queries")
def _(folder: Path) -> None:
    cache = _cache(folder)
    for number in range(50):
        text = GOOD.replace("name: a", f"name: a{number}")
        _write(folder, "etc/a.yaml", text)
        assert cache.resolve([f"{DEVICE}{number}"]).devices == (f"{DEVICE}{number}",)


@shows("specs-unchanged")
def _(folder: Path) -> None:
    _write(folder, "etc/a.json", _with_edits({"deviceNodes": [NULL_NODE]}))
    registry = _cache(folder).snapshot()
    before = copy.deepcopy(registry.specs[0].spec)
    made = inject_devices(registry, {}, [DEVICE])
    assert made["linux"]["devices"][0]["minor"] == os.minor(
        Path("/dev/null").stat().st_rdev
    )
    assert registry.specs[0].spec == before


@shows("named-twice")
def _(folder: Path) -> None:
    hook = {"hookName": "poststop", "path": "/bin/true"}
    _write(folder, "etc/a.json", _with_edits({"hooks": [hook]}))
    made = inject_devices(_cache(folder).snapshot(), {}, [DEVICE, DEVICE])
    assert made["hooks"] == {"poststop": [{"path": "/bin/true"}]}


@shows("all-or-nothing")
def _(folder: Path) -> None:
    edits = {"env": ["A=b"], "deviceNodes": [{"path": "/dev/not-there"}]}
    _write(folder, "etc/a.json", _with_edits(edits))
    oci_spec: dict[str, Any] = {"process": {"env": ["A=a"]}}
    with pytest.raises(RequestError):
        inject_devices(_cache(folder).snapshot(), oci_spec, [DEVICE])
    assert oci_spec == {"process": {"env": ["A=a"]}}


@shows("wrong-oci-shapes")
def _(folder: Path) -> None:
    _write(folder, "etc/a.yaml")
    with pytest.raises(OciSpecError) as caught:
        inject_devices(_cache(folder).snapshot(), {"process": []}, [DEVICE])
    assert caught.value.problems[0].pointer == "process"


@shows("annotation-order")
def _(_: Path) -> None:
    annotations = {"cdi.k8s.io/b": "v.com/c=1,v.com/c=0", "cdi.k8s.io/a": "v.com/c=2"}
    assert parse_annotations(annotations) == ("v.com/c=2", "v.com/c=1", "v.com/c=0")


@shows("empty-annotation")
def _(_: Path) -> None:
    with pytest.raises(AnnotationError):
        annotation_value([])


@shows("readable-specs")
def _(folder: Path) -> None:
    spec = parse_spec(GOOD.encode(), "f").spec
    path = Path(_cache(folder).write_spec(spec, "a"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.chmod(0o640)
    _cache(folder).write_spec(spec, "a")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@shows("flushed-specs")
def _(folder: Path) -> None:
    spec = parse_spec(GOOD.encode(), "f").spec
    (folder / "run" / "a.yaml").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        _cache(folder).write_spec(spec, "a")
    assert [entry.name for entry in (folder / "run").iterdir()] == ["a.yaml"]


@shows("names-stay-inside")
def _(folder: Path) -> None:
    spec = parse_spec(GOOD.encode(), "f").spec
    for name in ("../a", "", "b/a", ".."):
        with pytest.raises(InvalidNameError):
            _cache(folder).write_spec(spec, name)
    assert list(folder.iterdir()) == []


@shows("no-default-cache")
def _(folder: Path) -> None:
    _write(folder, "etc/a.yaml")
    with _cache(folder) as cache:
        assert list(cache.snapshot().devices) == [DEVICE]
    with pytest.raises(ValueError, match="closed"):
        cache.snapshot()


@shows("lists-of-versions")
def _(_: Path) -> None:
    with pytest.raises(SpecError, match=r"expected one of 0\.3\.0, .*, 1\.1\.0"):
        parse_spec(GOOD.replace("0.7.0", "1.2.0").encode(), "f")


@pytest.mark.parametrize("difference", PROOFS)
def test_a_difference_is_as_the_page_says(difference: str, tmp_path: Path) -> None:
    PROOFS[difference](tmp_path)


def test_the_page_has_every_difference_and_no_other() -> None:
    rows = table(read("docs/differences.md"), "difference")
    assert [row[0] for row in rows] == list(PROOFS)


def test_each_vector_that_differs_does_so_by_a_difference() -> None:
    rows = table(read("docs/differences.md"), "vector")
    assert {row[1] for row in rows} <= PROOFS.keys()
