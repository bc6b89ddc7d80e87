"""Docker and podman, and our own injection: the same container from the same specs.

Debian's engines vendor CDI libraries that are older than the reference we follow. They
append variables, so we do (``--env append``); the rest is in `Habits`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.containerd import Containerd
from testbed.engine import EngineError
from tests.e2e import specs
from tests.e2e.conftest import RUNTIMES
from tests.e2e.enginecases import CASES, HOST, PROBE, Case, furnish
from tests.e2e.engines import (
    ENGINES,
    KNOWN_HABITS,
    OURS,
    Comparison,
    Habits,
    differences,
)
from tests.e2e.leftovers import Leftovers
from tests.e2e.test_nvidia import RECORDED, generated, recorded
from tests.e2e.test_nvidia import furnish as furnish_card

NVIDIA = "nvidia.com/gpu=0"
MOCK = RECORDED.with_name("mock.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request that nobody can fulfil, and a part of what engines and we say to it."""

    id: str
    devices: dict[str, specs.Edits]
    name: str = "one"
    theirs: str
    ours: str

    @property
    def case(self) -> Case:
        return Case(id=self.id, devices=self.devices, names=(self.name,))


def nodes(*nodes: dict[str, Any]) -> specs.Edits:
    return {"env": ["LEFT=out"], "deviceNodes": list(nodes)}


REFUSALS = (
    Refusal(
        id="no such device",
        devices={"one": specs.env(ONE="1")},
        name="two",
        theirs="unresolvable CDI devices no-such-device.test/device=two",
        ours="'no-such-device.test/device=two' is in no spec (known: one)",
    ),
    Refusal(
        id="no such vendor",
        devices={"one": specs.env(ONE="1")},
        name="nobody.test/device=one",
        theirs="unresolvable CDI devices nobody.test/device=one",
        ours="'nobody.test/device=one' is in no spec, nor is its kind",
    ),
    Refusal(
        id="a node that is missing",
        devices={"one": nodes({"path": "/dev/one", "hostPath": f"{HOST}/none"})},
        theirs='failed to stat CDI host device "HOST/none"',
        ours="device node '/dev/one': host path 'HOST/none': no such file or directory",
    ),
    Refusal(
        id="a node that is a socket",
        devices={"one": nodes({"path": f"{HOST}/socket"})},
        theirs='failed to stat CDI host device "HOST/socket": not a device node',
        ours="device node 'HOST/socket': host path 'HOST/socket': not a device node",
    ),
    Refusal(
        id="a node that is a symbolic link",
        devices={"one": nodes({"path": "/dev/one", "hostPath": f"{HOST}/link"})},
        theirs='failed to stat CDI host device "HOST/link": not a device node',
        ours="device node '/dev/one': host path 'HOST/link': not a device node",
    ),
    Refusal(
        id="a node of another type",
        devices={
            "one": nodes(
                {"path": "/dev/one", "hostPath": f"{HOST}/null"},
                {"path": "/dev/two", "hostPath": f"{HOST}/null", "type": "b"},
            )
        },
        theirs='CDI device ("/dev/two", "HOST/null"), host type mismatch (b, c)',
        ours="deviceNodes[1]: device node '/dev/two': host path 'HOST/null': "
        "it is of type c on the host, not b",
    ),
    Refusal(
        id="a device of a broken spec",
        devices={"one": nodes({"path": "/dev/one", "type": "x"})},
        theirs="unresolvable CDI devices a-device-of-a-broken-spec.test/device=one",
        ours="devices[0].containerEdits.deviceNodes[0].type: "
        "device type 'x' is not b, c, u or p",
    ),
)


@pytest.fixture(scope="module")
def home(leftovers: Leftovers) -> Iterator[Containerd]:
    """What Docker runs its containers in, and where all that engines need is kept."""
    with Containerd() as containerd:
        leftovers.watch(containerd.run_dir)
        yield containerd


@pytest.fixture(scope="module")
def host(home: Containerd) -> Path:
    """A folder with the nodes and files of all specs."""
    path = home.run_dir / "host"
    path.mkdir()
    furnish(path)
    return path


@pytest.fixture(scope="module")
def card(host: Path) -> dict[str, Any]:
    """The spec of a graphics card, the recorded one where it is there."""
    spec = (recorded if RECORDED.exists() else generated)()
    furnish_card(spec, host / "card", Path("/bin/true"))
    return spec


@pytest.fixture(
    scope="module", params=ENGINES, ids=lambda kind: str(kind.__name__).lower()
)
def comparison(
    request: pytest.FixtureRequest,
    home: Containerd,
    host: Path,
    card: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Comparison]:
    """An engine that runs, and has had all specs from the start."""
    engine = request.param(home)
    refused = [each.case for each in REFUSALS]
    for case in (PROBE, *CASES, *refused):
        file = engine.cdi_spec_dir / f"{case.kind.replace('/', '-')}.json"
        specs.write(file, case.spec(host))
    if MOCK.exists():
        shutil.copy(MOCK, engine.cdi_spec_dir)
    (engine.cdi_spec_dir / "nvidia.yaml").write_text(yaml.safe_dump(card))
    with engine:
        comparison = Comparison(engine, tmp_path_factory.mktemp("injected"))
        request.config.stash[RUNTIMES].append(comparison.name)
        yield comparison


def test_an_engine_has_the_habits_that_are_known_of_it_or_ours(
    comparison: Comparison,
) -> None:
    engine = comparison.name.partition(" ")[0]
    [release] = [each for each in KNOWN_HABITS if each.startswith(f"{engine} ")]
    known = KNOWN_HABITS[release]
    if comparison.name.startswith(release):
        assert comparison.habits == known
    # A later release comes with a later CDI library, whose newest is what we equal.
    for field in fields(Habits):
        habit = getattr(comparison.habits, field.name)
        assert habit in (getattr(known, field.name), getattr(OURS, field.name))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id.replace(" ", "-"))
def test_an_engine_and_we_make_the_same_container(
    comparison: Comparison, case: Case
) -> None:
    ours, theirs = comparison.ours(case), comparison.theirs(case)

    known = comparison.known_differences(case, ours)
    assert differences(ours, theirs) == known


def test_a_graphics_card_is_the_same_for_an_engine_and_us(
    comparison: Comparison, card: dict[str, Any]
) -> None:
    edits = [card["containerEdits"], card["devices"][0]["containerEdits"]]
    paths = [node["path"] for each in edits for node in each["deviceNodes"]]
    case = Case(
        id="card",
        devices={"0": edits[1]},
        edits=edits[0],
        names=(NVIDIA,),
        modes=dict.fromkeys(paths, specs.NODE_MODE),
    )

    ours, theirs = comparison.ours(case), comparison.theirs(case)

    assert len(theirs["mounts"]) > 30
    known = comparison.known_differences(case, ours)
    assert differences(ours, theirs) == known


def test_a_device_asked_for_twice_has_its_hooks_twice_in_an_engine_alone(
    comparison: Comparison,
) -> None:
    name = "every-kind-of-edit.test/device=one"
    base = comparison.base(Case(id="none", devices={}))

    once, twice = comparison.run(name), comparison.run(name, name)
    ours = comparison.inject(base.config, name, name)

    assert ours.stdout == comparison.inject(base.config, name).stdout
    hooks = once.config["hooks"]["createContainer"]
    assert twice.config["hooks"]["createContainer"] == hooks * 2


@pytest.mark.parametrize(
    "refusal", REFUSALS, ids=lambda each: each.id.replace(" ", "-")
)
def test_an_engine_and_we_refuse_the_same(
    comparison: Comparison, host: Path, refusal: Refusal
) -> None:
    base = comparison.base(refusal.case)
    with pytest.raises(EngineError) as error:
        comparison.run(*refusal.case.requested)

    ours = comparison.inject(base.config, *refusal.case.requested)

    assert refusal.theirs.replace(HOST, str(host)) in str(error.value)
    assert (ours.returncode, ours.stdout) == (1, "")
    (line,) = ours.stderr.splitlines()
    assert refusal.ours.replace(HOST, str(host)) in line


@pytest.mark.skipif(not MOCK.exists(), reason=f"{MOCK} is not there")
def test_the_recorded_spec_of_a_device_that_is_not_there_is_refused(
    comparison: Comparison,
) -> None:
    name = "mock.com/gpu=device_0"
    base = comparison.base(Case(id="none", devices={}))
    with pytest.raises(EngineError, match=r'CDI host device "/dev/mock/device_0"'):
        comparison.run(name)

    ours = comparison.inject(base.config, name)

    assert (ours.returncode, ours.stdout) == (1, "")
    assert "host path '/dev/mock/device_0': no such file or directory" in ours.stderr
