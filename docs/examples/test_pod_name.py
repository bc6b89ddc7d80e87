"""The plugin of pod_name.py, asked by a stand-in for a runtime."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from testbed.standin import StandIn, container_request

PLUGIN = Path(__file__).with_name("pod_name.py")


def test_containers_get_the_name_of_their_pod(tmp_path: Path) -> None:
    socket = str(tmp_path / "nri.sock")
    with StandIn(socket) as runtime:
        plugin = subprocess.Popen([sys.executable, PLUGIN, socket])  # noqa: S603
        try:
            with runtime.accept() as connection:
                connection.start()
                request = container_request({}, pod="web-1")
                answer = connection.create_container(request)
                assert [(v.key, v.value) for v in answer.adjust.env] == [
                    ("POD_NAME", "web-1")
                ]
        finally:
            plugin.terminate()
            assert plugin.wait() == 0
