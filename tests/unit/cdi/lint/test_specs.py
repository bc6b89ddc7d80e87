"""All that is doubtful about one spec, with the places."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings

from nri_cdi.cdi.lint import Host, lint_spec
from nri_cdi.cdi.model import Spec
from nri_cdi.cdi.reading import parse_spec
from tests.unit.cdi import strategies
from tests.unit.cdi.lint.said import Said, said

GOOD = """\
cdiVersion: 0.7.0
kind: vendor.com/dev
annotations: {a: b}
containerEdits: {env: [A=b], additionalGids: [5]}
devices:
- name: "0"
  annotations: {a: b}
  containerEdits:
    env: [A=b, B=c]
    deviceNodes: [{path: /dev/null}]
    hooks: [{hookName: createContainer, path: /bin/sh, env: [A=b]}]
    mounts: [{hostPath: /etc, containerPath: /etc/host, options: [ro, bind]}]
    intelRdt: {closID: a}
"""


def _lint(text: str, host: Host | None = None) -> list[Said]:
    return said(lint_spec(parse_spec(text.encode(), "s.yaml").spec, host=host))


def test_a_good_spec_has_no_findings() -> None:
    assert _lint(GOOD) == []
    assert _lint(GOOD, Host()) == []


@pytest.mark.parametrize(
    ("old", "new", "rule", "pointer"),
    [
        ("0.7.0", "0.8.0", "version-too-high", "cdiVersion"),
        ("vendor.com", "vendor_com", "vendor-not-dns", "kind"),
        (
            "annotations: {a: b}\ncont",
            "annotations: {cdi.k8s.io/a: b}\ncont",
            "request-annotation",
            "annotations['cdi.k8s.io/a']",
        ),
        (
            "  annotations: {a: b}",
            "  annotations: {cdi.k8s.io/a: b}",
            "request-annotation",
            "devices[0].annotations['cdi.k8s.io/a']",
        ),
        ('"0"', "0:r", "name-like-permissions", "devices[0].name"),
        ("[A=b], add", '["1=b"], add', "variable-name", "containerEdits.env[0]"),
        ("[5]", "[5, 0]", "group-zero", "containerEdits.additionalGids[1]"),
        ("B=c", "B C=c", "variable-name", "devices[0].containerEdits.env[1]"),
        (
            "{path: /dev/null}",
            "{path: /dev/null, minor: 4}",
            "ignored-minor",
            "devices[0].containerEdits.deviceNodes[0].minor",
        ),
        (
            ", env: [A=b]}]",
            "}]",
            "hook-without-env",
            "devices[0].containerEdits.hooks[0]",
        ),
        (
            "[ro, bind]",
            "[ro]",
            "mount-without-bind",
            "devices[0].containerEdits.mounts[0]",
        ),
        ("{closID: a}", "{}", "empty-rdt", "devices[0].containerEdits.intelRdt"),
        (
            "[A=b, B=c]",
            "[B=c, B=d]",
            "variable-overlap",
            "devices[0].containerEdits.env[1]",
        ),
        ("[A=b, B", "[A=c, B", "variable-overlap", "devices[0].containerEdits.env[0]"),
        ("[A=b], add", "[C=b, C=c], add", "variable-overlap", "containerEdits.env[1]"),
    ],
)
def test_one_change_makes_one_finding_at_its_place(
    old: str, new: str, rule: str, pointer: str
) -> None:
    assert GOOD.count(old) == 1
    assert [each[:2] for each in _lint(GOOD.replace(old, new))] == [(rule, pointer)]


def test_net_devices_are_looked_at() -> None:
    text = GOOD.replace("0.7.0", "1.1.0").replace(
        "    env: [A=b, B=c]", "    netDevices: [{hostInterfaceName: lo, name: a}]"
    )
    assert [each[:2] for each in _lint(text)] == [
        (
            "loopback-interface",
            "devices[0].containerEdits.netDevices[0].hostInterfaceName",
        )
    ]


@pytest.mark.parametrize(
    ("old", "message"),
    [
        ("A=c", "'A' replaces another value of the variable: containerEdits.env[0]"),
        (
            "A=b, A=c",
            "'A' replaces another value of the variable: env[0] of this device",
        ),
    ],
)
def test_an_overlap_names_the_other_place(old: str, message: str) -> None:
    [(_, _, found)] = _lint(GOOD.replace("A=b, B=c", old))
    assert found == message


def test_devices_of_one_spec_do_not_meet() -> None:
    second = '- {name: "1", containerEdits: {env: [B=d]}}\n'
    assert _lint(GOOD + second) == []


def test_the_host_is_looked_at_only_if_there_is_one(tmp_path: Path) -> None:
    found = _lint(GOOD, Host(root=str(tmp_path)))
    assert [each[:2] for each in found] == [
        ("node-missing", "devices[0].containerEdits.deviceNodes[0].path"),
        ("hook-missing", "devices[0].containerEdits.hooks[0].path"),
        ("mount-source-missing", "devices[0].containerEdits.mounts[0].hostPath"),
    ]


@settings(max_examples=30)
@given(strategies.specs)
def test_any_valid_spec_can_be_linted(spec: Spec) -> None:
    without = lint_spec(spec)
    assert set(without) <= set(lint_spec(spec, host=Host(root="/proc/self/fdinfo")))
