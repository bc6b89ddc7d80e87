"""Every case of the reference implementation's own tests, where they are at hand.

What comes out otherwise, on purpose, is in the table of docs/differences.md, and
nothing else may be.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from nri_cdi.cdi.annotations import (
    annotation_key,
    parse_annotations,
    update_annotations,
)
from nri_cdi.cdi.apply import apply_edits, inject_devices
from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.editrules import validate_edits
from nri_cdi.cdi.edits import merge
from nri_cdi.cdi.model import ContainerEdits, Spec
from nri_cdi.cdi.names import is_qualified_name, parse_qualified_name
from nri_cdi.cdi.reading import parse_spec, read_spec
from nri_cdi.cdi.registry import Registry
from nri_cdi.cdi.shapes import build_spec
from nri_cdi.cdi.specnames import generate_transient_spec_name
from nri_cdi.cdi.validation import validate_spec
from nri_cdi.cdi.version import minimum_version, parse_version, unmet_requirement
from nri_cdi.errors import AnnotationError, InvalidNameError, ResolveError, SpecError
from tests.unit.docs.pages import read, table

FOLDER = Path(__file__).parents[4] / "shared" / "vectors"

DIRECTORIES = ("etc", "run")

Case = dict[str, Any]
Run = Callable[[Case, Path], None]


def _vectors() -> list[Any]:
    if not FOLDER.is_dir():
        skip = pytest.mark.skip(reason=f"{FOLDER} is not there")
        return [pytest.param("", {}, marks=skip, id="missing")]
    lines = [
        json.loads(line)
        for path in sorted(FOLDER.glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    return [pytest.param(line["test"], line["case"], id=line["test"]) for line in lines]


def _edits(plain: Any) -> ContainerEdits:
    built = build_spec({"containerEdits": plain})
    assert built.problems == ()
    return built.spec.container_edits


def _fill(directory: Path, files: Mapping[str, str] | None) -> None:
    """Write, or remove, the files of a directory; null stands for no directory."""
    if files is None:
        return
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        if text == "remove":
            (directory / name).unlink()
        else:
            (directory / name).write_text(text)


def _fill_all(folder: Path, case: Mapping[str, Any]) -> None:
    for name in DIRECTORIES:
        _fill(folder / name, case[name])


def _cache(folder: Path) -> Cache:
    return Cache([str(folder / name) for name in DIRECTORIES])


def _problematic(registry: Registry, folder: Path) -> set[str]:
    """The files that the reference would have errors for, below ``folder``."""
    conflicts = [path for paths in registry.conflicts.values() for path in paths]
    paths = [*registry.errors, *conflicts]
    return {str(Path(path).relative_to(folder)) for path in paths}


def _normal(oci_spec: Any) -> Any:
    """An OCI spec without what Go writes for fields that nothing has set."""
    made: dict[str, Any] = copy.deepcopy(oci_spec)
    process = made.get("process")
    if process is not None:
        user = process.setdefault("user", {})
        for field, keys in (("uid", user), ("gid", user), ("cwd", process)):
            if not keys.get(field):
                keys.pop(field, None)
    return made


def _parses(data: str) -> Spec | None:
    with suppress(SpecError):
        return parse_spec(data.encode(), "f").spec
    return None


def _annotation_key(case: Case, _: Path) -> None:
    if case["invalid"]:
        with pytest.raises(AnnotationError):
            annotation_key(case["plugin"], case["devID"])
    else:
        assert annotation_key(case["plugin"], case["devID"]) == case["key"]


def _update_all(case: Case) -> dict[str, str]:
    annotations: dict[str, str] = case["existing"] or {}
    for injection in case["injections"]:
        annotations = update_annotations(
            annotations, injection["plugin"], injection["devID"], injection["devices"]
        )
    return annotations


def _update_annotations(case: Case, _: Path) -> None:
    if case["invalid"]:
        with pytest.raises(AnnotationError):
            _update_all(case)
    else:
        annotations = _update_all(case)
        assert annotations == case["annotations"]
        # The reference's order changes from call to call, so its table is sorted.
        assert sorted(parse_annotations(annotations)) == sorted(case["parsed"])


def _parse_annotation(case: Case, _: Path) -> None:
    if case["invalid"]:
        with pytest.raises(AnnotationError):
            parse_annotations(case["annotations"])
    else:
        assert list(parse_annotations(case["annotations"])) == case["devices"]


def _qualified_name(case: Case, _: Path) -> None:
    assert is_qualified_name(case["device"]) == case["isQualified"]
    if case["isQualified"]:
        name = parse_qualified_name(case["device"])
        parts = (name.vendor, name.class_, name.name)
        assert parts == (case["vendor"], case["class"], case["name"])


def _minimum_version(case: Case, _: Path) -> None:
    wanted = case.get("want") or case["expectedVersion"]
    assert minimum_version(build_spec(case["spec"]).spec) == wanted


def _validate_version(case: Case, _: Path) -> None:
    spec = build_spec(case["spec"]).spec
    try:
        unmet = unmet_requirement(spec, parse_version(case["version"]))
    except InvalidNameError:
        assert case["wantErr"] == f'invalid version "{case["version"]}"'
    else:
        wanted = f"the spec version must be at least v{unmet.version}" if unmet else ""
        assert case["wantErr"] == wanted


def _spec(case: Case, _: Path) -> None:
    spec = _parses(case["data"])
    bad = case["invalid"] or case.get("unparsable") or case.get("schemaFail")
    assert (spec is None) == bool(bad)
    if spec is not None:
        assert spec.vendor == case.get("vendor", spec.vendor)
        assert spec.class_ == case.get("class", spec.class_)


def _validate_edits(case: Case, _: Path) -> None:
    assert bool(validate_edits(_edits(case["edits"]))) == case["invalid"]


def _validate_device(case: Case, _: Path) -> None:
    plain = {"cdiVersion": "1.1.0", "kind": "vendor.com/device"}
    built = build_spec({**plain, "devices": [case["device"]["Device"]]})
    assert built.problems == ()
    assert bool(validate_spec(built.spec)) == case["invalid"]


def _append(case: Case, _: Path) -> None:
    blocks = [
        _edits(block["ContainerEdits"] if block else None)
        for block in (case["dst"], *case["src"])
    ]
    wanted = case["result"]
    assert merge(blocks) == _edits(wanted["ContainerEdits"] if wanted else None)


def _apply(case: Case, _: Path) -> None:
    before = json.dumps(case["spec"])
    result = apply_edits(case["spec"], _edits(case["edits"]))
    assert _normal(result) == _normal(case["result"])
    assert json.dumps(case["spec"]) == before


def _inject(case: Case, folder: Path) -> None:
    _fill_all(folder, case["cdiSpecs"])
    registry = _cache(folder).snapshot()
    if case["unresolved"]:
        with pytest.raises(ResolveError) as caught:
            inject_devices(registry, case["ociSpec"], case["devices"])
        assert list(caught.value.names) == case["unresolved"]
    else:
        result = inject_devices(registry, case["ociSpec"], case["devices"])
        assert _normal(result) == _normal(case["result"])


def _inject_annotated(case: Case, folder: Path) -> None:
    specs = enumerate(case["cdiSpecFiles"] or ())
    _fill(folder / "etc", {f"{number}.yaml": text for number, text in specs})
    registry = _cache(folder).snapshot()
    oci_spec: dict[str, Any] = {}
    try:
        names = parse_annotations(case["annotations"] or {})
        oci_spec = inject_devices(registry, oci_spec, names)
    except (AnnotationError, ResolveError):
        assert case["expectError"]
        return
    assert not case["expectError"]
    # The table has the variables in no order of the edits: the test looks for each.
    env = oci_spec.get("process", {}).get("env", [])
    assert sorted(env) == sorted(case["expectEnv"] or [])
    devices = oci_spec.get("linux", {}).get("devices", [])
    assert devices == (case["expectDevices"] or [])


def _new_cache(case: Case, folder: Path) -> None:
    _fill_all(folder, case)
    registry = _cache(folder).snapshot()
    sources = {
        name: str(Path(device.path).relative_to(folder))
        for name, device in registry.devices.items()
    }
    assert sources == (case["sources"] or {})
    assert _problematic(registry, folder) == set(case["errors"] or {})
    directories = {str(Path(path).relative_to(folder)) for path in registry.dir_errors}
    assert directories == set(case["dirErrors"] or {})


def _refresh_cache(case: Case, folder: Path) -> None:
    cache = _cache(folder)
    for number, update in enumerate(case["updates"]):
        _fill_all(folder, update)
        registry = cache.snapshot()
        assert sorted(registry.devices) == (case["devices"][number] or [])
        priorities = {name: item.priority for name, item in registry.devices.items()}
        assert priorities == case["devprio"][number]
        assert _problematic(registry, folder) == set(case["errors"][number])


def _refresh_itself(case: Case, folder: Path) -> None:
    cache = _cache(folder)
    for update in case["updates"]:
        _fill_all(folder, update)
        newest = (text for name in reversed(DIRECTORIES) for text in _of(update, name))
        wanted = parse_spec(next(newest).encode(), "f").spec.devices[0]
        found = cache.snapshot().devices["vendor1.com/device=dev1"]
        assert found.device == wanted


def _of(update: Mapping[str, Any], name: str) -> Iterable[str]:
    return (update[name] or {}).values()


def _configure_cache(case: Case, folder: Path) -> None:
    _fill_all(folder, case["entries"])
    assert sorted(_cache(folder).snapshot().devices) == case["devices"]


def _vendors_and_classes(case: Case, folder: Path) -> None:
    _fill_all(folder, case["cdiSpecs"])
    registry = _cache(folder).snapshot()
    assert list(registry.vendors) == (case["vendors"] or [])
    assert list(registry.classes) == (case["classes"] or [])


def _scan(case: Case, folder: Path) -> None:
    _fill(folder / "etc", case["files"])
    registry = _cache(folder).snapshot()
    loaded = {Path(file.path).name: file.spec for file in registry.specs}
    failed = {Path(path).name for path in registry.errors}
    assert loaded.keys() == (case["success"] or {}).keys()
    assert failed == set(case["failure"] or {})
    vendors = {name: spec.vendor for name, spec in loaded.items()}
    assert vendors == (case["vendors"] or {})
    assert {name: spec.class_ for name, spec in loaded.items()} == (
        case["classes"] or {}
    )


def _unchecked(text: str) -> Spec:
    """A spec as a program could make it: it has the right shape, and that is all."""
    from nri_cdi.cdi.document import load

    built = build_spec(load(text).value)
    assert built.problems == ()
    return built.spec


def _cache_write(case: Case, folder: Path) -> None:
    cache = _cache(folder)
    for name, text in case["etc"].items():
        spec = _unchecked(text)
        if (case["invalid"] or {}).get(name):
            with pytest.raises(SpecError):
                cache.write_spec(spec, name)
            continue
        path = cache.write_spec(spec, name)
        assert path == str(folder / "run" / name)
        assert read_spec(path).spec == spec


def _write(case: Case, folder: Path) -> None:
    invalid = {case["name"]: case["invalid"]}
    _cache_write({"etc": {case["name"]: case["data"]}, "invalid": invalid}, folder)


def _transient_specs(case: Case, folder: Path) -> None:
    cache = _cache(folder)
    names: list[str] = []
    for number, text in enumerate(case["specs"]):
        if text.startswith("-"):
            assert cache.remove_spec(names[int(text[1:])])
        else:
            spec = _unchecked(text)
            name = generate_transient_spec_name(spec.vendor, spec.class_, f"id{number}")
            names.append(name)
            if (case["invalid"] or {}).get(str(number)):
                with pytest.raises(SpecError):
                    cache.write_spec(spec, name)
                continue
            cache.write_spec(spec, name)
        assert sorted(cache.snapshot().devices) == (case["expected"][number] or [])
        assert len(list((folder / "run").iterdir())) == case["numSpecFiles"][number]


RUNS: Mapping[str, Run] = {
    "TestAnnotationKey": _annotation_key,
    "TestAppend": _append,
    "TestApplyContainerEdits": _apply,
    "TestCDIInjectionRace": _inject_annotated,
    "TestCacheTransientSpecs": _transient_specs,
    "TestCacheWriteSpec": _cache_write,
    "TestDefaultCacheConfigure": _configure_cache,
    "TestDefaultCacheInjectDevice": _inject,
    "TestDefaultCacheRefresh": _refresh_cache,
    "TestDeviceValidate": _validate_device,
    "TestFuzzSelfRefreshCache": _refresh_itself,
    "TestGetters": _spec,
    "TestInjectDevice": _inject,
    "TestListVendorsAndClasses": _vendors_and_classes,
    "TestMinimumRequiredVersion": _minimum_version,
    "TestNewCache": _new_cache,
    "TestNewSpec": _spec,
    "TestParseAnnotation": _parse_annotation,
    "TestQualifiedName": _qualified_name,
    "TestReadSpec": _spec,
    "TestRefreshCache": _refresh_cache,
    "TestRequiredVersion": _minimum_version,
    "TestScanSpecDirs": _scan,
    "TestUpdateAnnotations": _update_annotations,
    "TestValidateContainerEdits": _validate_edits,
    "TestValidateVersion": _validate_version,
    "TestWriteSpec": _write,
}


def _different() -> set[str]:
    """The cases that come out otherwise, by the table of the page."""
    rows = table(read("docs/differences.md"), "vector")
    return {row[0].strip("`") for row in rows}


@pytest.mark.parametrize(("test", "case"), _vectors())
def test_a_case_of_the_reference(test: str, case: Case, tmp_path: Path) -> None:
    run = RUNS[test.partition("/")[0]]
    if test not in _different():
        run(case, tmp_path)
        return
    with pytest.raises(AssertionError):
        run(case, tmp_path)


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"{FOLDER} is not there")
def test_every_difference_is_that_of_a_case() -> None:
    assert _different() <= {parameter.values[0] for parameter in _vectors()}


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"{FOLDER} is not there")
def test_every_run_is_that_of_a_case() -> None:
    assert RUNS.keys() == {
        parameter.values[0].partition("/")[0] for parameter in _vectors()
    }
