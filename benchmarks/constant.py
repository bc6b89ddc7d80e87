"""``python -m benchmarks.constant SOCKET FILE``: a plugin that answers a constant.

It is made with `nri_cdi.nri`, as the real plugin is, and answers CreateContainer with
the message in FILE, whatever the request is.
"""

from __future__ import annotations

import sys
from pathlib import Path

from nri_cdi.nri import Plugin, api, run


class Constant(Plugin):
    """Answers with ``response``."""

    def __init__(self, response: api.CreateContainerResponse) -> None:
        super().__init__("constant")
        self._response = response

    def create_container(
        self, request: api.CreateContainerRequest
    ) -> api.CreateContainerResponse:
        return self._response


def main(socket_path: str, answer_path: str) -> None:
    """Serve the runtime behind the socket."""
    answer = Path(answer_path).read_bytes()
    run(Constant(api.CreateContainerResponse.FromString(answer)), socket_path)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
