"""What pods ask for: a table, from nothing at all to what nobody may have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from soak.marks import Device

GPU = [Device("gpu", str(number)) for number in range(4)]
NET = Device("net", "eth")
SECRET = Device("secret", "key")
SWITCH = Device("switch", "0")
UNKNOWN = Device("gpu", "99")

EXCLUSIVE_CLASS = "whole"
SWITCHED_CLASS = "switch"

NAMESPACE = "soak"
TRUSTED = "trusted"
STRANGE = "elsewhere"

VARIABLE = "SOAK_VISIBLE_DEVICES"
"""The variable that asks for devices of the kind soak.test/gpu."""

ALIAS = "cdi-devices.noderesource.dev"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A pod, and what its containers ask for by its annotations or their variables.

    ``unknown`` are devices that no spec has; ``denied`` says that the policy lets
    nobody of this namespace have them. ``weight`` is how often it comes.
    """

    name: str
    devices: tuple[Device, ...] = ()
    namespace: str = NAMESPACE
    annotations: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    unknown: bool = False
    denied: bool = False
    weight: int = 2

    @property
    def exclusive(self) -> tuple[Device, ...]:
        return tuple(each for each in self.devices if each.class_ == EXCLUSIVE_CLASS)

    @property
    def is_switched(self) -> bool:
        return any(each.class_ == SWITCHED_CLASS for each in self.devices)


def _asking(name: str, *devices: Device, key: str = "devices", **more: object) -> Ask:
    value = ", ".join(map(str, devices))
    annotations = {f"cdi.k8s.io/{key}": value}
    return Ask(name=name, devices=devices, annotations=annotations, **more)  # type: ignore[arg-type]  # fields by name


ASKS = (
    Ask(name="nothing", weight=3),
    _asking("one device", GPU[0], weight=4),
    _asking("several devices", GPU[1], GPU[2], NET, weight=4),
    _asking("all of two kinds", *GPU, SECRET, namespace=TRUSTED),
    Ask(
        name="by two annotations",
        devices=(GPU[0], NET),
        annotations={
            "cdi.k8s.io/gpu": f"{GPU[0]},{GPU[0]}",
            "cdi.k8s.io/pod": f"{NET}, {GPU[0]}",
        },
    ),
    Ask(
        name="by an alias",
        devices=(GPU[3],),
        annotations={f"{ALIAS}/pod": f'["{GPU[3]}"]'},
    ),
    Ask(name="by a variable", devices=(GPU[1], GPU[2]), env={VARIABLE: "1,2"}),
    _asking("an unknown device", GPU[0], UNKNOWN, unknown=True),
    _asking("a denied device", GPU[0], SECRET, denied=True),
    _asking("a device, as a stranger", GPU[0], namespace=STRANGE, denied=True),
    _asking("a device under a changing policy", SWITCH),
    _asking("an exclusive device", Device(EXCLUSIVE_CLASS, "0"), weight=3),
    _asking(
        "two exclusive devices",
        Device(EXCLUSIVE_CLASS, "0"),
        Device(EXCLUSIVE_CLASS, "1"),
    ),
)
