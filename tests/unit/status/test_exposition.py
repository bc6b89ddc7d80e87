from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nri_cdi.status import exposition

UNUSED = ("http.server", "socketserver", "urllib.request", "wsgiref.simple_server")


@pytest.fixture
def unloaded() -> Iterator[dict[str, ModuleType]]:
    """As in a process that has imported neither the library nor what it brings."""
    before = dict(sys.modules)
    for name in before:
        if name.startswith(exposition._PACKAGE) or name in (*UNUSED, "ssl"):
            del sys.modules[name]
    yield before
    for name in [name for name in sys.modules if name not in before]:
        del sys.modules[name]
    sys.modules.update(before)


@pytest.mark.usefixtures("unloaded")
def test_the_library_comes_without_servers() -> None:
    exposition.load()
    assert "prometheus_client.exposition" in sys.modules
    assert not {*UNUSED, "ssl"} & set(sys.modules)


@pytest.mark.usefixtures("unloaded")
def test_a_module_that_is_barred_stays_barred() -> None:
    sys.modules["ssl"] = None  # type: ignore[assignment]  # as nri-cdi run has it
    exposition.load()
    assert sys.modules["ssl"] is None
    with pytest.raises(ImportError):
        import ssl  # noqa: F401


def test_a_module_that_is_there_is_not_replaced(
    unloaded: dict[str, ModuleType],
) -> None:
    import socketserver

    exposition.load()
    assert sys.modules["socketserver"] is socketserver
    assert unloaded


@pytest.mark.usefixtures("unloaded")
def test_a_release_that_needs_more_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sys.modules["ssl"] = None  # type: ignore[assignment]  # as nri-cdi run has it

    def fails(self: object, name: str) -> object:
        raise AttributeError(name)

    monkeypatch.setattr(exposition._Placeholder, "__getattr__", fails)
    exposition.load()
    assert sys.modules["ssl"] is not None
    assert "http.server" in sys.modules


def test_to_load_it_again_does_nothing() -> None:
    exposition.load()
    loaded = sys.modules["prometheus_client"]
    exposition.load()
    assert sys.modules["prometheus_client"] is loaded


WORDS = st.sampled_from(
    [
        *("application/openmetrics-text", "text/plain", "*/*", "version=", "escaping="),
        *("q=", "allow-utf-8", "1.0.0", "0.0.4", "abc", "-1.0", "9" * 20, "x"),
        *(";", ",", "=", ".", " ", '"', "\xff"),
    ]
)


@given(st.lists(WORDS, max_size=12).map("".join))
@example("text/plain;x1.0;version=version=text/plain")
def test_there_is_a_format_whatever_a_client_accepts(accept: str) -> None:
    _, content_type = exposition.chosen_encoder(accept)
    assert content_type.startswith(("text/plain; ", "application/openmetrics-text; "))
    assert content_type.isascii()
    assert content_type.isprintable()
