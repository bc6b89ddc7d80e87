"""A spec's text in canonical form, in YAML or in JSON, with nothing of it lost.

Canonical is: fields in the order of the specification, devices and all other items as
they were, each value as the type that its field has and without quotes that it doesn't
need, numbers in decimal, a line each. Blank lines stay, one at a time. What can't be
kept is refused, and what comes out has been read again: it is the same spec, with the
same comments.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, replace

from nri_cdi.cdi.document import decode
from nri_cdi.cdi.events import MalformedError
from nri_cdi.cdi.formatting.arranging import arrange_document
from nri_cdi.cdi.formatting.attaching import attach
from nri_cdi.cdi.formatting.blocks import to_blocks
from nri_cdi.cdi.formatting.entries import Entry, entry_of, plain_of
from nri_cdi.cdi.formatting.outline import Outline, outline
from nri_cdi.cdi.formatting.remarks import comments, remarks
from nri_cdi.cdi.jsontext import to_json
from nri_cdi.cdi.model import Spec
from nri_cdi.cdi.problems import in_order
from nri_cdi.cdi.quick import IrregularError, quick_json
from nri_cdi.cdi.reading import MAX_FILE_SIZE, parse_spec
from nri_cdi.cdi.rules import Rule
from nri_cdi.cdi.writing import SpecFormat
from nri_cdi.errors import FormatError, Problem, SpecError

# A text that is meant to be JSON. YAML has no quotes around keys, even within braces.
_LIKE_JSON = re.compile(r'\s*\{\s*(?:#.*\n\s*)*["}]')

_CARRIAGE_RETURN = re.compile("\r\n?")


_CHANGED = "the rewritten spec would not be the same; please report this, with the file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """The text of a rewritten spec, and how many comments it has no place for."""

    text: str
    lost_comments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Original:
    """A valid spec, its entries, and all of its comments."""

    spec: Spec
    root: Entry
    comments: Counter[str]


def format_spec(data: bytes, path: str) -> str:
    """The canonical form of a spec: YAML stays YAML, with its comments, and JSON JSON.

    It is its own canonical form. ``path`` is where the spec came from, for messages.

    Raises:
        SpecError: the spec isn't valid; the error has every problem, with places.
        FormatError: something in it can't be kept; the error has all that can't.
    """
    form = form_of(data)
    rewritten = rewrite_spec(data, path, form=form)
    if form is SpecFormat.JSON:
        _check_json(data, path)
    return rewritten.text


def rewrite_spec(
    data: bytes, path: str, *, form: SpecFormat, version: str | None = None
) -> Rewritten:
    """A spec in canonical form, as YAML or JSON, and with another version if asked for.

    Comments stay in YAML; JSON has none.

    Raises:
        SpecError: the spec isn't valid, or isn't with this version.
        FormatError: something in it other than comments can't be kept.
    """
    original = _read(data, path)
    spec = original.spec
    if version is not None:
        spec = replace(spec, cdi_version=version)
    arrange_document(original.root, spec)
    if form is SpecFormat.JSON:
        text = to_json(plain_of(original.root))
        _check(text, path, spec)
        return Rewritten(text=text, lost_comments=original.comments.total())
    text = to_blocks(original.root)
    _check(text, path, spec)
    if Counter(comments(text)) != original.comments:
        raise FormatError(path, [_lossy(_CHANGED)])
    return Rewritten(text=text, lost_comments=0)


def form_of(data: bytes) -> SpecFormat:
    """What a spec's text is in, whatever the name of its file is.

    Text with ``"`` behind a first ``{`` is meant as JSON, even if only YAML's rules
    make it valid.
    """
    text = data.decode(errors="replace").removeprefix("\ufeff")
    return SpecFormat.JSON if _LIKE_JSON.match(text) else SpecFormat.YAML


def _read(data: bytes, path: str) -> _Original:
    try:
        text = _CARRIAGE_RETURN.sub("\n", decode(data))
        loaded = parse_spec(data, path)
        whole = _json_outline(text) or outline(text)
    except MalformedError as error:
        raise SpecError(path, [error.problem]) from error
    problems = [*map(_repeated, loaded.warnings), *whole.problems]
    problems = [item for item in problems if item.rule == Rule.LOSSY_REWRITE]
    if problems:
        raise FormatError(path, in_order(problems))
    found = list(remarks(text)) if whole.boundaries else []
    attach(whole, found)
    return _Original(
        spec=loaded.spec,
        root=whole.root,
        comments=Counter(remark.text for remark in found if remark.text),
    )


def _json_outline(text: str) -> Outline | None:
    """The entries of a JSON text, which has no comments; None if it isn't JSON."""
    try:
        return Outline(root=entry_of(quick_json(text)), boundaries=(), problems=())
    except IrregularError:
        return None


def _repeated(warning: Problem) -> Problem:
    """A problem of a field that is there twice, as one that is in the way."""
    if warning.rule != Rule.REPEATED_FIELD:
        return warning
    message = f"{warning.message}; keep one of them"
    return replace(warning, rule=Rule.LOSSY_REWRITE, message=message)


def _check_json(data: bytes, path: str) -> None:
    """Raises: FormatError, if a valid spec is JSON by the rules of YAML alone."""
    try:
        json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        message = (
            f"it starts as JSON does, but here it isn't JSON ({error.msg.lower()}); "
            "mend that, or convert it to YAML"
        )
        item = replace(_lossy(message), line=error.lineno, column=error.colno)
        raise FormatError(path, [item]) from error


def _check(text: str, path: str, spec: Spec) -> None:
    """Make sure that a rewritten text has this spec in it.

    Raises:
        SpecError: it isn't valid, for its version is another one now.
        FormatError: it isn't the same, or is too large.
    """
    data = text.encode()
    if len(data) > MAX_FILE_SIZE:
        message = f"it would have over {MAX_FILE_SIZE} bytes, which nobody would read"
        raise FormatError(path, [Problem(rule=Rule.FILE_TOO_LARGE, message=message)])
    try:
        loaded = parse_spec(data, path)
    except SpecError as error:
        # Nobody knows the text that has these places.
        problems = [replace(item, line=None, column=None) for item in error.problems]
        raise SpecError(path, problems) from error
    if loaded.spec != spec:
        raise FormatError(path, [_lossy(_CHANGED)])


def _lossy(message: str) -> Problem:
    return Problem(rule=Rule.LOSSY_REWRITE, message=message)
