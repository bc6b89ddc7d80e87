"""A configuration as text again."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi.yamltext import to_yaml
from nri_cdi.config import BY_KEY, Config, parse_config
from nri_cdi.config.policies import RULE_KEYS
from nri_cdi.config.writing import default_file, plain

# Names, among them some that YAML could take for something else.
_NAMES = st.from_regex(r"[a-z]{1,3}", fullmatch=True) | st.sampled_from(
    ["true", "null", "yes", "on", "1e3", "07", "0x1"]
)
_LISTS = st.lists(_NAMES, min_size=1, max_size=2, unique=True)
_CONDITIONS = st.fixed_dictionaries(
    {"pods": _LISTS},
    optional={
        "namespaces": _LISTS,
        "labels": st.dictionaries(_NAMES, _NAMES, min_size=1, max_size=2),
        "runtime_handlers": _LISTS | st.just([""]),
        "devices": st.just(["a.b/c=*", "*"]),
    },
)
_SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "name": _NAMES,
        "index": st.sampled_from(["00", "08", "10"]),
        "spec_dirs": st.just(["/a", "/b c"]),
        "validate": st.sampled_from(["false", "true", "only"]),
        "environment": st.just({"A": "a.b/c", "B": "a.b/c"}),
        "exclusive": st.just(["*/c=0", "a.b/*"]),
        "status": st.sampled_from(["", "/run/s", "[::1]:80"]),
        "rules": st.lists(_CONDITIONS, max_size=3),
    },
)


def _config(settings: dict[str, Any]) -> Config:
    rules = settings.pop("rules", [])
    named = [{**r, "name": f"r{n}", "action": "allow"} for n, r in enumerate(rules)]
    policy = {"default": "deny", "rules": named}
    return parse_config(json.dumps({**settings, "policy": policy}), "c")


@given(_SETTINGS)
def test_what_is_written_is_read_as_it_was(settings: dict[str, Any]) -> None:
    config = _config(settings)
    assert parse_config(to_yaml(plain(config)), "c") == config
    assert parse_config(json.dumps(plain(config)), "c") == config


def test_a_switch_is_written_as_one() -> None:
    values = [plain(Config(validate=text))["validate"] for text in ("true", "only")]
    assert values == [True, "only"]
    assert plain(Config(name="true"))["name"] == "true"


def test_the_default_file_sets_every_option_to_its_default() -> None:
    text = default_file()
    assert parse_config(text, "c") == Config()
    keys = {line.partition(":")[0] for line in text.splitlines()}
    assert BY_KEY.keys() <= keys


def test_the_default_file_tells_what_can_be_said() -> None:
    words = default_file()
    told = " ".join(words.replace("\n#", " ").split())
    for option in BY_KEY.values():
        assert option.details in told
        assert all(flag in told for flag in option.flags)
        assert option.variable in told
    assert all(f"- rules[].{key}:" in words for key in RULE_KEYS)


def test_the_default_file_has_lines_that_fit() -> None:
    assert max(map(len, default_file().splitlines())) <= 88


def test_the_examples_of_the_default_file_are_good_without_their_marks() -> None:
    """As somebody does it who takes an example over."""
    lines = default_file().splitlines()
    start = lines.index("# policy:")
    end = lines.index("policy:")
    example = "\n".join(line.removeprefix("# ") for line in lines[start:end])
    assert len(parse_config(example, "c").policy.rules) == 3
