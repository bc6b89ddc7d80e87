"""Specs in canonical form: what comes out, and what is refused lest it be lost."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from nri_cdi.cdi import events
from nri_cdi.cdi.formatting import form_of, format_spec, rewrite_spec, rewriting
from nri_cdi.cdi.formatting.remarks import comments
from nri_cdi.cdi.jsontext import to_json
from nri_cdi.cdi.model import Spec
from nri_cdi.cdi.plain import to_plain
from nri_cdi.cdi.reading import parse_spec, read_file
from nri_cdi.cdi.writing import SpecFormat, spec_text
from nri_cdi.errors import FormatError, SpecError
from tests.unit.cdi.formatting.scribbling import Scribbler
from tests.unit.cdi.strategies import specs

YAML, JSON = SpecFormat.YAML, SpecFormat.JSON

MESSY = """\
# Copyright

# Of two GPUs
Kind: vendor.com/gpu   # its kind

# Needed by 0.7.0
cdiVersion: "0.7.0"
containerEdits: # for each
    hooks:
        - path: /usr/bin/hook
          # when
          hookName: createContainer
          args: [hook, "--a # b", # with an a
             --c]
        # - path: /usr/bin/old
    env:
        - |  # a script
           A=b # c
             d
        - "E=f"
    # of each
devices:


  - # the first
    containerEdits:
        intelRdt: {enableCMT: true, closID: x}
        deviceNodes:
        - path: /dev/a
          fileMode: 0o666
          minor: 0
          # uid: 0

    name: 0 # zero
    # of zero
  - {name: yes, # one
     containerEdits: {env: [A=b], mounts: } }
# the end
"""
CANONICAL = """\
# Copyright

# Needed by 0.7.0
cdiVersion: 0.7.0
# Of two GPUs
kind: vendor.com/gpu  # its kind
devices:
# the first
- name: "0"  # zero
  containerEdits:
    deviceNodes:
    - path: /dev/a
      minor: 0
      fileMode: 438
      # uid: 0
    intelRdt:
      closID: x
      enableCMT: true
  # of zero
- name: "true"  # one
  containerEdits:
    env:
    - A=b
    mounts: []
containerEdits:  # for each
  env:
  - |  # a script
    A=b # c
      d
  - E=f
  hooks:
  # when
  - hookName: createContainer
    path: /usr/bin/hook
    args:
    - hook
    - "--a # b"  # with an a
    - --c
  # - path: /usr/bin/old
  # of each
# the end
"""

SPEC = """\
cdiVersion: 0.6.0
kind: v.com/c
devices:
- name: a
  containerEdits:
    env:
    - A=b
"""
JSON_SPEC = to_json(to_plain(parse_spec(SPEC.encode(), "f").spec))


def test_a_messy_spec_in_canonical_form() -> None:
    assert format_spec(MESSY.encode(), "f") == CANONICAL


EDITS = """\
cdiVersion: 0.6.0
kind: v.com/c
devices:
-
  # about edits
  containerEdits:
    mounts:
    - hostPath: /a
      containerPath: /b
    # - hostPath: /c
    #   containerPath: /d
    # about env
    env:
    - A=1
    # - B=2
  # about the name
  name: a
"""
EDITS_IN_ORDER = """\
cdiVersion: 0.6.0
kind: v.com/c
devices:
# about the name
- name: a
  # about edits
  containerEdits:
    # about env
    env:
    - A=1
    # - B=2
    mounts:
    - hostPath: /a
      containerPath: /b
    # - hostPath: /c
    #   containerPath: /d
"""


def test_comments_stay_with_what_they_are_about() -> None:
    assert format_spec(EDITS.encode(), "f") == EDITS_IN_ORDER
    assert format_spec(EDITS_IN_ORDER.encode(), "f") == EDITS_IN_ORDER


@pytest.mark.parametrize(
    ("top", "written"),
    [
        ("# made by x\n", "# made by x\n\n"),
        ("---\n# made\n# by x\n", "# made\n# by x\n\n"),
        ("# made by x\n\n", "# made by x\n\n"),
    ],
)
def test_what_a_file_starts_with_stays_at_the_top(top: str, written: str) -> None:
    version, kind, rest = SPEC.split("\n", 2)
    text = f"{top}{kind}\n{version}\n{rest}"
    assert format_spec(text.encode(), "f") == f"{written}{SPEC}"
    assert format_spec(f"{written}{SPEC}".encode(), "f") == f"{written}{SPEC}"


def test_a_second_paragraph_at_the_top_moves_with_the_first_field() -> None:
    version, kind, rest = SPEC.split("\n", 2)
    text = f"# made by x\n\n# of\n{kind}\n{version}\n{rest}"
    assert format_spec(text.encode(), "f") == (
        f"# made by x\n\n{version}\n# of\n{kind}\n{rest}"
    )


@pytest.mark.parametrize("text", [CANONICAL, SPEC, f"# a\n{SPEC}", JSON_SPEC])
def test_what_is_canonical_stays_as_it_is(text: str) -> None:
    assert format_spec(text.encode(), "f") == text


@settings(deadline=None, max_examples=40)
@given(specs, st.builds(Random, st.integers(0, 2**32)))
def test_a_text_of_any_layout_keeps_its_spec_and_its_comments(
    spec: Spec, random: Random
) -> None:
    scribbler = Scribbler(random)
    data = scribbler.document(to_plain(spec)).encode()
    text = format_spec(data, "f")
    assert parse_spec(text.encode(), "f").spec == spec
    assert Counter(comments(text)) == Counter(scribbler.comments)
    # "It is its own canonical form."
    assert format_spec(text.encode(), "f") == text


@settings(deadline=None, max_examples=20)
@given(specs, st.sampled_from(SpecFormat), st.sampled_from(SpecFormat))
def test_there_and_back_nothing_changes(
    spec: Spec, first: SpecFormat, second: SpecFormat
) -> None:
    text = spec_text(spec, first)
    there = rewrite_spec(text.encode(), "f", form=second).text
    back = rewrite_spec(there.encode(), "f", form=first).text
    assert parse_spec(there.encode(), "f").spec == spec
    assert form_of(there.encode()) is second
    assert back == format_spec(text.encode(), "f")


@pytest.mark.parametrize(
    "text",
    [
        f"\ufeff{SPEC}",
        f"---\n{SPEC}",
        f"%YAML 1.1\n---\n{SPEC}...\n",
        f"\n\n{SPEC}\n\n",
        SPEC.removesuffix("\n"),
        SPEC.replace("\n", "\r\n"),
        SPEC.replace("\n", "\r"),
        SPEC.replace("\n", "\x85"),
        SPEC.replace("0.6.0", '"0.6.0"').replace("A=b", "'A=b'"),
        SPEC.replace("name", "!!str NAME"),
        "{cdiVersion: 0.6.0, kind: v.com/c,\n"
        " devices: [{name: a, containerEdits: {env: [A=b]}}]}",
    ],
)  # fmt: skip
def test_texts_that_come_out_the_same(text: str) -> None:
    assert format_spec(text.encode(), "f") == SPEC


@pytest.mark.parametrize(
    "text",
    [
        JSON_SPEC.replace("\n", "\r\n"),
        f"\ufeff \t{json.dumps(json.loads(JSON_SPEC))}",
        json.dumps(json.loads(JSON_SPEC), sort_keys=True, indent=1),
        JSON_SPEC.replace("kind", "KIND"),
    ],
)
def test_json_stays_json(text: str) -> None:
    assert format_spec(text.encode(), "f") == JSON_SPEC


def test_a_pair_of_escapes_for_one_letter_becomes_the_letter() -> None:
    text = JSON_SPEC.replace("A=b", r"A=\ud83d\ude00\u007f")
    assert "A=\U0001f600\\u007f" in format_spec(text.encode(), "f")


DATA = Path(__file__).parents[5] / "shared" / "data" / "specs"
REAL = sorted(DATA.glob("*.yaml"))


@pytest.mark.skipif(not REAL, reason=f"{DATA} is not there")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_specs_are_kept(path: Path) -> None:
    data = read_file(str(path))
    text = format_spec(data, "f")
    assert parse_spec(text.encode(), "f").spec == parse_spec(data, "f").spec
    assert format_spec(text.encode(), "f") == text


LIKE_JSON = JSON_SPEC.replace(",", ", # c", 1)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (SPEC, YAML),
        ("{cdiVersion: 1.0.0}", YAML),
        ("# {", YAML),
        (JSON_SPEC, JSON),
        (f"\ufeff\n {JSON_SPEC}", JSON),
        (LIKE_JSON, JSON),
        ('{ # c\n\n # d\n "a": 1}', JSON),
        ("{}", JSON),
    ],
)
def test_the_content_says_what_it_is(text: str, form: SpecFormat) -> None:
    assert form_of(text.encode()) is form


def test_bytes_that_are_not_text_are_yaml() -> None:
    assert form_of(b"\xff{") is YAML


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            LIKE_JSON,
            "f:2:26: it starts as JSON does, but here it isn't JSON (expecting "
            "property name enclosed in double quotes); mend that, or convert it to "
            "YAML",
        ),
        (
            f"{JSON_SPEC}text",
            "f:15:1: no reader of specs looks at the text from here on; take it away, "
            "or make it a comment",
        ),
        (
            f"{SPEC}---\n{SPEC}",
            "f:8:1: no reader of specs looks at the document that starts here; move "
            "it to a file of its own",
        ),
        (
            f"{SPEC}Kind: v.com/d\n",
            "f:2:1: kind: kind is given 2 times; 'kind' counts; keep one of them",
        ),
        (
            JSON_SPEC.replace('"kind"', '"Kind": "v.com/d", "kind"'),
            "f:3:22: kind: kind is given 2 times; 'kind' counts; keep one of them",
        ),
        (
            SPEC.replace("A=b", "&a A=b") + "    - !x C=d\n    - *a\n",
            "f:7:7: the anchor 'a' can't be kept; write its value out where it is "
            "used, and take the anchor away\n"
            "f:8:7: the tag '!x' can't be kept, and has no effect; take it away\n"
            "f:9:7: the alias 'a' can't be kept; write out what it stands for",
        ),
    ],
)
def test_what_can_not_be_kept_is_refused(text: str, message: str) -> None:
    with pytest.raises(FormatError) as raised:
        format_spec(text.encode(), "f")
    assert str(raised.value) == message
    assert {each.rule for each in raised.value.problems} == {"lossy-rewrite"}


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"a: [", b"- a", SPEC.encode() + b"envs: []\n", b"{"]
)
def test_an_invalid_spec_has_the_errors_that_reading_has(data: bytes) -> None:
    with pytest.raises(SpecError) as expected:
        parse_spec(data, "f")
    with pytest.raises(SpecError) as raised:
        format_spec(data, "f")
    assert str(raised.value) == str(expected.value)


def test_json_with_comments_becomes_yaml_with_comments() -> None:
    rewritten = rewrite_spec(LIKE_JSON.encode(), "f", form=YAML)
    assert rewritten.text == SPEC.replace("0.6.0\n", "0.6.0  # c\n")
    assert rewritten.lost_comments == 0


def test_comments_that_json_has_no_place_for_are_counted() -> None:
    rewritten = rewrite_spec(f"# a\n{SPEC}# b\n".encode(), "f", form=JSON)
    assert rewritten.text == JSON_SPEC
    assert rewritten.lost_comments == 2


def test_another_version_is_set() -> None:
    data = f"# a\n{SPEC} # b".encode()
    assert rewrite_spec(data, "f", form=YAML, version="0.3.0").text == (
        f"# a\n{SPEC.replace('0.6.0', '0.3.0')}# b\n"
    )


@pytest.mark.parametrize(
    ("edit", "version", "message"),
    [
        (
            "additionalGids: [1]",
            "0.6.0",
            "f: cdiVersion: the version must be at least 0.7.0 for additionalGids, "
            "not 0.6.0",
        ),
        (
            "intelRdt: {enableCMT: true}",
            "1.1.0",
            "f: containerEdits.intelRdt.enableCMT: enableCMT is not a field of the "
            "CDI spec any more; enableMonitoring took its place in 1.1.0",
        ),
    ],
)
def test_a_version_that_lacks_something_is_refused(
    edit: str, version: str, message: str
) -> None:
    data = f"{SPEC.replace('0.6.0', '0.7.0')}containerEdits: {{{edit}}}\n".encode()
    with pytest.raises(SpecError) as raised:
        rewrite_spec(data, "f", form=YAML, version=version)
    assert str(raised.value) == message


def test_a_text_that_would_be_too_large_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rewriting, "MAX_FILE_SIZE", len(SPEC))
    assert format_spec(SPEC.encode(), "f") == SPEC
    with pytest.raises(FormatError) as raised:
        format_spec(f"{SPEC}# c\n".encode(), "f")
    assert str(raised.value) == (
        f"f: it would have over {len(SPEC)} bytes, which nobody would read"
    )


def test_what_is_behind_a_spec_of_the_largest_size_is_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    up_to_its_end = len(list(yaml.parse(SPEC))) - 1
    monkeypatch.setattr(events, "MAX_VALUES", up_to_its_end)
    parse_spec(SPEC.encode(), "f")
    with pytest.raises(SpecError) as raised:
        format_spec(SPEC.encode(), "f")
    assert raised.value.problems[0].rule == "too-many-values"


@pytest.mark.parametrize(("fault", "instead"), [("# a\n", ""), ("A=b", "A=c")])
def test_what_would_lose_something_is_not_given_out(
    fault: str, instead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = f"# a\n{SPEC}".encode()
    monkeypatch.setattr(
        rewriting, "to_blocks", lambda _: data.decode().replace(fault, instead)
    )
    with pytest.raises(FormatError) as raised:
        format_spec(data, "f")
    assert str(raised.value) == (
        "f: the rewritten spec would not be the same; please report this, with the file"
    )
