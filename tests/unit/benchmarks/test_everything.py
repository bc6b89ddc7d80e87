"""The configuration with everything on, and what a runtime asks of such a plugin."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import specs
from benchmarks.container import become_another, create_request, validation_of
from benchmarks.everything import command, request_by_annotation_and_variable
from nri_cdi.config import Config, load_config
from nri_cdi.nri import api
from nri_cdi.policy import Action
from tests.unit.judging import Subject, verdict

RULES = 20


@pytest.fixture
def config(tmp_path: Path) -> Config:
    flags = command(tmp_path, tmp_path / "specs")
    return load_config(flags[flags.index("--config") + 1])


def test_everything_is_on(config: Config) -> None:
    assert config.exclusive
    assert len(config.aliases) == 2
    assert config.environment == (("BENCH_VISIBLE_DEVICES", specs.ONE_KIND),)
    assert config.validate == "true"
    assert config.status.endswith("/status.sock")


def test_the_last_of_20_rules_is_the_one_that_allows(config: Config) -> None:
    pod = create_request(specs.ONE_DEVICE).pod
    subject = Subject(
        namespace=pod.namespace,
        pod=pod.name,
        labels=tuple(sorted(pod.labels.items())),
        runtime_handler=pod.runtime_handler,
    )
    found = verdict(config.policy, subject, specs.ONE_DEVICE)
    assert len(config.policy.rules) == RULES
    assert config.policy.default is Action.DENY
    assert found.rule == config.policy.rules[-1].name


def test_a_request_asks_in_both_ways() -> None:
    request = request_by_annotation_and_variable(specs.ONE_NAME)
    assert specs.ONE_DEVICE in request.pod.annotations.values()
    assert f"BENCH_VISIBLE_DEVICES={specs.ONE_NAME}" in request.container.env


def test_each_container_is_another_ones() -> None:
    request = create_request(specs.ONE_DEVICE)
    seen = set()
    for number in range(3):
        become_another(request, number)
        assert request.container.pod_sandbox_id == request.pod.id
        seen.add((request.pod.name, request.pod.uid, request.container.id))
    assert len(seen) == 3


def test_a_validation_has_the_whole_adjustment_and_its_owners() -> None:
    answer = api.CreateContainerResponse()
    answer.adjust.linux.devices.add(path="/dev/bench")
    answer.adjust.env.add(key="BENCH_DEVICE", value="one")
    created = create_request(specs.ONE_DEVICE)
    validation = validation_of(created, answer)
    assert validation.adjust == answer.adjust
    owners = validation.owners.owners[created.container.id].compound
    assert owners[api.Field.Value("Devices")].owners == {"/dev/bench": "10-nri-cdi"}
    assert owners[api.Field.Value("Env")].owners == {"BENCH_DEVICE": "10-nri-cdi"}
