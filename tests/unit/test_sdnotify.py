from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from nri_cdi.sdnotify import notify, watchdog_interval_s


@pytest.mark.parametrize("abstract", [False, True])
def test_the_service_manager_hears_each_line(tmp_path: Path, abstract: bool) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + path if abstract else path)
        environ = {"NOTIFY_SOCKET": "@" + path if abstract else path}
        assert notify(environ, "READY=1", "STATUS=ready")
        assert manager.recv(100) == b"READY=1\nSTATUS=ready"


@pytest.mark.parametrize("address", [None, "", "relative", "/nowhere/notify"])
def test_without_a_listener_nothing_happens(address: str | None) -> None:
    environ = {} if address is None else {"NOTIFY_SOCKET": address}
    assert not notify(environ, "READY=1")


@pytest.mark.parametrize("process", [{}, {"WATCHDOG_PID": str(os.getpid())}])
def test_the_watchdog_is_told_twice_in_its_time(process: dict[str, str]) -> None:
    assert watchdog_interval_s({"WATCHDOG_USEC": "30000000", **process}) == 15.0


@pytest.mark.parametrize("timeout", ["", "0", "-1", "1.5", "30s", "+5", "³", "٣", " 1"])
def test_what_is_no_time_is_no_watchdog(timeout: str) -> None:
    assert watchdog_interval_s({"WATCHDOG_USEC": timeout}) is None


def test_without_its_time_there_is_no_watchdog() -> None:
    assert watchdog_interval_s({"WATCHDOG_PID": str(os.getpid())}) is None


@pytest.mark.parametrize(
    "process",
    ["1", "", "nobody", f"{os.getpid()}0"],
    ids=["1", "none", "nobody", "one that begins alike"],
)
def test_the_watchdog_of_another_process_is_not_ours(process: str) -> None:
    environ = {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": process}
    assert watchdog_interval_s(environ) is None
