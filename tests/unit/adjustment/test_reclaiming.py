"""A container that another instance of the plugin has adjusted before."""

from __future__ import annotations

import pytest

from nri_cdi.adjustment.reclaiming import reclaimed
from nri_cdi.nri import api


def answer() -> api.ContainerAdjustment:
    adjust = api.ContainerAdjustment(annotations={"mark": "a"})
    adjust.env.add(key="A", value="1")
    adjust.mounts.add(destination="/lib", source="/host/lib", options=["ro"])
    adjust.linux.devices.add(path="/dev/a", type="c", major=7)
    adjust.hooks.create_container.add(path="/bin/hook", args=["hook"])
    adjust.linux.net_devices["eth9"].name = "eth0"
    adjust.linux.rdt.clos_id.value = "gold"
    adjust.linux.resources.rdt_class.value = "gold"
    return adjust


def adjusted(adjust: api.ContainerAdjustment) -> api.Container:
    """A container as the runtime shows it to the plugin after the first one."""
    container = api.Container(
        annotations=adjust.annotations, mounts=adjust.mounts, hooks=adjust.hooks
    )
    container.env.extend(f"{each.key}={each.value}" for each in adjust.env)
    container.linux.devices.extend(adjust.linux.devices)
    for host, device in adjust.linux.net_devices.items():
        container.linux.net_devices[host].CopyFrom(device)
    container.linux.resources.rdt_class.value = "gold"
    return container


def test_what_is_there_in_this_form_is_taken_over() -> None:
    made = reclaimed(answer(), adjusted(answer()))
    assert [each.key for each in made.env] == ["A", "-A"]
    assert [each.destination for each in made.mounts] == ["/lib", "-/lib"]
    assert [each.path for each in made.linux.devices] == ["/dev/a", "-/dev/a"]


def test_what_has_no_removal_or_none_in_order_is_left_as_it_is() -> None:
    made = reclaimed(answer(), adjusted(answer()))
    assert not made.annotations
    assert not made.hooks.create_container
    assert not made.linux.net_devices
    assert not made.linux.resources.HasField("rdt_class")


def test_rdt_is_taken_over_unseen() -> None:
    # The runtime shows no plugin what another has set of it.
    made = reclaimed(answer(), adjusted(answer()))
    assert made.linux.rdt.clos_id.value == "gold"
    assert made.linux.rdt.remove
    without = answer()
    without.linux.ClearField("rdt")
    assert not reclaimed(without, adjusted(answer())).linux.HasField("rdt")


def test_the_answer_itself_stays_as_it_was() -> None:
    given = answer()
    reclaimed(given, adjusted(answer()))
    assert given == answer()


def test_a_container_that_nobody_has_adjusted_gets_all() -> None:
    made = reclaimed(answer(), api.Container())
    made.linux.rdt.remove = False
    assert made == answer()


def other_env(adjust: api.ContainerAdjustment) -> None:
    adjust.env[0].value = "2"


def other_mount(adjust: api.ContainerAdjustment) -> None:
    adjust.mounts[0].source = "/elsewhere"


def other_device(adjust: api.ContainerAdjustment) -> None:
    adjust.linux.devices[0].major = 8


@pytest.mark.parametrize("change", [other_env, other_mount, other_device])
def test_what_is_there_in_another_form_stays_a_conflict(change: object) -> None:
    before = answer()
    assert callable(change)
    change(before)
    made = reclaimed(answer(), adjusted(before))
    removals = [
        *(each.key for each in made.env),
        *(each.destination for each in made.mounts),
        *(each.path for each in made.linux.devices),
    ]
    assert sum(each.startswith("-") for each in removals) == 2
