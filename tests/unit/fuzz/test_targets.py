"""The laws that are fuzzed, on what the search starts from, and on a little more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz import reader
from fuzz.dictionary import dictionary, words
from fuzz.targets import CORPUS, TARGETS
from nri_cdi.cdi.model import Spec
from nri_cdi.cdi.plain import to_plain
from nri_cdi.cdi.yamltext import to_yaml
from nri_cdi.errors import Problem
from tests.unit.cdi.strategies import qualified_names, specs


def test_the_corpus_of_bad_specs_is_where_the_reader_starts() -> None:
    inputs = set(TARGETS["reader"].inputs())
    cases = {path for path in CORPUS.rglob("*") if path.suffix in (".yaml", ".json")}
    assert cases
    assert cases < inputs
    assert not [path for path in inputs if path.suffix == ".errors"]


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_has_inputs_that_obey_its_law(target: str) -> None:
    inputs = list(TARGETS[target].inputs())
    assert inputs
    for path in inputs:
        TARGETS[target].check(path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=25)
@given(data=st.binary())
def test_any_bytes_obey_every_law(target: str, data: bytes) -> None:
    TARGETS[target].check(data)


@settings(max_examples=10)
@given(spec=specs)
def test_valid_specs_obey_the_laws_of_specs(spec: Spec) -> None:
    data = to_yaml(to_plain(spec)).encode()
    TARGETS["reader"].check(data)
    TARGETS["formatting"].check(data)
    TARGETS["injection"].check(b"{}\n---\n" + data)


@given(name=qualified_names, key=st.text())
def test_valid_names_obey_the_laws_of_names(name: str, key: str) -> None:
    data = f"{name}\n{key}\n{name}\ncdi.k8s.io/a\n{name}".encode(errors="replace")
    TARGETS["names"].check(data)


@pytest.mark.parametrize(
    ("problem", "why"),
    [
        (Problem(rule="syntax", message="x", line=2, column=1), "beyond the last line"),
        (Problem(rule="syntax", message="x", line=1, column=5), "beyond the line"),
        (Problem(rule="no-rule", message="x"), "an unknown rule"),
        (Problem(rule="syntax", message="x\ny"), "two lines"),
        (Problem(rule="syntax", message=""), "no words"),
    ],
)
def test_the_law_of_problems_can_break(problem: Problem, why: str) -> None:
    with pytest.raises(AssertionError):
        reader.check_problems(b"abc", [problem])


def test_a_dictionary_has_a_word_a_line_in_libfuzzer_s_form() -> None:
    lines = dictionary().splitlines()
    assert len(lines) == len(list(words()))
    assert '"\\x61\\x2f\\x62"' in lines
    assert "deviceNodes" in set(words())
