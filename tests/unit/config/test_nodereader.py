"""What is wrong with a node is said once, and not without end."""

from __future__ import annotations

import pytest

from nri_cdi.config import parse_config
from nri_cdi.errors import ConfigError


def _said(text: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        parse_config(text, "c")
    return raised.value.lines()


@pytest.mark.parametrize(
    "text",
    ["name: *x", "spec_dirs: *x", "policy: *x", "exclusive: [*x]", "*x : a"],
)
def test_what_was_refused_for_what_it_is_is_not_refused_again(text: str) -> None:
    [said] = _said(text)
    assert said.endswith("aliases are not supported: write it out")


def test_a_mapping_has_so_many_keys_and_no_more() -> None:
    keys = [f"V{number}: a/b" for number in range(1001)]
    parse_config(f"environment: {{{', '.join(keys[:1000])}}}", "c")
    assert _said(f"environment: {{{', '.join(keys)}}}") == [
        "c:1:14: environment: there are over 1000 keys"
    ]


def test_nobody_reads_more_than_a_thousand_problems() -> None:
    rule = ", ".join(f"k{number}: 1" for number in range(900))
    lines = _said(f"policy: {{rules: [{{{rule}}}, {{{rule}}}, {{{rule}}}]}}")
    assert len(lines) == 1001
    assert lines[-1] == "c: there are over 1000 problems; the others are left out"
