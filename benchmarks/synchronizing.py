"""Synchronize on a full node: a plugin that starts is told of all pods and containers.

Every pod has three containers, of which one holds a device of its own; some of those
were created without it. A message of NRI has 4 MiB at most, so there are several, and
the runtime waits for the answer to each. All of that is measured at its side, with a
plugin that has just started and may still be reading its specs.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks import specs
from benchmarks.container import (
    create_request,
    fill_container,
    fill_pod,
    rename_container,
    rename_pod,
)
from benchmarks.everything import RUNTIME, SUFFIX, command
from benchmarks.figures import Figure, median
from benchmarks.processes import fresh_folder, plugin_command, registering
from benchmarks.runtime import AnswerError
from benchmarks.sizes import Sizes
from nri_cdi.nri import api
from nri_cdi.requests import CONTAINER_KEY
from nri_cdi.ttrpc.calls import MAX_PAYLOAD
from testbed.standin import Connection

LIMIT_MS = 1000.0
"""Source: issue 4, "Speed"."""

MS_PER_S = 1_000

CONTAINERS = ("main", "proxy", "logs")
"""Of each pod. The first holds a device."""

LACKING = 50
"""One in so many holders was created while no plugin was connected."""

# Around the payload: what a request of ttrpc says besides, and the last field of this.
MESSAGE_OVERHEAD = 1024
# Around each object: the tag and the length of a field of protobuf.
OBJECT_OVERHEAD = 5


def measure(folder: Path, sizes: Sizes) -> Iterator[Figure]:
    """The time of all messages together: the median, and the slowest."""
    spec_dir = fresh_folder(folder, "specs")
    specs.write_split(spec_dir, 1, sizes.pods)
    pods = [_pod(number) for number in range(sizes.pods)]
    containers = [_container(pod, name) for pod in pods for name in CONTAINERS]
    messages = list(split(pods, containers))
    what = f"Synchronize of {len(pods)} pods and {len(containers)} containers"
    for which in ("", f" {SUFFIX}"):
        own = fresh_folder(folder, "on" if which else "plain")
        times_ms = [
            _synchronization_s(
                fresh_folder(own, str(number)), spec_dir, messages, which
            )
            * MS_PER_S
            for number in range(sizes.synchronizations)
        ]
        for name, value, limit in (
            ("median", median(times_ms), None),
            ("slowest", max(times_ms), LIMIT_MS),
        ):
            yield Figure(
                name=f"{what}{which}, {name}", value=value, unit="ms", limit=limit
            )


def split(
    pods: Iterable[api.PodSandbox],
    containers: Iterable[api.Container],
    most: int = MAX_PAYLOAD - MESSAGE_OVERHEAD,
) -> Iterator[api.SynchronizeRequest]:
    """The messages that tell of all, of ``most`` bytes each, in the runtime's way."""
    message, size = api.SynchronizeRequest(), 0
    objects: tuple[api.PodSandbox | api.Container, ...] = (*pods, *containers)
    for each in objects:
        added = each.ByteSize() + OBJECT_OVERHEAD
        if size + added > most:
            message.more = True
            yield message
            message, size = api.SynchronizeRequest(), 0
        size += added
        if isinstance(each, api.Container):
            message.containers.append(each)
        else:
            message.pods.append(each)
    yield message


def _synchronization_s(
    folder: Path, spec_dir: Path, messages: Sequence[api.SynchronizeRequest], which: str
) -> float:
    """From the first message until the answer to the last.

    Raises: AnswerError if an answer isn't what it should be.
    """
    start = command if which else plugin_command
    with registering(start(folder, spec_dir), folder) as (_, connection):
        connection.await_registration()
        connection.call("Configure", RUNTIME)
        started = time.perf_counter()
        for message in messages:
            response = connection.call("Synchronize", message)
            answer = api.SynchronizeResponse.FromString(response.payload)
            if response.status is not None or answer.more != message.more:
                raise AnswerError(f"Synchronize: {response.status or answer}")
        took = time.perf_counter() - started
        if which:
            _check_holders(connection)
        return took


def _check_holders(connection: Connection) -> None:
    """That the plugin has learned who holds what.

    Raises: AnswerError if it gives away what is held.
    """
    request = create_request(specs.many_device(1))
    response = connection.call("CreateContainer", request)
    if response.status is None or "pod research/" not in response.status.message:
        raise AnswerError(f"an exclusive device that is held: {response.status}")


def _pod(number: int) -> api.PodSandbox:
    pod = api.PodSandbox()
    fill_pod(pod)
    rename_pod(pod, number)
    pod.annotations[CONTAINER_KEY + CONTAINERS[0]] = specs.many_device(number)
    return pod


def _container(pod: api.PodSandbox, name: str) -> api.Container:
    """A container of a pod, with its device if it should and does have one."""
    pod_number, place = int(pod.id, 16), CONTAINERS.index(name)
    container = api.Container()
    fill_container(container)
    rename_container(container, pod.id, pod_number * len(CONTAINERS) + place)
    container.name = name
    container.state = api.CONTAINER_RUNNING
    if place == 0 and pod_number % LACKING:
        specs.add_many_device(container, pod_number)
    return container
