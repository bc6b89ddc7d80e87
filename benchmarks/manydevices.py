"""The round trip for a pod whose annotation names many devices.

Beside it stands that of a constant answer of the same size: the wire's share, which the
plugin can do nothing about. Pods of one workload ask for the same devices; that another
asks for others each time is measured too.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import specs
from benchmarks.container import ANNOTATION, become_another, create_request
from benchmarks.everything import RUNTIME, SUFFIX, running_everything
from benchmarks.figures import Figure, percentile
from benchmarks.lives import US_PER_S, Lives, take_turns
from benchmarks.processes import (
    Running,
    answer_command,
    fresh_folder,
    plugin_command,
    running,
)
from benchmarks.runtime import PAUSE_S, AnswerError, first_answer, remove
from benchmarks.sizes import Sizes

LIMIT_MS = 1.0
"""At the median. Source: issue 4, "Speed"."""

US_PER_MS = 1_000


def measure(folder: Path, sizes: Sizes) -> Iterator[Figure]:
    """The round trips, with the plugin at its defaults and with everything on."""
    for which, (trips_us, limit) in _trips(folder, sizes).items():
        for name, percent, most in (
            ("median", 50, limit),
            ("99th percentile", 99, None),
        ):
            yield Figure(
                name=f"round trip for {sizes.wanted} devices{which}, {name}",
                value=percentile(trips_us, percent) / US_PER_MS,
                unit="ms",
                limit=most,
            )


def _trips(
    folder: Path, sizes: Sizes
) -> Mapping[str, tuple[Sequence[float], float | None]]:
    """The times in µs, each with the limit of its median in ms, by what they are of."""
    spec_dir = fresh_folder(folder, "specs")
    text = specs.to_yaml(specs.host_devices(range(_defined(sizes))))
    (spec_dir / "many.yaml").write_text(text)
    request = create_request(_names(range(sizes.wanted)))
    with ExitStack() as stack:
        own = fresh_folder(folder, "plain")
        plain = stack.enter_context(running(plugin_command(own, spec_dir), own))
        answer = first_answer(plain.connection, request)
        own = fresh_folder(folder, "on")
        on = stack.enter_context(running_everything(own, spec_dir))
        full = first_answer(on.connection, request)
        remove(on.connection, request)
        own = fresh_folder(folder, "constant")
        command = answer_command("constant", own, full.SerializeToString())
        constant = stack.enter_context(running(command, own, RUNTIME))
        lives = (
            Lives(plain.connection, request, answer),
            Lives(on.connection, request, full, whole=True),
            Lives(constant.connection, request, full),
        )
        take_turns(lives, sizes.wide_round_trips)
        plain_us, on_us, constant_us = (each.creations_us for each in lives)
        return {
            "": (plain_us, LIMIT_MS),
            f" {SUFFIX}": (on_us, LIMIT_MS),
            f" {SUFFIX}, others each time": (_others_us(on, sizes), None),
            " of a constant answer": (constant_us, None),
        }


def _others_us(plugin: Running, sizes: Sizes) -> list[float]:
    """Round trips of pods that each ask for other devices, in another order.

    Raises: AnswerError if a container gets more or fewer.
    """
    request = create_request("")
    trips = []
    for number in range(sizes.wide_round_trips):
        become_another(request, number)
        choice = random.Random(number)  # noqa: S311 (a sample, not a secret)
        numbers = choice.sample(range(_defined(sizes)), sizes.wanted)
        request.pod.annotations[ANNOTATION] = _names(numbers)
        time.sleep(PAUSE_S)
        started = time.perf_counter()
        answer = plugin.connection.create_container(request)
        trips.append((time.perf_counter() - started) * US_PER_S)
        if len(answer.adjust.linux.devices) != sizes.wanted:
            raise AnswerError(f"unexpected answer: {answer}")
        remove(plugin.connection, request)
    return trips


def _defined(sizes: Sizes) -> int:
    """Devices in the spec: as many again as a pod asks for."""
    return 2 * sizes.wanted


def _names(numbers: Iterable[int]) -> str:
    """An annotation's value."""
    return ", ".join(map(specs.many_device, numbers))
