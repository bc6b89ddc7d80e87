"""Mappings of a spec: their fields, and what else stands in them."""

from __future__ import annotations

from typing import Any

import pytest

from nri_cdi.cdi.model import ContainerEdits, IntelRdt, Spec
from nri_cdi.cdi.problems import MAX_PROBLEMS
from nri_cdi.cdi.shapes import build_spec
from nri_cdi.errors import Problem

_EDITS = "env, deviceNodes, netDevices, hooks, mounts, intelRdt, additionalGids"


def _edits(**fields: Any) -> dict[str, Any]:
    return {"containerEdits": fields}


@pytest.mark.parametrize(
    ("value", "rule", "pointer", "message"),
    [
        ("x", "wrong-type", "", "expected a mapping, got a string"),
        ([], "wrong-type", "", "expected a mapping, got a list"),
        ({"devices": {}}, "wrong-type", "devices", "expected a list, got a mapping"),
        (
            {"devices": ["a"]},
            "wrong-type",
            "devices[0]",
            "expected a mapping, got a string",
        ),
        (
            {"devices": [None]},
            "null-item",
            "devices[0]",
            "expected a mapping, got null",
        ),
        (
            {"containerEdits": []},
            "wrong-type",
            "containerEdits",
            "expected a mapping, got a list",
        ),
        (
            _edits(deviceNodes=[{}, None]),
            "null-item",
            "containerEdits.deviceNodes[1]",
            "expected a mapping, got null",
        ),
        (
            _edits(netDevices=[None]),
            "null-item",
            "containerEdits.netDevices[0]",
            "expected a mapping, got null",
        ),
        (
            _edits(hooks=[None]),
            "null-item",
            "containerEdits.hooks[0]",
            "expected a mapping, got null",
        ),
        (
            _edits(mounts=[None]),
            "null-item",
            "containerEdits.mounts[0]",
            "expected a mapping, got null",
        ),
        (
            _edits(intelRdt=[]),
            "wrong-type",
            "containerEdits.intelRdt",
            "expected a mapping, got a list",
        ),
        (
            {"devices": [{"containerEdits": {"mounts": [{"hostPath": ["/a"]}]}}]},
            "wrong-type",
            "devices[0].containerEdits.mounts[0].hostPath",
            "expected a string, got a list",
        ),
        (
            {"foo": 1},
            "unknown-field",
            "foo",
            "unknown field 'foo'; "
            "expected one of cdiVersion, kind, annotations, devices, containerEdits",
        ),
        (
            {"": 1},
            "unknown-field",
            "['']",
            "unknown field ''; "
            "expected one of cdiVersion, kind, annotations, devices, containerEdits",
        ),
        (
            _edits(envs=1),
            "unknown-field",
            "containerEdits.envs",
            "unknown field 'envs'; did you mean env?",
        ),
        (
            _edits(mount=1),
            "unknown-field",
            "containerEdits.mount",
            "unknown field 'mount'; did you mean mounts?",
        ),
        (
            _edits(deviceCgroupRules=[]),
            "unknown-field",
            "containerEdits.deviceCgroupRules",
            "unknown field 'deviceCgroupRules'; did you mean deviceNodes?",
        ),
        (
            _edits(**{"x" * 1000: 1}),
            "unknown-field",
            f"containerEdits['{'x' * 64}'... (1000 characters)]",
            f"unknown field '{'x' * 64}'... (1000 characters); "
            f"expected one of {_EDITS}",
        ),
        (
            _edits(mounts=[{"containerpaths": ""}]),
            "unknown-field",
            "containerEdits.mounts[0].containerpaths",
            "unknown field 'containerpaths'; did you mean containerPath?",
        ),
    ],
)
def test_what_can_not_stand_there_is_reported(
    value: object, rule: str, pointer: str, message: str
) -> None:
    built = build_spec(value)
    assert built.problems == (Problem(rule=rule, message=message, pointer=pointer),)
    assert built.warnings == ()


def test_everything_wrong_is_reported_and_the_rest_is_built() -> None:
    built = build_spec({"kind": "a/b", "devices": 1, "x": 2, "cdiVersion": []})
    assert [problem.pointer for problem in built.problems] == [
        "x",
        "devices",
        "cdiVersion",
    ]
    assert built.spec == Spec(cdi_version="", kind="a/b")


def test_the_report_has_an_end() -> None:
    fields = {f"field{number}": 1 for number in range(2 * MAX_PROBLEMS)}
    assert len(build_spec(fields).problems) == MAX_PROBLEMS + 1


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"kind": "a/b"}, "a/b"),
        ({"KIND": "a/b"}, "a/b"),
        ({"\u212aind": "a/b"}, "a/b"),
    ],
)
def test_a_field_is_found_in_any_case(value: object, kind: str) -> None:
    built = build_spec(value)
    assert (built.spec.kind, built.problems, built.warnings) == (kind, (), ())


def test_a_letter_that_go_does_not_fold_makes_another_field() -> None:
    (problem,) = build_spec({"containerEdits": {"m\u00f6unts": []}}).problems
    assert problem.message == "unknown field 'm\u00f6unts'; did you mean mounts?"


@pytest.mark.parametrize(
    ("value", "kind", "counts"),
    [
        ({"kind": "a/b", "Kind": "c/d"}, "a/b", "kind"),
        ({"Kind": "c/d", "KIND": "e/f"}, "c/d", "Kind"),
    ],
)
def test_of_a_field_spelled_twice_the_last_in_order_counts(
    value: object, kind: str, counts: str
) -> None:
    built = build_spec(value)
    assert built.spec.kind == kind
    assert built.problems == ()
    assert built.warnings == (
        Problem(
            rule="repeated-field",
            message=f"kind is given 2 times; {counts!r} counts",
            pointer="kind",
        ),
    )


@pytest.mark.parametrize("version", ["0.7.0", "0.8.0", "v1.0.0"])
@pytest.mark.parametrize("field", ["enableCMT", "enableMBM"])
def test_fields_that_a_version_had_are_taken_with_a_warning(
    version: str, field: str
) -> None:
    rdt = {"closID": "a", field: True}
    built = build_spec({"cdiVersion": version, **_edits(intelRdt=rdt)})
    assert built.problems == ()
    assert built.spec.container_edits == ContainerEdits(intel_rdt=IntelRdt(clos_id="a"))
    assert built.warnings == (
        Problem(
            rule="removed-field",
            message=(
                f"{field} is not a field of the CDI spec any more; "
                "it has no effect; enableMonitoring took its place in 1.1.0"
            ),
            pointer=f"containerEdits.intelRdt.{field}",
        ),
    )


@pytest.mark.parametrize("version", ["0.6.0", "1.1.0", "", None])
def test_fields_that_a_version_does_not_have_are_refused(version: str | None) -> None:
    value = {**_edits(intelRdt={"enableCMT": False}), "cdiVersion": version}
    assert build_spec(value).problems == (
        Problem(
            rule="removed-field",
            message=(
                "enableCMT is not a field of the CDI spec any more; "
                "enableMonitoring took its place in 1.1.0"
            ),
            pointer="containerEdits.intelRdt.enableCMT",
        ),
    )


def test_a_removed_field_has_a_type_all_the_same() -> None:
    value = {"cdiVersion": "0.7.0", **_edits(intelRdt={"enableCMT": "x"})}
    (problem,) = build_spec(value).problems
    assert str(problem) == (
        "containerEdits.intelRdt.enableCMT: expected a boolean, got a string"
    )


def test_a_built_value_is_frozen() -> None:
    spec = build_spec(_edits(env=["A=b"])).spec
    with pytest.raises(AttributeError):
        spec.container_edits.env = ()  # type: ignore[misc]
