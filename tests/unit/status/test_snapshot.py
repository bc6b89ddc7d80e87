from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from nri_cdi.config import Config
from nri_cdi.status.snapshot import timestamp
from tests.unit.status.living import KIND, Living, write_spec

SHAPE = {
    "version": (),
    "name": (),
    "index": (),
    "startedAt": (),
    "now": (),
    "ready": (),
    "reason": (),
    "runtime": (
        *("connected", "synchronized", "name", "version", "nriVersion"),
        *("requestTimeoutS", "since", "synchronizedAt", "connections", "reason"),
        "capabilities",
    ),
    "configuration": (
        *("path", "loadedAt", "error", "refusing", "injection"),
        *("policyDefault", "rules"),
        *("exclusive", "aliases", "environment"),
        *("validate", "validateError", "afterRestart"),
    ),
    "devices": (
        *("name", "kind", "path", "exclusive", "holders", "unsupported", "delegated"),
    ),
    "specs": ("files", "devices", "directories", "errors", "conflicts"),
    "drifted": (),
    "decisions": (
        *("time", "result", "namespace", "pod", "container", "containerId"),
        *("devices", "mode", "rule", "reason", "ms"),
    ),
    "counts": (
        *("requests", "injectedByKind", "deniedByRule", "auditedByRule", "drifted"),
    ),
}
"""What programs rely on."""


def test_the_state_has_the_shape_that_programs_rely_on(living: Living) -> None:
    state = living.state()
    assert list(state) == list(SHAPE)
    for key, fields in SHAPE.items():
        value = state[key][0] if isinstance(state[key], list) and fields else state[key]
        if fields:
            assert tuple(value) == fields, key


def test_the_state_is_plain(living: Living) -> None:
    state = living.state()
    assert json.loads(json.dumps(state)) == state


def test_decisions_come_with_the_newest_first(living: Living) -> None:
    decisions = living.state()["decisions"]
    assert [(each["pod"], each["result"]) for each in decisions] == [
        ("late-comer", "held"),
        ("miner", "denied"),
        ("typo", "refused"),
        ("notebook", "injected"),
        ("trainer", "injected"),
    ]
    assert decisions[1]["rule"] == "no-miners"
    assert decisions[3]["rule"] == "notebooks"
    assert "held by pod default/trainer" in decisions[0]["reason"]
    assert decisions[4]["mode"] == "resolve"


def test_the_counts_are_those_of_the_ledger(living: Living) -> None:
    counts = living.state()["counts"]
    assert counts["requests"] == {
        "injected": 2,
        "nothing": 1,
        "refused": 1,
        "denied": 1,
        "held": 1,
        "late": 0,
        "rejected": 0,
    }
    assert counts["injectedByKind"] == {KIND: 3}
    assert counts["deniedByRule"] == {"no-miners": 1}
    assert counts["auditedByRule"] == {"notebooks": 1}


def test_a_device_has_its_holders(living: Living) -> None:
    devices = {each["name"]: each for each in living.state()["devices"]}
    (holder,) = devices[f"{KIND}=0"]["holders"]
    assert (holder["namespace"], holder["pod"]) == ("default", "trainer")
    assert devices[f"{KIND}=0"]["exclusive"]
    assert not devices[f"{KIND}=1"]["exclusive"]


def test_a_device_that_is_held_by_another_name_says_by_which(spec_dir: Path) -> None:
    nodes = [{"path": "/dev/null"}]
    write_spec(spec_dir, "0", "uuid", deviceNodes=nodes)
    config = Config(spec_dirs=(str(spec_dir),), exclusive=(f"{KIND}=*",))
    living = Living(config).connect()
    assert living.ask(f"{KIND}=0", pod="trainer") == ""
    first, second = living.state()["devices"]
    assert second["name"] == f"{KIND}=uuid"
    assert second["holders"] == [{**first["holders"][0], "as": f"{KIND}=0"}]
    assert "as" not in first["holders"][0]
    assert f"(as {KIND}=0)" in living.ask(f"{KIND}=uuid", pod="late-comer")


VALIDATIONS = (
    ("false", "2.1.9", ""),
    ("true", "2.1.9", "this runtime asks no plugin (it takes NRI 0.10)"),
    ("true", "2.2.1", ""),
    ("true", "", ""),
)


@pytest.mark.parametrize(("validate", "version", "error"), VALIDATIONS)
def test_a_runtime_that_asks_no_plugin_to_validate_is_an_error(
    spec_dir: Path, validate: str, version: str, error: str
) -> None:
    living = Living(Config(spec_dirs=(str(spec_dir),), validate=validate))
    if version:
        living.connect(version)
    assert living.state()["configuration"]["validateError"] == error


def test_settings_that_wait_for_a_restart_have_their_values(living: Living) -> None:
    assert living.state()["configuration"]["afterRestart"] == {}
    wanted = replace(living.config, index="20", validate="true", log_level="debug")
    living.reading = replace(living.reading, wanted=wanted)
    state = living.state()
    waiting = {"index": "20", "validate": "true"}
    assert state["configuration"]["afterRestart"] == waiting
    assert (state["index"], state["configuration"]["validate"]) == ("10", "false")


def test_after_a_restart_with_a_broken_file_nothing_is_known(living: Living) -> None:
    wanted = replace(living.config, index="20")
    living.reading = replace(living.reading, wanted=wanted, error="bad")
    assert living.state()["configuration"]["afterRestart"] == {}


def test_what_is_observed_does_not_change_any_more(living: Living) -> None:
    seen = living.observe()
    living.ask(f"{KIND}=1", pod="another")
    living.plugin.disconnected("the connection was closed")
    assert len(seen.decisions) == 5
    assert sum(seen.requests.values()) == 6
    assert seen.link.connected
    assert len(seen.holders) == 2


def test_a_broken_spec_is_there_with_its_lines(living: Living) -> None:
    specs = living.state()["specs"]
    assert (specs["files"], specs["devices"]) == (2, 3)
    (broken,) = specs["errors"]
    assert broken["path"].endswith("/broken.yaml")
    assert any("kind" in line for line in broken["lines"])


def test_a_plugin_without_a_runtime_says_so() -> None:
    state = Living(Config(spec_dirs=("/nowhere",))).state()
    assert not state["ready"]
    assert state["reason"] == (
        "not connected to a runtime: the plugin has not connected yet"
    )
    assert state["runtime"]["capabilities"] == {}
    assert state["runtime"]["since"] is None


def test_a_plugin_is_ready_once_it_is_synchronized(living: Living) -> None:
    assert living.observe().trouble == ""
    living.plugin.disconnected("the runtime closed the connection")
    assert living.observe().trouble == (
        "not connected to a runtime: the runtime closed the connection"
    )
    living.connect()
    living.plugin.ledger.link.synchronized = False
    assert living.observe().trouble == (
        "connected to containerd 2.1.9 (NRI 0.8), but not synchronized yet"
    )


def test_a_broken_configuration_goes_before_all(living: Living) -> None:
    living.reading = replace(
        living.reading, error="config.yaml:1:1: unknown setting", refusing=True
    )
    living.plugin.disconnected("gone")
    assert living.observe().trouble == (
        "the configuration is broken: config.yaml:1:1: unknown setting"
    )
    assert living.state()["configuration"]["error"] in living.state()["reason"]


def test_capabilities_have_the_names_of_json(living: Living) -> None:
    capabilities = living.state()["runtime"]["capabilities"]
    assert capabilities["deviceNodes"] is True
    assert capabilities["netDevices"] is False
    assert "validEvents" not in capabilities


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_000_000_000.25, "2001-09-09T01:46:40.250Z"),
        (1_000_000_000.9996, "2001-09-09T01:46:41.000Z"),
    ],
)
def test_a_timestamp_is_that_of_rfc_3339(seconds: float, text: str) -> None:
    assert timestamp(seconds) == text
