"""prometheus_client without the servers and the pushing that come with it.

Its module for the text formats imports HTTP servers, an HTTP client and TLS, none of
which we use: 7 MB, where all of the plugin is to have 32. While it is imported,
placeholders stand for these. The reason in full is in docs/decisions.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

Encoder: TypeAlias = "Callable[[Collector], bytes]"

_PACKAGE = "prometheus_client"

_UNUSED = (
    "gzip",
    "http.server",
    "socketserver",
    "ssl",
    "urllib.error",
    "urllib.request",
    "wsgiref.simple_server",
)


class _Placeholder(ModuleType):
    """Has a class of every name: enough to inherit from, and to annotate with."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = type(name, (), {})
        setattr(self, name, made)
        return made


def chosen_encoder(accept: str) -> tuple[Encoder, str]:
    """What writes the text that a client accepts, and the content type of that.

    Source: the library's own servers choose in the same way.
    """
    load()
    exposition: Any = import_module(f"{_PACKAGE}.exposition")
    try:
        encoder, content_type = exposition.choose_encoder(accept)
    except (TypeError, ValueError):
        # It compares versions, and a client may have sent one that is none.
        encoder, content_type = exposition.choose_encoder("")
    return encoder, content_type


def load() -> None:
    """Import the library, if that has not been done; takes some 10 ms."""
    if _PACKAGE in sys.modules:
        return
    try:
        with _placeholders():
            import_module(_PACKAGE)
    except (ImportError, TypeError, AttributeError):
        # A later release may do more with them. Then it takes its memory.
        _forget()
        with _real_modules():
            import_module(_PACKAGE)


@contextmanager
def _placeholders() -> Iterator[None]:
    """Have placeholders for what nobody has imported before."""
    missing = [name for name in _UNUSED if sys.modules.get(name) is None]
    before = {name: sys.modules[name] for name in missing if name in sys.modules}
    for name in missing:
        sys.modules[name] = _Placeholder(name)
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]
        sys.modules.update(before)


@contextmanager
def _real_modules() -> Iterator[None]:
    """Let ``ssl`` be imported, which the plugin does without otherwise."""
    barred = sys.modules.get("ssl", ModuleType("ssl")) is None
    if barred:
        del sys.modules["ssl"]
    yield


def _forget() -> None:
    for name in list(sys.modules):
        if name == _PACKAGE or name.startswith(f"{_PACKAGE}."):
            del sys.modules[name]
