"""Devices that one container asks for together."""

from __future__ import annotations

from pathlib import Path

from nri_cdi.cdi.edits import Resolution
from nri_cdi.cdi.lint import Host, Severity, lint_request, request_errors
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
  containerEdits: {env: [C=d], mounts: [{hostPath: /b, containerPath: /x}]}
- name: every
  containerEdits: {mounts: [{hostPath: /b, containerPath: /x}]}
"""

OTHER = """\
cdiVersion: 1.1.0
kind: w.com/e
containerEdits: {env: [E=spec]}
devices:
- name: a
  containerEdits:
    env: [E=spec, F=g, F=g]
    deviceNodes: [{path: /dev/e}]
    mounts: [{hostPath: /e, containerPath: /e, options: [bind]}]
    hooks: [{hookName: poststop, path: /e}]
- name: b
  containerEdits:
    env: [F=g]
    deviceNodes: [{path: /dev/e, hostPath: /dev/e}]
    mounts: [{hostPath: /e, containerPath: /e, options: [bind]}]
- name: hurt
  containerEdits:
    env: ["export A=b"]
    netDevices: [{hostInterfaceName: lo, name: net}]
    mounts:
    - {hostPath: /e, containerPath: /e}
    - {hostPath: /, containerPath: /f, options: [bind]}
    hooks: [{hookName: poststop, path: /gone}]
- name: net
  containerEdits:
    netDevices: [{hostInterfaceName: lo, name: net1}]
"""


def _resolved(*names: str) -> Resolution:
    files = [
        register(f"/etc/cdi/{kind}.yaml", 0, parse_spec(text.encode(), "").spec)
        for kind, text in (
            ("c", SPEC),
            ("d", SPEC.replace("v.com/c", "v.com/d")),
            ("e", OTHER),
        )
    ]
    return build_registry(files).resolve(names)


def test_devices_that_do_not_meet_are_fine() -> None:
    assert lint_request(_resolved("v.com/c=b")) == []
    assert lint_request(_resolved("v.com/c=b", "v.com/c=b")) == []
    assert lint_request(_resolved("v.com/c=all", "w.com/e=b")) == []
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


def test_what_two_devices_have_alike_is_worth_knowing() -> None:
    there = "device w.com/e=a (/etc/cdi/e.yaml)"
    here = "device w.com/e=b (/etc/cdi/e.yaml)"
    found = lint_request(_resolved("w.com/e=a", "w.com/e=b"))
    assert said(found) == [
        (
            "shared-edit",
            "",
            f"{here}: env[0]: 'F' has the same value elsewhere: {there}: env[2]",
        ),
        (
            "shared-edit",
            "",
            f"{here}: deviceNodes[0]: '/dev/e' is the same device node elsewhere: "
            f"{there}: deviceNodes[0]",
        ),
        (
            "shared-edit",
            "",
            f"{here}: mounts[0]: '/e' is the same mount elsewhere: {there}: mounts[0]",
        ),
    ]
    assert {one.severity for one in found} == {Severity.INFO}


def test_all_and_a_single_device_have_everything_alike() -> None:
    found = lint_request(_resolved("v.com/c=b", "v.com/c=every", "v.com/c=all"))
    assert [one.rule for one in found] == ["all-and-single", "shared-edit"]
    assert found[1].message.startswith("device v.com/c=every ")


def test_what_two_specs_have_alike_is_worth_knowing() -> None:
    places = "containerEdits of v.com/{0} (/etc/cdi/{0}.yaml): env[{1}]"
    assert said(lint_request(_resolved("v.com/c=all", "v.com/d=b")))[:2] == [
        (
            "shared-edit",
            "",
            f"{places.format('d', index)}: '{name}' has the same value elsewhere: "
            f"{places.format('c', index)}",
        )
        for index, name in enumerate("AB")
    ]


def test_errors_alone_say_why_a_container_would_fail(tmp_path: Path) -> None:
    hurt = "device w.com/e=hurt (/etc/cdi/e.yaml)"
    net = "device w.com/e=net (/etc/cdi/e.yaml)"
    found = request_errors(
        _resolved("w.com/e=hurt", "w.com/e=net"), Host(root=str(tmp_path))
    )
    assert [
        (one.rule, one.pointer, one.message.partition(": ")[0]) for one in found
    ] == [
        ("loopback-interface", "", hurt),
        ("mount-without-bind", "", hurt),
        ("hook-missing", "", hurt),
        ("loopback-interface", "", net),
        ("interface-overlap", "", net),
    ]
    assert found[2].message == (
        f"{hurt}: hooks[0].path: there is no '/gone' on this host; containers fail "
        "without it"
    )


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
