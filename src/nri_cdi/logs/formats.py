"""How a log record becomes one line: as text, or as a JSON object.

Whatever a name from a pod or a file has in it, a line stays one line, of bounded
length, free of control characters; and a line of JSON stays JSON.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any

# Bytes of a line. Names in it come from pods and files. The kubelet's log has 16 KiB a
# line, syslog as most have it 8 KiB, the journal 48 KiB.
LINE_LIMIT = 8192

# Characters of a traceback; what is left out is its beginning, as its end has the
# exception.
TRACEBACK_LIMIT = 4096

# sd-daemon(3): the priority of a line, by logging's level.
_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG_PRIORITY = 7

# Characters of a text, and items of a list. A line of JSON that is too long is made
# again with fewer, until it fits. The last fits some fifteen fields, whatever they are.
_CLIPPED = ((LINE_LIMIT, LINE_LIMIT), (2048, 32), (512, 8), (128, 2), (32, 1))

FACTS = "facts"
"""The attribute of a record with what it tells, by name; see `JsonFormatter`."""


class LineFormatter(logging.Formatter):
    """One line a record: its time and level, or its priority, and the text.

    Line breaks within a message become visible escapes, so that nobody can forge a line
    through a name that gets logged.
    """

    def __init__(self, *, journal: bool) -> None:
        """``journal`` says whether the reader takes time and level by other means."""
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + _traceback(self, record)
        if not self._journal:
            text = f"{self.formatTime(record)} {record.levelname} {text}"
        prefix = _prefix(record.levelno) if self._journal else ""
        return prefix + _one_line(text)


class JsonFormatter(logging.Formatter):
    """One JSON object a record.

    It has ``time`` (RFC 3339, UTC, milliseconds), ``level``, ``logger`` and
    ``message``, then the record's ``facts``, if any, then ``exception``. Facts are a
    mapping of names to texts, numbers and lists, given to the call that logs as
    ``extra={"facts": {...}}``.
    """

    def __init__(self, *, journal: bool) -> None:
        """``journal`` says whether each line has its priority in front."""
        super().__init__()
        self._prefixed = journal

    def format(self, record: logging.LogRecord) -> str:
        prefix = _prefix(record.levelno) if self._prefixed else ""
        fields = self._fields(record)
        for most, items in _CLIPPED:
            text = _dumped(_clipped(fields, most, items))
            if text is not None:
                return prefix + text
        raise ValueError(f"a record has {len(fields)} facts, which is too many")

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "time": _rfc3339(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name, value in getattr(record, FACTS, {}).items():
            fields.setdefault(name, value)
        if record.exc_info:
            fields.setdefault("exception", _traceback(self, record))
        return fields


def priority(level: int) -> int:
    """The priority of syslog(3) and the journal for one of logging's levels."""
    for threshold, number in _PRIORITIES:
        if level >= threshold:
            return number
    return _DEBUG_PRIORITY


def _prefix(level: int) -> str:
    return f"<{priority(level)}>"


def _rfc3339(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03}Z"


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    assert record.exc_info, "asked for without an exception"
    text = formatter.formatException(record.exc_info)
    if len(text) <= TRACEBACK_LIMIT:
        return text
    return f"({len(text)} characters) …{text[-TRACEBACK_LIMIT:]}"


def _one_line(text: str) -> str:
    """The text without line breaks and control characters, and not too long."""
    shown = text[:LINE_LIMIT]
    if not shown.isprintable():
        shown = "".join([c if c.isprintable() else repr(c)[1:-1] for c in shown])
    data = shown.encode()
    if len(text) <= LINE_LIMIT and len(data) <= LINE_LIMIT:
        return shown
    return f"{data[:LINE_LIMIT].decode(errors='ignore')}… ({len(text)} characters)"


def _dumped(fields: Mapping[str, Any]) -> str | None:
    """The object on one line, letters of all scripts as they are; None if too long.

    What is no letter is escaped, as it could be more than that to a terminal. It stands
    in strings only: all that JSON has around them is printable.

    Raises: ValueError, for a number that JSON doesn't have.
    """
    # To make a long one only to see that it is long would take seconds.
    if _characters(fields.values()) > LINE_LIMIT:
        return None
    text = json.dumps(fields, ensure_ascii=False, allow_nan=False, default=str)
    if not text.isprintable():
        text = "".join([c if c.isprintable() else _escaped(c) for c in text])
    return text if len(text.encode()) <= LINE_LIMIT else None


def _characters(values: Iterable[Any]) -> int:
    return sum(
        len(value) if isinstance(value, str) else _characters(value)
        for value in values
        if isinstance(value, str | list | tuple)
    )


def _escaped(character: str) -> str:
    if "\ud800" <= character <= "\udfff":
        # Half a character is no text to a strict reader, so it is told of in words.
        return "\\" + repr(character)[1:-1]
    return json.dumps(character)[1:-1]


def _clipped(fields: Mapping[str, Any], most: int, items: int) -> dict[str, Any]:
    """The fields, texts of ``most`` characters, and lists of so many items."""
    return {name: _clipped_value(each, most, items) for name, each in fields.items()}


def _clipped_value(value: Any, most: int, items: int) -> Any:
    if isinstance(value, list | tuple):
        more = [f"and {len(value) - items} more"] if len(value) > items else []
        return [_clipped_value(each, most, items) for each in value[:items]] + more
    if isinstance(value, str) and len(value) > most:
        return f"{value[:most]}… ({len(value)} characters)"
    return value
