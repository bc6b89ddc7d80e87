from __future__ import annotations

import socket
from pathlib import Path

import pytest

from nri_cdi.sdnotify import notify


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
