"""Containers that come and go at a plugin, and how long its answers about them took."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.container import become_another, validation_of
from benchmarks.runtime import remove, timed_call_s, timed_validation_s
from nri_cdi.nri import api
from testbed.standin import Connection

US_PER_S = 1_000_000

BATCH = 25
"""Calls to one plugin before the next one has its turn."""

WARM_UP = 100


class Lives:
    """One container after the other at one plugin, each of another pod.

    With ``whole`` the runtime asks for validation too. The times of creation and
    validation are kept apart, in µs; how long it takes to hear that a container is gone
    is not measured.
    """

    def __init__(
        self,
        connection: Connection,
        request: api.CreateContainerRequest,
        expected: api.CreateContainerResponse,
        *,
        whole: bool = False,
    ) -> None:
        self.creations_us: list[float] = []
        self.validations_us: list[float] = []
        self._connection = connection
        self._request = api.CreateContainerRequest()
        self._request.CopyFrom(request)
        self._expected = expected
        self._whole = whole
        self._count = 0

    def forget(self) -> None:
        """Start with the times anew."""
        self.creations_us.clear()
        self.validations_us.clear()

    def live(self) -> None:
        """One container. Raises: AnswerError, AssertionError."""
        self._count += 1
        become_another(self._request, self._count)
        took = timed_call_s(self._connection, self._request, self._expected)
        self.creations_us.append(took * US_PER_S)
        if self._whole:
            validation = validation_of(self._request, self._expected)
            took = timed_validation_s(self._connection, validation)
            self.validations_us.append(took * US_PER_S)
        remove(self._connection, self._request)


def take_turns(all_lives: Iterable[Lives], samples: int) -> None:
    """So many containers at each plugin, a batch at a time, after some to warm up."""
    plugins = list(all_lives)
    for count in (WARM_UP, samples):
        for lives in plugins:
            lives.forget()
        for start in range(0, count, BATCH):
            for lives in plugins:
                for _ in range(min(BATCH, count - start)):
                    lives.live()
