"""The names of devices as a YAML list of strings, and nothing but that.

The text is untrusted and small. It is read event by event, and reading ends at the
first one that such a list can't have: no depth, no alias can make work of it.

Source: NRI plugins/device-injector, which reads ``[]string`` with sigs.k8s.io/yaml.
It differs in what that drops without a word: documents behind the first one. Values
that are no strings are refused, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from nri_cdi.cdi.events import MalformedError, malformed, open_events, value_of
from nri_cdi.cdi.events import position as place_of
from nri_cdi.cdi.names import parse_qualified_name
from nri_cdi.cdi.scalars import ScalarError, describe
from nri_cdi.errors import InvalidNameError
from nri_cdi.requests.names import MAX_NAMES, Names

MAX_LENGTH = 256 * 1024
"""Characters of a value. Source: Kubernetes, TotalAnnotationSizeLimitB, which holds for
all annotations of an object together."""

_WANTED = "it takes a YAML list of device names, such as [vendor/class=name]"


def yaml_list(value: str) -> Names:
    """The devices in a YAML list; none in an empty list, null, or no text at all.

    Raises: InvalidNameError, if it is anything else.
    """
    if len(value) > MAX_LENGTH:
        raise InvalidNameError(
            f"it has {len(value)} characters, and {MAX_LENGTH} are the most"
        )
    try:
        return list(islice(_devices(open_events(value)), MAX_NAMES + 1))
    except yaml.YAMLError as error:
        raise _unreadable(malformed(value, error)) from error
    except MalformedError as error:
        raise _unreadable(error) from error


def _devices(next_event: Callable[[], Any]) -> Iterator[str | InvalidNameError]:
    next_event()  # the start of the stream
    if isinstance(next_event(), StreamEndEvent):
        return
    root = next_event()
    if isinstance(root, SequenceStartEvent):
        while not isinstance(event := next_event(), SequenceEndEvent):
            yield _device(event)
    elif not isinstance(root, ScalarEvent) or _scalar(root) is not None:
        raise _at(root, f"{_WANTED}, and this is {_described(root)}")
    # The end of the document, and then of the stream.
    for end in (DocumentEndEvent, StreamEndEvent):
        if not isinstance(event := next_event(), end):
            raise _at(event, "there is a second document; put all names into one list")


def _device(event: Any) -> str | InvalidNameError:
    name = _scalar(event) if isinstance(event, ScalarEvent) else None
    if not isinstance(name, str):
        raise _at(event, f"a device name is a string, and this is {_described(event)}")
    try:
        return str(parse_qualified_name(name))
    except InvalidNameError as error:
        return _at(event, str(error))


def _scalar(event: ScalarEvent) -> object:
    """The value of a scalar.

    Raises: InvalidNameError.
    """
    try:
        return value_of(event)
    except ScalarError as error:
        raise _at(event, str(error)) from error


def _described(event: Event) -> str:
    if isinstance(event, AliasEvent):
        return "an alias"
    if isinstance(event, ScalarEvent):
        return describe(_scalar(event))
    return "a mapping" if isinstance(event, MappingStartEvent) else "a list"


def _at(event: Event, message: str) -> InvalidNameError:
    return _placed(*place_of(event), message)


def _unreadable(error: MalformedError) -> InvalidNameError:
    problem = error.problem
    return _placed(problem.line, problem.column, f"{_WANTED}; {problem.message}")


def _placed(line: int | None, column: int | None, message: str) -> InvalidNameError:
    place = "" if line is None else f"line {line}"
    place += "" if column is None else f", column {column}"
    return InvalidNameError(f"{place}: {message}" if place else message)
