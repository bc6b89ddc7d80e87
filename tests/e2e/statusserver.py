"""What a plugin serves of its status, over its socket or port, for tests."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from nri_cdi.address import LoopbackAddress, parse_address
from nri_cdi.status.client import fetch

SOON_S = 10
POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A plugin's status at ``address``."""

    address: str

    def get(self, path: str) -> tuple[int, str]:
        """The status code and the text of what is at ``path``."""
        status, body = fetch(parse_address(self.address), path)
        return status, body.decode()

    def state(self) -> Any:
        """``/status.json``."""
        status, text = self.get("/status.json")
        assert status == 200, text
        return json.loads(text)

    def page(self) -> str:
        status, text = self.get("/")
        assert status == 200, text
        return text

    def metrics(self) -> dict[tuple[str, tuple[str, ...]], float]:
        """The samples by name and values of labels."""
        status, text = self.get("/metrics")
        assert status == 200, text
        return {
            (sample.name, tuple(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def await_state(self, is_so: Callable[[Any], bool]) -> Any:
        """The first state for which it is so; the log of a request comes late."""
        deadline = time.monotonic() + SOON_S
        while not is_so(state := self.state()):
            assert time.monotonic() < deadline, state
            time.sleep(POLL_S)
        return state


def free_port() -> LoopbackAddress:
    """A port that nobody has a moment ago."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return LoopbackAddress(host="127.0.0.1", port=taken.getsockname()[1])
