"""The round trip of CreateContainer on an idle node, beside a constant answer's.

The real plugin takes turns, over the same wire and with the same request, with one that
is made with the same library and gives the same answer as a constant, so that the ratio
says what to resolve devices costs; and, for comparison alone, with a bare loop over a
socket. That is done with the plugin at its defaults, and with everything on. Then there
is a second round trip for each container, its validation, with the limits of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import specs
from benchmarks.apart import apart
from benchmarks.awake import awake
from benchmarks.container import create_request
from benchmarks.everything import (
    GOVERNED,
    GOVERNED_SUFFIX,
    RUNTIME,
    SUFFIX,
    request_by_annotation_and_variable,
    running_everything,
)
from benchmarks.figures import Figure, percentile
from benchmarks.lives import Lives, take_turns
from benchmarks.processes import (
    answer_command,
    fresh_folder,
    plugin_command,
    running,
)
from benchmarks.runtime import first_answer, remove
from benchmarks.sizes import Sizes

# Source: the design, "Speed that must hold". It says nothing of the 90th percentile,
# which has the limit of the 99th.
LIMITS: Mapping[int, float] = {50: 1.4, 90: 2.0, 99: 2.0}
NAMES: Mapping[int, str] = {50: "median", 90: "90th percentile", 99: "99th percentile"}

OURS, CONSTANT, BARE = "nri-cdi", "constant", "bare"


def measure(folder: Path, sizes: Sizes) -> Iterator[Figure]:
    """The round trips, as ratios and in µs."""
    with awake(), apart() as put_apart:
        yield from _measured(folder, sizes, put_apart)


def _measured(
    folder: Path, sizes: Sizes, put_apart: Callable[[int], None]
) -> Iterator[Figure]:
    spec_dir = fresh_folder(folder, "specs")
    (spec_dir / "one.yaml").write_text(specs.to_yaml(specs.one_device()))
    own = fresh_folder(folder, "plain")
    lives = _plain(own, spec_dir, sizes.round_trips, put_apart)
    ours, constant = lives[OURS], lives[CONSTANT]
    yield from _against("round trip", ours.creations_us, constant.creations_us)
    for percent, name in NAMES.items():
        yield Figure(
            name=f"round trip of a constant answer without a library, {name}",
            value=percentile(lives[BARE].creations_us, percent),
            unit="µs",
            limit=None,
        )
    for only, suffix in ((GOVERNED, GOVERNED_SUFFIX), ((), SUFFIX)):
        own = fresh_folder(folder, "governed" if only else "on")
        lives = _everything(own, spec_dir, sizes.round_trips, only, put_apart)
        ours, constant = lives[OURS], lives[CONSTANT]
        for what, us, base in (
            ("round trip", ours.creations_us, constant.creations_us),
            ("validation", ours.validations_us, constant.validations_us),
        ):
            yield from _against(f"{what} {suffix}", us, base)


def _against(
    what: str, ours: Sequence[float], constant: Sequence[float]
) -> Iterator[Figure]:
    """Times of ours beside those of the constant answer."""
    for percent, name in NAMES.items():
        own, base = percentile(ours, percent), percentile(constant, percent)
        limit = LIMITS[percent]
        yield Figure(
            name=f"{what} / that of a constant answer, {name}",
            value=own / base,
            unit="x",
            limit=limit,
        )
        yield Figure(name=f"{what}, {name}", value=own, unit="µs", limit=limit * base)


def _plain(
    folder: Path, spec_dir: Path, samples: int, put_apart: Callable[[int], None]
) -> Mapping[str, Lives]:
    """The plugin at its defaults, and both constants."""
    request = create_request(specs.ONE_DEVICE)
    with ExitStack() as stack:
        own = fresh_folder(folder, OURS)
        plugin = stack.enter_context(running(plugin_command(own, spec_dir), own))
        put_apart(plugin.pid)
        answer = first_answer(plugin.connection, request)
        lives = {OURS: Lives(plugin.connection, request, answer)}
        for name in (CONSTANT, BARE):
            own = fresh_folder(folder, name)
            command = answer_command(name, own, answer.SerializeToString())
            constant = stack.enter_context(running(command, own))
            put_apart(constant.pid)
            lives[name] = Lives(constant.connection, request, answer)
        take_turns(lives.values(), samples)
    return lives


def _everything(
    folder: Path,
    spec_dir: Path,
    samples: int,
    only: Collection[str],
    put_apart: Callable[[int], None],
) -> Mapping[str, Lives]:
    """The plugin with everything on, and a constant that a newer runtime asks as well.

    Or with ``only`` some settings. The runtime being newer, there is more in the
    answer.
    """
    request = (
        create_request(specs.ONE_DEVICE)
        if only
        else request_by_annotation_and_variable(specs.ONE_NAME)
    )
    with ExitStack() as stack:
        own = fresh_folder(folder, OURS)
        plugin = stack.enter_context(running_everything(own, spec_dir, only))
        answer = first_answer(plugin.connection, request)
        remove(plugin.connection, request)
        own = fresh_folder(folder, CONSTANT)
        command = answer_command(CONSTANT, own, answer.SerializeToString())
        constant = stack.enter_context(running(command, own, RUNTIME))
        put_apart(plugin.pid)
        put_apart(constant.pid)
        lives = {
            OURS: Lives(plugin.connection, request, answer, whole=True),
            CONSTANT: Lives(constant.connection, request, answer, whole=True),
        }
        take_turns(lives.values(), samples)
    return lives
