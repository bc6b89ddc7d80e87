"""An explanation: what containers ask for, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from nri_cdi.cdi.edits import SourcedEdits
from nri_cdi.manifests import Container, Pod
from nri_cdi.nri import api


class Result(StrEnum):
    """What becomes of a container's request for devices."""

    INJECTED = "injected"
    NOTHING = "nothing"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedDevice:
    """A device, the annotations and the variables of the container that name it.

    ``path`` is its spec file; "" if none has it. One that ``is_delegated`` goes to the
    runtime by its name.
    """

    name: str
    annotations: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    path: str = ""
    is_delegated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerExplanation:
    """What a container asks for, and what comes of it.

    ``requests`` is empty too if the request can't be read, and the result REFUSED.
    ``mode`` is how the devices go to the runtime, as a log line has it, and
    ``adjustment`` what goes there; ``delegated`` has the edits that the runtime is to
    make by itself, as the specs of this moment have them. All three are empty unless
    the result is INJECTED. ``rule`` names the rules of the policy that denied or audit.

    ``error`` is empty unless it is REFUSED; so is ``kubelet_error``, the same as the
    kubelet shows it, and it is empty too for a runtime whose words are not known.
    ``unsupported`` has all edits that the runtime can't carry out, where ``error`` has
    the first reason. ``warnings`` has what is not known here, and why a container that
    is INJECTED would not work on this host.
    """

    container: Container
    requests: tuple[RequestedDevice, ...]
    result: Result
    mode: str = ""
    rule: str = ""
    adjustment: api.ContainerAdjustment = field(default_factory=api.ContainerAdjustment)
    delegated: tuple[SourcedEdits, ...] = ()
    error: str = ""
    kubelet_error: str = ""
    unsupported: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PodExplanation:
    """A pod's containers.

    ``warnings`` has what in its annotations is hardly meant as it stands, and what had
    to be taken for granted.
    """

    pod: Pod
    containers: tuple[ContainerExplanation, ...]
    warnings: tuple[str, ...]
