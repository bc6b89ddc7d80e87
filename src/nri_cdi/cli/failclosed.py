"""``nri-cdi config fail-closed``: what makes containers fail while the plugin is away.

Source: NRI plugins/default-validator/default-validator.go; CRI-O
internal/config/nri/nri.go; containerd/nri#316; NRI pkg/adaptation/adaptation.go,
CreateContainer: a plugin that was dropped in a call is asked to validate in it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nri_cdi.cli.process import EXIT_OK, EXIT_PROBLEMS, misused, say
from nri_cdi.quoting import printable

if TYPE_CHECKING:
    from nri_cdi.doctor import Runtime
    from nri_cdi.nri.capabilities import NriVersion, RuntimeInfo

TOLERATE = "tolerate-missing-plugins.nri-cdi"
"""The annotation of pods that are to start without the plugin; its own has it."""

REQUIRE = "required-plugins.noderesource.dev"

# The default validator came with it: containerd 2.2, CRI-O 1.34.
FIRST_NRI: NriVersion = (0, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """How a runtime calls the validator's settings, and where it reads drop-ins."""

    file: str
    head: str
    enable: str
    required: str
    tolerate: str


KEYS: Mapping[str, Keys] = {
    "containerd": Keys(
        file="/etc/containerd/conf.d/50-nri-cdi.toml",
        # Of a version that all releases read, whatever imports it. Before 2.0 they know
        # no version 3, and in a file without one the table's name is another.
        head='version = 2\n\n[plugins."io.containerd.nri.v1.nri".default_validator]',
        enable="enable",
        required="required_plugins",
        tolerate="tolerate_missing_plugins_annotation",
    ),
    "cri-o": Keys(
        file="/etc/crio/crio.conf.d/50-nri-cdi.conf",
        head="[crio.nri.default_validator]",
        enable="nri_enable_default_validator",
        required="nri_validator_required_plugins",
        tolerate="nri_validator_tolerate_missing_plugins_annotation",
    ),
}

# Words and settings: all of it is a file that the runtime reads.
_DROP_IN = """\
# Containers fail while the NRI plugin "{name}" is away. Written for {runtime}.
# This is {file}; restart the runtime to have it read.

{head}

# Without this nothing below has an effect, nor has the annotation
# {require} of a pod.
{enable} = true

# EVERY container of this node needs these plugins from now on, and no container starts
# while one is away: the network's, kube-proxy's and static pods' neither, nor the
# plugin's own, if it runs in a pod. Give those pods the annotation below BEFORE the
# restart, or a node that reboots does not come up again.
#
# The gentler way: leave out the setting below, and give just the pods that need devices
#   {require}: '["{name}"]'
# Nobody else is touched then.
#
# Either way a plugin that answers too late counts as present for that one container.
# With validate: true in the plugin's configuration the container fails all the same.
{required} = ["{name}"]

# Pods with this annotation start without the plugins above:
#   {annotation}: "true"
# The value is a boolean of Go's: "yes" fails the pod. Whoever may write pods may write
# it: it protects from accidents, not from people, and such a pod gets no devices that
# it wouldn't get otherwise.
{tolerate} = "{annotation}"
"""

_LATE = (
    "a plugin that answers too late counts as present for that container "
    "(containerd/nri#316): with validate: true in its configuration the container "
    "fails. Containers that come while it is away are for the file, or for a second "
    "instance: nri-cdi run --validate-only --index 99 --name {name}-validator"
)

_LEFT = (
    f"the annotation {REQUIRE} has no effect there, and validate: neither",
    "left is: start the plugin before the runtime, as systemd/nri-cdi.service does",
    "and: a taint on the node, removed when nri-cdi status --check ready succeeds",
)


def main(options: argparse.Namespace) -> int:
    """Print the drop-in file for a runtime, or say why there is none.

    ``options.runtime`` is ``name`` or ``name:version``; None is this node's.

    Raises: ConfigError, if it is no runtime, or none is found; or if the plugin's
    settings are wrong, as its name is among them.
    """
    from nri_cdi.cli.settings import loader_of

    name = loader_of(options).load().name
    found: Runtime | None = None
    if options.runtime is None:
        found, runtime = _of_this_node(options)
    else:
        runtime = _named(options.runtime)
    if runtime.nri_version < FIRST_NRI:
        _say_that_it_cannot(runtime)
        return EXIT_PROBLEMS
    print(drop_in(runtime, name), end="")
    _say_the_rest(runtime, name, found)
    return EXIT_OK


def drop_in(runtime: RuntimeInfo, name: str) -> str:
    """The file for a runtime that has the validator; ``name`` is the plugin's."""
    keys = KEYS[runtime.name]
    return _DROP_IN.format(
        name=name,
        runtime=printable(str(runtime)),
        file=keys.file,
        head=keys.head,
        enable=keys.enable,
        required=keys.required,
        tolerate=keys.tolerate,
        require=REQUIRE,
        annotation=TOLERATE,
    )


def _named(text: str) -> RuntimeInfo:
    from nri_cdi.nri.capabilities import runtime_named

    try:
        return runtime_named(text)
    except ValueError as error:
        raise misused("--runtime", str(error)) from error


def _of_this_node(options: argparse.Namespace) -> tuple[Runtime, RuntimeInfo]:
    from nri_cdi.cli.doctor import facts_of
    from nri_cdi.doctor import Node

    facts = facts_of(Node(), options)
    candidates = (facts.own,) if facts.own is not None else facts.runtimes
    if len(candidates) == 1:
        [runtime] = candidates
        info = facts.info or (runtime.info if runtime.release is not None else None)
        if info is not None:
            return runtime, info
    several = "several runtimes" if len(candidates) > 1 else "no runtime that is known"
    raise misused(
        "--runtime", f"{several} on this node: give one, such as containerd:2.2.0"
    )


def _say_that_it_cannot(runtime: RuntimeInfo) -> None:
    needed = "NRI 0.10 (containerd 2.2.0, CRI-O 1.34)"
    say(f"{runtime} can't fail closed: that needs {needed}")
    for line in _LEFT:
        say(line)


def _say_the_rest(runtime: RuntimeInfo, name: str, found: Runtime | None) -> None:
    keys = KEYS[runtime.name]
    say(f"write this to {keys.file}, and restart the runtime")
    if runtime.name == "containerd" and not _is_imported(found):
        say(
            "containerd reads that only if its config.toml has "
            'imports = ["/etc/containerd/conf.d/*.toml"]'
        )
    say(f"read the file first: pods that must start without {name} need {TOLERATE}")
    say(_LATE.format(name=name))


def _is_imported(found: Runtime | None) -> bool:
    if found is None:
        return False
    from nri_cdi.doctor import drop_in_of

    return drop_in_of(found) == "/etc/containerd/conf.d"
