"""A configuration as plain values, and the commented file of the defaults."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import fill, indent
from typing import Any

from nri_cdi.cdi.yamltext import to_yaml
from nri_cdi.config.model import Config
from nri_cdi.config.option import Apply, Option
from nri_cdi.config.options import OPTIONS
from nri_cdi.config.policies import RULE_KEYS
from nri_cdi.policy import Policy, Rule

_COMMENT = "# "
_WIDTH = 88 - len(_COMMENT)

_HEAD = (
    "The configuration of nri-cdi, with the defaults. A key that is left out has its "
    "default. What counts is, in rising order: the defaults, this file, variables of "
    "the plugin's environment, flags."
)

_SWITCHES = {"true": True, "false": False}


def plain(config: Config) -> dict[str, Any]:
    """The settings as JSON and YAML have them; to read that gives them back."""
    return {
        option.key: _plain(option, getattr(config, option.key)) for option in OPTIONS
    }


def default_file() -> str:
    """A configuration file that sets every option to its default, and says what it is.

    What has no example in its default has one as a comment.
    """
    return "\n".join([_comment(_HEAD), *map(_section, OPTIONS)])


def how_to_set(option: Option) -> str:
    """What else sets an option, and when a change counts."""
    ways = ", ".join([*option.flags, *filter(None, [option.variable])])
    return f"({ways or 'this file alone'}; {when(option)})"


def when(option: Option) -> str:
    """When a changed value counts, in words."""
    if option.apply is Apply.RESTART:
        return "a change takes a restart"
    return "a change counts after SIGHUP"


def _section(option: Option) -> str:
    summary = f"{option.summary[:1].upper()}{option.summary[1:]}."
    text = " ".join(filter(None, (summary, option.details)))
    lines = [_comment(text)]
    lines += [_comment(f"- {key}: {words}") for key, words in option.keys.items()]
    lines.append(_comment(how_to_set(option)))
    if option.example:
        lines.append(indent(option.example, _COMMENT).rstrip("\n"))
    default = to_yaml({option.key: _plain(option, option.default)})
    return "\n" + "\n".join([*lines, default]).rstrip("\n")


def _comment(text: str) -> str:
    return fill(
        text,
        width=_WIDTH + len(_COMMENT),
        initial_indent=_COMMENT,
        subsequent_indent=_COMMENT + ("  " if text.startswith("- ") else ""),
        break_on_hyphens=False,
        break_long_words=False,
    )


def _plain(option: Option, value: Any) -> Any:
    if isinstance(value, Policy):
        rules = [dict(_set_keys(rule)) for rule in value.rules]
        return {"default": str(value.default), "rules": rules}
    if isinstance(value, tuple):
        return dict(value) if option.is_mapping else list(value)
    # Only where there is a flag for it is a text a switch.
    return _SWITCHES.get(value, value) if option.constants else value


def _set_keys(rule: Rule) -> Iterator[tuple[str, Any]]:
    for key in RULE_KEYS:
        value = getattr(rule, key)
        if isinstance(value, str):
            yield key, str(value)
        elif value:
            yield key, dict(value) if key == "labels" else list(value)
