from __future__ import annotations

from pathlib import Path

import pytest

from demo.plugin import PluginError, running

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
OBEYS = 'trap "exit 4" TERM; echo synchronized; while :; do sleep 0.01; done'


def shell(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]


def test_a_plugin_is_ready_when_its_log_says_so(tmp_path: Path) -> None:
    with running(shell(OBEYS), tmp_path / "log", ENVIRONMENT) as plugin:
        plugin.wait_ready()
        assert plugin.log_text() == "synchronized\n"
        assert plugin.stop() == 4


def test_a_plugin_that_ends_is_an_error_with_its_log(tmp_path: Path) -> None:
    failing = shell("echo no socket; exit 3")
    with (
        running(failing, tmp_path / "log", ENVIRONMENT) as plugin,
        pytest.raises(
            PluginError, match=r"^nri-cdi ended with status 3:\nno socket\n$"
        ),
    ):
        plugin.wait_ready()


def test_a_plugin_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(PluginError, match=r"^can't start /no/such: No such file"),
        running(["/no/such"], tmp_path / "log", ENVIRONMENT),
    ):
        raise AssertionError
