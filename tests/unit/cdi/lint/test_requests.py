"""Devices that one container asks for together."""

from __future__ import annotations

from nri_cdi.cdi.edits import Resolution
from nri_cdi.cdi.lint import lint_request
from nri_cdi.cdi.problems import MAX_PROBLEMS
from nri_cdi.cdi.reading import parse_spec
from nri_cdi.cdi.registry import build_registry, register
from tests.unit.cdi.lint.said import said

SPEC = """\
cdiVersion: 0.5.0
kind: v.com/c
containerEdits: {env: [A=spec, B=spec]}
devices:
- name: a
  containerEdits: {env: [A=a], mounts: [{hostPath: /a, containerPath: /x}]}
- name: b
  containerEdits: {env: [B=spec], mounts: [{hostPath: /b, containerPath: /x}]}
- name: all
  containerEdits: {env: [C=d]}
"""


def _resolved(*names: str) -> Resolution:
    files = [
        register(f"/etc/cdi/{kind}.yaml", 0, parse_spec(text.encode(), "").spec)
        for kind, text in (("c", SPEC), ("d", SPEC.replace("v.com/c", "v.com/d")))
    ]
    return build_registry(files).resolve(names)


def test_devices_that_do_not_meet_are_fine() -> None:
    assert lint_request(_resolved("v.com/c=b")) == []
    assert lint_request(_resolved("v.com/c=b", "v.com/c=b")) == []
    assert lint_request(_resolved("v.com/c=all", "v.com/d=b")) == []
    assert lint_request(_resolved()) == []


def test_the_message_names_both_places() -> None:
    found = lint_request(_resolved("v.com/c=a", "v.com/c=b"))
    assert said(found) == [
        (
            "variable-overlap",
            "",
            "device v.com/c=a (/etc/cdi/c.yaml): env[0]: 'A' replaces another value "
            "of the variable: containerEdits of v.com/c (/etc/cdi/c.yaml): env[0]",
        ),
        (
            "mount-overlap",
            "",
            "device v.com/c=b (/etc/cdi/c.yaml): mounts[0]: '/x' replaces another "
            "mount at this path: device v.com/c=a (/etc/cdi/c.yaml): mounts[0]",
        ),
    ]


def test_all_and_a_single_device() -> None:
    assert said(lint_request(_resolved("v.com/c=b", "v.com/c=all"))) == [
        (
            "all-and-single",
            "",
            "v.com/c=all has the edits of v.com/c=b too; ask for one of them",
        )
    ]


def test_there_is_an_end_to_the_findings() -> None:
    many = "".join(
        f"- name: n{number}\n  containerEdits: {{env: [A={number}]}}\n"
        for number in range(MAX_PROBLEMS + 3)
    )
    text = f"cdiVersion: 0.3.0\nkind: v.com/c\ndevices:\n{many}"
    registry = build_registry([register("/s", 0, parse_spec(text.encode(), "").spec)])
    found = lint_request(registry.resolve(registry.devices))
    assert len(found) == MAX_PROBLEMS + 1
    assert found[-1].message == "there are over 1000 of these; the others are left out"
