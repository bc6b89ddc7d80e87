"""A file as lint sees it, with lines and columns."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings

from nri_cdi.cdi.lint import Finding, Host, Severity, lint_document
from nri_cdi.cdi.model import Spec
from nri_cdi.cdi.plain import to_plain
from nri_cdi.cdi.reading import parse_spec
from tests.unit.cdi import strategies

TEXT = """\
cdiVersion: 0.7.0
kind: v.com/c
devices:
- name: 010
  containerEdits:
    intelRdt: {enableCMT: true}
    mounts:
    - containerPath: /x/
      hostPath: /nowhere
      options: [bind]
---
"""


def _lines(text: str, path: str = "s.yaml", host: Host | None = None) -> list[str]:
    data = text.encode()
    found = lint_document(data, parse_spec(data, path), host=host)
    return [
        f"{each.line}:{each.column}: {each.severity}: {each.rule}" for each in found
    ]


def test_findings_stand_in_the_order_of_the_file(tmp_path: Path) -> None:
    assert _lines(TEXT + "x", "s.yml", Host(root=str(tmp_path))) == [
        "1:1: warning: unread-file",
        "4:3: warning: changed-text",
        "6:5: warning: empty-rdt",
        "6:16: warning: removed-field",
        "8:7: info: unclean-path",
        "9:7: error: mount-source-missing",
        "12:1: warning: ignored-document",
    ]


def test_findings_from_elsewhere_get_their_place_too() -> None:
    other = Finding(
        rule="r", severity=Severity.INFO, message="m", pointer="devices[0].name"
    )
    data = TEXT.replace("010", "a").encode()
    found = lint_document(data, parse_spec(data, "s.yaml"), others=[other])
    assert (found[0].rule, found[0].line, found[0].column) == ("r", 4, 3)


def test_the_byte_order_mark_does_not_count() -> None:
    text = "\ufeff" + TEXT
    assert _lines(text)[0] == "4:3: warning: changed-text"


@settings(max_examples=30)
@given(strategies.specs)
def test_every_finding_has_a_place_in_the_text(spec: Spec) -> None:
    data = json.dumps(to_plain(spec), indent=1).encode()
    lines = data.decode().splitlines()
    for found in lint_document(data, parse_spec(data, "s.json")):
        assert found.line is not None
        assert found.column is not None
        assert 1 <= found.column <= len(lines[found.line - 1])
