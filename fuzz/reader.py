"""The laws of the reader of specs, for any bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import yaml

from nri_cdi.cdi.composing import compose
from nri_cdi.cdi.document import decode
from nri_cdi.cdi.events import MalformedError
from nri_cdi.cdi.model import Spec
from nri_cdi.cdi.plain import to_plain
from nri_cdi.cdi.quick import IrregularError, quick_json, quick_yaml
from nri_cdi.cdi.reading import LoadedSpec, parse_spec
from nri_cdi.cdi.rules import Rule
from nri_cdi.cdi.shapes import build_spec
from nri_cdi.cdi.validation import validate_spec
from nri_cdi.cdi.yamltext import to_yaml
from nri_cdi.errors import Problem, SpecError

PATH = "fuzz.yaml"

# YAML 1.1, productions 22 to 29.
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


def check(data: bytes) -> None:
    """Raises unless ``data`` is a spec or an error, and either as it should be."""
    try:
        loaded = parse_spec(data, PATH)
    except SpecError as error:
        check_problems(data, error.problems)
    else:
        check_problems(data, loaded.warnings)
        check_loaded(loaded)
    check_ways(data)


def check_problems(data: bytes, problems: Sequence[Problem]) -> None:
    """Problems are in order, each of one line, with a place that the text has."""
    places = [(item.line, item.column) for item in problems if item.line is not None]
    assert places == sorted(places, key=lambda place: (place[0], place[1] or 0))
    try:
        lines = _LINE_BREAK.split(decode(data))
    except MalformedError as error:
        assert error.problem == problems[0]
        return
    for problem in problems:
        assert problem.rule in Rule.__members__.values()
        assert problem.message
        assert str(problem).isprintable(), problem
        if problem.line is not None:
            assert problem.column is not None
            assert 1 <= problem.line <= len(lines), problem
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1, problem


def check_loaded(loaded: LoadedSpec) -> None:
    """A spec is valid, and so is what it is written as, which is read as the same."""
    spec = loaded.spec
    assert validate_spec(spec) == []
    plain = to_plain(spec)
    for text in (
        json.dumps(plain),
        json.dumps(plain, ensure_ascii=False),
        to_yaml(plain),
    ):
        again = parse_spec(text.encode(), PATH)
        assert again.spec == spec, text
        assert again.warnings == ()


def check_ways(data: bytes) -> None:
    """The quick ways through a text come to the same as the complete one."""
    try:
        text = decode(data)
        composed = compose(text)
    except MalformedError:
        # JSON has escapes, characters and long keys that libyaml refuses.
        return
    for quick in (quick_json, quick_yaml):
        try:
            value = quick(text)
        except (IrregularError, MalformedError, yaml.YAMLError):
            continue
        assert composed.flaws == (), quick
        spec = _spec(value)
        # JSON's integers are exact. To YAML -2**63 - 1 is a float, which is -2**63.
        if spec is not None or quick is quick_yaml:
            assert spec == _spec(composed.value), quick


def _spec(value: object) -> Spec | None:
    """The spec that a document's value is, if it is a valid one."""
    built = build_spec(value)
    return None if built.problems or validate_spec(built.spec) else built.spec
