"""Writes the reference in docs/configuration.md from the table of options.

    python -m tools.configdocs    from the root of the checkout

What stands between the two marks of the page is replaced.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from textwrap import fill

from nri_cdi.cdi.yamltext import to_yaml
from nri_cdi.config import OPTIONS, Config, Option
from nri_cdi.config.option import Apply
from nri_cdi.config.writing import plain
from tools.environment import ROOT

PAGE = ROOT / "docs" / "configuration.md"

BEGIN = "<!-- from here on: python -m tools.configdocs -->\n"
END = "<!-- to here -->\n"

_WIDTH = 90
_NONE = "-"


def main() -> int:
    page = PAGE.read_text()
    PAGE.write_text(replaced(page))
    return 0


def replaced(page: str) -> str:
    """The page with the reference as the code has it now."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{reference()}\n\n{END}{tail}"


def reference() -> str:
    """A table of all options, and a section on each."""
    return "\n".join([*_table(), *(_section(option) for option in OPTIONS)])


def _table() -> Iterator[str]:
    yield "| key | flag | variable | default | a change counts after |"
    yield "| --- | --- | --- | --- | --- |"
    for option in OPTIONS:
        cells = (
            f"[`{option.key}`](#{option.key})",
            ", ".join(map(_code, option.flags)) or _NONE,
            _code(option.variable) if option.variable else _NONE,
            _code(_default(option)),
            "a restart" if option.apply is Apply.RESTART else "SIGHUP",
        )
        yield f"| {' | '.join(cells)} |"


def _section(option: Option) -> str:
    summary = f"{option.summary[:1].upper()}{option.summary[1:]}."
    text = " ".join(filter(None, (summary, option.details)))
    parts = [f"\n### `{option.key}`\n", _filled(text)]
    if option.keys:
        rows = [f"| {_code(key)} | {words} |" for key, words in option.keys.items()]
        parts += ["\n| key in it | what |\n| --- | --- |", *rows]
    if option.example:
        parts.append(f"\n```yaml\n{option.example}```")
    return "\n".join(parts)


def _default(option: Option) -> str:
    """The default as it stands in a file, on one line."""
    value = plain(Config())[option.key]
    if isinstance(value, list):
        return f"[{', '.join(value)}]"
    if isinstance(value, dict):
        pairs = [f"{key}: {each}" for key, each in value.items() if each]
        return f"{{{', '.join(pairs)}}}"
    return to_yaml(value).strip()


def _code(text: str) -> str:
    return f"`{text}`"


def _filled(text: str) -> str:
    return fill(text, width=_WIDTH, break_on_hyphens=False, break_long_words=False)


if __name__ == "__main__":
    sys.exit(main())
