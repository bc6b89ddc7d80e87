"""``python -m nri_cdi``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator

import pytest

from nri_cdi import __version__
from nri_cdi.__main__ import main


@pytest.fixture(autouse=True)
def interrupts() -> Iterator[None]:
    handler = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN])
def test_it_is_the_command_line_with_the_interrupts_as_they_were(
    handler: signal.Handlers,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    signal.signal(signal.SIGINT, handler)
    monkeypatch.setattr(sys, "argv", ["nri-cdi", "--version"])
    with pytest.raises(SystemExit) as exited:
        main()
    assert exited.value.code == 0
    assert capsys.readouterr().out == f"nri-cdi {__version__}\n"
    assert signal.getsignal(signal.SIGINT) is handler
