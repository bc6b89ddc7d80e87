"""The table of options is complete, and its parts agree."""

from __future__ import annotations

import re
import string
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cli import global_options
from nri_cdi.cli.settings import GLOBAL
from nri_cdi.config import BY_KEY, OPTIONS, Config, Option, parse_config
from nri_cdi.config.checks import FORMATS, INJECTIONS, LEVELS, VALIDATIONS
from nri_cdi.config.overrides import environment_settings
from nri_cdi.errors import ConfigError
from nri_cdi.requests import ALIASES

IDS = [option.key for option in OPTIONS]


def test_every_setting_is_an_option() -> None:
    assert [field.name for field in fields(Config)] == IDS


@pytest.mark.parametrize("option", OPTIONS, ids=IDS)
def test_a_default_passes_the_check(option: Option) -> None:
    items = option.default if option.separator else (option.default,)
    for item in items if option.check else ():
        assert option.check is not None
        assert option.check(item) == item


@pytest.mark.parametrize("option", OPTIONS, ids=IDS)
def test_a_summary_is_a_phrase_and_details_are_sentences(option: Option) -> None:
    assert re.fullmatch(r"[a-z].*[^.]", option.summary)
    assert option.details == "" or re.fullmatch(r"[A-Z].*\.", option.details)


@pytest.mark.parametrize("key", [each.key for each in OPTIONS if each.example])
def test_an_example_sets_the_option_and_nothing_else(key: str) -> None:
    config, default = parse_config(BY_KEY[key].example, "example"), Config()
    names = (field.name for field in fields(Config))
    changed = [
        each for each in names if getattr(config, each) != getattr(default, each)
    ]
    assert changed == [key]


def test_a_flag_takes_a_value_or_stands_for_one() -> None:
    for option in OPTIONS:
        assert bool(option.flag) == bool(option.metavar)
        for constant in option.constants:
            assert option.check is not None
            assert option.check(constant.value) == constant.value
        if option.flags:
            assert option.check is not None


def test_the_flags_of_all_verbs_are_those_of_the_table() -> None:
    actions = {
        flag: action
        for action in global_options()._actions
        for flag in action.option_strings
    }
    by_flag = {option.flag: option for option in OPTIONS if option.flag in GLOBAL}
    assert by_flag.keys() == GLOBAL
    for flag, option in by_flag.items():
        assert actions[flag].dest == option.key
        assert actions[flag].metavar == option.metavar


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("log_level", LEVELS),
        ("log_format", FORMATS),
        ("injection", INJECTIONS),
        ("validate", VALIDATIONS),
    ],
)
def test_a_choice_names_its_words(key: str, words: tuple[str, ...]) -> None:
    assert all(word in BY_KEY[key].summary for word in words)


@given(
    st.sampled_from([option for option in OPTIONS if option.variable]),
    st.text(string.ascii_letters + string.digits + "/=*.", min_size=1)
    | st.sampled_from([*LEVELS, *FORMATS, *INJECTIONS, *VALIDATIONS, *ALIASES]),
)
def test_a_variable_takes_what_the_file_takes(option: Option, text: str) -> None:
    value = f"['{text}']" if option.separator else f"'{text}'"
    try:
        expected = getattr(parse_config(f"{option.key}: {value}", "c"), option.key)
    except ConfigError as of_file:
        with pytest.raises(ConfigError) as of_variable:
            environment_settings({option.variable: text})
        assert of_variable.value.problems[0].message == of_file.problems[0].message
    else:
        found = environment_settings({option.variable: text})
        assert found == {option.key: expected}
