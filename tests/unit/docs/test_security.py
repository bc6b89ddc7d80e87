"""The configurations that docs/security.md shows, and who gets what under them."""

from __future__ import annotations

import pytest

from nri_cdi.config import Config, parse_config
from nri_cdi.policy import Action
from tests.unit.docs.pages import blocks, read
from tests.unit.judging import Subject, verdict

PAGE = read("docs/security.md")
AUDIT, CLOSED, FINER, VARIABLES = (
    parse_config(text, f"example {number}")
    for number, text in enumerate(blocks(PAGE, "yaml"), 1)
)


def _action(
    config: Config,
    namespace: str,
    device: str,
    labels: tuple[tuple[str, str], ...] = (),
    runtime_handler: str = "",
) -> Action:
    subject = Subject(
        namespace=namespace,
        pod="pod",
        labels=labels,
        runtime_handler=runtime_handler,
    )
    return verdict(config.policy, subject, device).action


def test_the_page_begins_with_the_default_and_how_to_close_it() -> None:
    headings = [line for line in PAGE.splitlines() if line.startswith("## ")]
    assert headings[:2] == ["## The default is open", "## Close it"]


def test_the_default_is_as_open_as_the_page_says() -> None:
    assert _action(Config(), "anywhere", "nvidia.com/gpu=all") is Action.ALLOW


@pytest.mark.parametrize(
    ("config", "namespace", "device", "action"),
    [
        (AUDIT, "anywhere", "nvidia.com/gpu=0", Action.AUDIT),
        (CLOSED, "research", "nvidia.com/gpu=0", Action.ALLOW),
        (CLOSED, "research-nlp", "nvidia.com/gpu=all", Action.ALLOW),
        (CLOSED, "researchers", "nvidia.com/gpu=0", Action.DENY),
        (CLOSED, "research", "vendor.com/camera=front", Action.DENY),
        (CLOSED, "vision", "vendor.com/camera=front", Action.ALLOW),
        (CLOSED, "vision", "vendor.com/camera=roof", Action.DENY),
        (CLOSED, "default", "management.nvidia.com/gpu=all", Action.DENY),
        (FINER, "gpu-operator", "management.nvidia.com/gpu=all", Action.ALLOW),
        (FINER, "vision", "management.nvidia.com/gpu=all", Action.DENY),
        (FINER, "vision", "nvidia.com/gpu=0", Action.DENY),
        (VARIABLES, "vision", "nvidia.com/gpu=0", Action.ALLOW),
        (VARIABLES, "vision", "nvidia.com/gpu=all", Action.DENY),
        (VARIABLES, "default", "nvidia.com/gpu=0", Action.DENY),
    ],
)
def test_an_example_gives_a_namespace_what_its_text_says(
    config: Config, namespace: str, device: str, action: Action
) -> None:
    assert _action(config, namespace, device) is action


@pytest.mark.parametrize(
    ("device", "queue", "action"),
    [
        ("nvidia.com/gpu=0", "batch-night", Action.ALLOW),
        ("nvidia.com/gpu=0", "interactive", Action.DENY),
        ("nvidia.com/gpu=all", "batch-night", Action.DENY),
    ],
)
def test_the_finer_policy_goes_by_a_label(
    device: str, queue: str, action: Action
) -> None:
    labels = (("queue", queue),)
    assert _action(FINER, "vision", device, labels) is action


@pytest.mark.parametrize(
    ("handler", "action"), [("kata-qemu", Action.AUDIT), ("", Action.DENY)]
)
def test_the_finer_policy_goes_by_a_runtime_handler(
    handler: str, action: Action
) -> None:
    action_there = _action(
        FINER, "sandbox-1", "vendor.com/net=eth1", runtime_handler=handler
    )
    assert action_there is action


def test_the_finer_example_switches_on_what_stands_beside_the_policy() -> None:
    assert FINER.exclusive == ("nvidia.com/gpu=*",)
    assert FINER.validate == "true"
    assert FINER.status == "/run/nri-cdi/status.sock"


def test_the_example_with_variables_maps_one() -> None:
    assert VARIABLES.environment == (("NVIDIA_VISIBLE_DEVICES", "nvidia.com/gpu"),)
