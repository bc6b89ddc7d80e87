"""The runtime's part: calls about containers, one after the other, with their times.

The stand-in does with a request what a runtime does: it marshals a message of the
protocol, frames it, and unmarshals the answer. All of that is in a time. For NRI's own
adaptation it is most of the time: with a constant answer, 76 µs.
"""

from __future__ import annotations

import time

from benchmarks.processes import BenchmarkError
from nri_cdi.nri import api
from testbed.standin import Connection

PAUSE_S = 0.0015
"""Before each call. A runtime has other things to do between two containers: a plugin
is always asleep when a call comes."""

SERVING_S = 20
POLL_S = 0.02


class AnswerError(BenchmarkError):
    """A plugin's answer is not what it should be."""


def timed_call_s(
    connection: Connection,
    request: api.CreateContainerRequest,
    expected: api.CreateContainerResponse,
) -> float:
    """The time until the answer is there, after a pause.

    Raises: AnswerError if it isn't ``expected``; AssertionError if it is an error.
    """
    time.sleep(PAUSE_S)
    started = time.perf_counter()
    answer = connection.create_container(request)
    took = time.perf_counter() - started
    if answer != expected:
        raise AnswerError(f"unexpected answer: {answer}")
    return took


def timed_validation_s(
    connection: Connection, request: api.ValidateContainerAdjustmentRequest
) -> float:
    """The time until a container is accepted, after a pause.

    Raises: AnswerError if it is rejected.
    """
    time.sleep(PAUSE_S)
    started = time.perf_counter()
    response = connection.call("ValidateContainerAdjustment", request)
    answer = api.ValidateContainerAdjustmentResponse.FromString(response.payload)
    took = time.perf_counter() - started
    if response.status is not None or answer.reject:
        raise AnswerError(f"rejected: {response.status or answer.reason}")
    return took


def remove(connection: Connection, request: api.CreateContainerRequest) -> None:
    """Say that the container is gone, in the way of NRI 0.12 and later.

    Raises: AnswerError if the plugin objects.
    """
    removal = api.RemoveContainerRequest(pod=request.pod, container=request.container)
    response = connection.call("RemoveContainer", removal)
    if response.status is not None:
        raise AnswerError(f"RemoveContainer: {response.status}")


def first_answer(
    connection: Connection, request: api.CreateContainerRequest
) -> api.CreateContainerResponse:
    """Call until the answer is no error: at its start a plugin may be reading specs.

    Raises: AnswerError if there is none in `SERVING_S`.
    """
    deadline = time.monotonic() + SERVING_S
    while True:
        response = connection.call("CreateContainer", request)
        if response.status is None:
            return api.CreateContainerResponse.FromString(response.payload)
        if time.monotonic() > deadline:
            raise AnswerError(f"still refused after {SERVING_S} s: {response.status}")
        time.sleep(POLL_S)
