"""Plain values as YAML that every reader takes for the same.

YAML 1.1 and 1.2, Go's parsers and PyYAML, each take other words for numbers, booleans
or dates. A string that any of them might take for something else is quoted.
"""

from __future__ import annotations

from typing import Any

import yaml

from nri_cdi.cdi.scalars import resolve_plain

_BaseDumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

# No line is folded, so that a diff shows values and not how they were wrapped.
_WIDTH = 1 << 30


class _Dumper(_BaseDumper):  # type: ignore[misc,valid-type]  # C or Python, as there is
    """Writes strings with quotes where a plain one would be read as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        # An anchor for values that happen to be one object says nothing.
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = None if resolve_plain(text) == text else '"'
    node: yaml.ScalarNode = dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style=style
    )
    return node


_Dumper.add_representer(str, _represent_text)


def to_yaml(value: Any) -> str:
    """Dicts, lists, strings, numbers, booleans and None as a YAML document."""
    text: str = yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=_WIDTH,
    )
    return text
