"""The round trip of CreateContainer on an idle node, beside a constant answer's.

Three plugins take turns, over the same wire and with the same request: the real one;
one that is made with the same library and answers a constant, so that the ratio says
what to resolve devices costs; and, for comparison alone, a bare loop over a socket.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import specs
from benchmarks.container import create_request
from benchmarks.figures import Figure, percentile
from benchmarks.processes import (
    answer_command,
    fresh_folder,
    plugin_command,
    running,
)
from benchmarks.runtime import first_answer, timed_call_s
from benchmarks.sizes import Sizes
from nri_cdi.nri import api
from testbed.standin import Connection

# Source: the design, "Speed that must hold". It says nothing of the 90th percentile,
# which has the limit of the 99th.
LIMITS: Mapping[int, float] = {50: 1.4, 90: 2.0, 99: 2.0}
NAMES: Mapping[int, str] = {50: "median", 90: "90th percentile", 99: "99th percentile"}

OURS, CONSTANT, BARE = "nri-cdi", "constant", "bare"

US_PER_S = 1_000_000

BATCH = 25
"""Calls to one plugin before the next one has its turn."""

WARM_UP = 100


def measure(folder: Path, sizes: Sizes) -> Iterator[Figure]:
    """The round trips, as ratios and in µs."""
    trips = _trips_us(folder, sizes.round_trips)
    for percent, name in NAMES.items():
        ours, constant, bare = (
            percentile(trips[plugin], percent) for plugin in (OURS, CONSTANT, BARE)
        )
        limit = LIMITS[percent]
        yield Figure(
            name=f"round trip / that of a constant answer, {name}",
            value=ours / constant,
            unit="x",
            limit=limit,
        )
        yield Figure(
            name=f"round trip, {name}", value=ours, unit="µs", limit=limit * constant
        )
        yield Figure(
            name=f"round trip of a constant answer without a library, {name}",
            value=bare,
            unit="µs",
            limit=None,
        )


def _trips_us(folder: Path, samples: int) -> Mapping[str, Sequence[float]]:
    """The times of each plugin."""
    spec_dir = fresh_folder(folder, "specs")
    (spec_dir / "one.yaml").write_text(specs.to_yaml(specs.one_device()))
    request = create_request(specs.ONE_DEVICE)
    with ExitStack() as stack:
        own = fresh_folder(folder, OURS)
        plugin = stack.enter_context(running(plugin_command(own, spec_dir), own))
        answer = first_answer(plugin.connection, request)
        connections = {OURS: plugin.connection}
        for name in (CONSTANT, BARE):
            own = fresh_folder(folder, name)
            command = answer_command(name, own, answer.SerializeToString())
            connections[name] = stack.enter_context(running(command, own)).connection
        _take_turns(connections, request, answer, WARM_UP)
        return _take_turns(connections, request, answer, samples)


def _take_turns(
    connections: Mapping[str, Connection],
    request: api.CreateContainerRequest,
    answer: api.CreateContainerResponse,
    samples: int,
) -> Mapping[str, Sequence[float]]:
    trips: dict[str, list[float]] = {name: [] for name in connections}
    for start in range(0, samples, BATCH):
        for name, connection in connections.items():
            trips[name] += [
                timed_call_s(connection, request, answer) * US_PER_S
                for _ in range(min(BATCH, samples - start))
            ]
    return trips
