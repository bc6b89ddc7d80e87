"""What the command line says to who started it."""

from __future__ import annotations

import pytest

from nri_cdi.cli.process import launched, say


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("one", "nri-cdi: one\n"),
        ("one\ntwo", "nri-cdi: one\nnri-cdi: two\n"),
        ("a\x1b[2Jb\rc\x0bd", "nri-cdi: a\\x1b[2Jb\\rc\\x0bd\n"),
    ],
)
def test_messages_go_to_stderr_and_are_harmless(
    message: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    say(message)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", expected)


def test_a_runtime_launches_with_a_socket() -> None:
    assert launched({"NRI_PLUGIN_SOCKET": "3"})
    assert not launched({"PATH": "/bin"})
