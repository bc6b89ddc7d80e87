"""``nri-cdi annotate``: the annotation with which a pod asks for devices."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence

from nri_cdi.cdi.annotations import (
    MAX_ANNOTATION_NAME,
    annotation_key,
    annotation_value,
)
from nri_cdi.cdi.metadata import validate_annotations
from nri_cdi.cdi.names import parse_qualified_name
from nri_cdi.cdi.registry import Registry
from nri_cdi.cli.output import JSON, TABLE, YAML, add_output, print_table, print_value
from nri_cdi.cli.process import EXIT_OK, say
from nri_cdi.cli.specs import asked_for, device_or_pattern, load_registry
from nri_cdi.errors import AnnotationError, ResolveError
from nri_cdi.quoting import quoted
from nri_cdi.requests import CONTAINER_KEY, PREFIX, requested_devices

EPILOG = """\
The annotation goes to the metadata of a pod; in a Deployment or a Job, of the pod
template. Its key is named after the class of the devices, as in cdi.k8s.io/gpu, unless
there is a --key. A pod can have several with different keys.

Devices that this node doesn't have are told on stderr: the pod may run on another one.
Patterns are looked up here.

examples:
  nri-cdi annotate nvidia.com/gpu=0 nvidia.com/gpu=1
  nri-cdi annotate nvidia.com/gpu=0 --container train
  nri-cdi annotate nvidia.com/gpu=0 --key big-gpu -o json
  nri-cdi annotate nvidia.com/gpu=0 --plugin nvidia.gpu --device-id 0
"""

# The key of devices of several classes, or of one that can't be a key.
_ANY = "devices"

# Source: Kubernetes, apimachinery/pkg/util/validation, IsDNS1123Label.
_CONTAINER_NAME = re.compile("[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the verb."""
    parser.epilog = EPILOG
    parser.add_argument(
        "names",
        nargs="+",
        type=device_or_pattern,
        metavar="NAME",
        help="a device, vendor/class=name, or a pattern of devices",
    )
    parser.add_argument(
        "--key",
        metavar="KEY",
        type=_key,
        help=f"the annotation's key, with or without {PREFIX}",
    )
    parser.add_argument(
        "--container",
        metavar="CONTAINER",
        action="append",
        type=_container,
        help="ask for this container alone; repeat it for more (default: all)",
    )
    parser.add_argument(
        "--plugin",
        metavar="PLUGIN",
        help="with --device-id: a key as device plugins do",
    )
    parser.add_argument(
        "--device-id", metavar="ID", help="the device plugin's identifier of the device"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="fail, and print nothing, if this node does not have a device",
    )
    add_output(parser, (YAML, JSON, TABLE))


def main(options: argparse.Namespace) -> int:
    """Print the annotation."""
    _check_usage(options)
    registry = load_registry(options)
    names = asked_for(options.names, registry)
    value = annotation_value(names)
    annotations = dict.fromkeys(_keys(options, names), value)
    _validate(annotations, options.container)
    _look_up(names, registry, must=options.check)
    if options.output == TABLE:
        print_table(("KEY", "VALUE"), annotations.items())
    elif options.output == JSON:
        print_value({"annotations": annotations}, JSON)
    else:
        print_value({"metadata": {"annotations": annotations}}, YAML)
    return EXIT_OK


def _check_usage(options: argparse.Namespace) -> None:
    ways = {
        "--key": options.key,
        "--container": options.container,
        "--plugin and --device-id": (options.plugin, options.device_id) != (None, None),
    }
    given = [flag for flag, value in ways.items() if value not in (None, False)]
    if len(given) > 1:
        options.parser.error(f"{given[0]} can't go with {given[1]}")
    if (options.plugin is None) != (options.device_id is None):
        options.parser.error("--plugin and --device-id go together")


def _keys(options: argparse.Namespace, names: Sequence[str]) -> list[str]:
    if options.container:
        return [_key_of(container) for container in options.container]
    if options.plugin is not None:
        return [_of_plugin(options)]
    return [options.key or f"{PREFIX}{_own_key(names)}"]


def _of_plugin(options: argparse.Namespace) -> str:
    parser: argparse.ArgumentParser = options.parser
    try:
        return _key(annotation_key(options.plugin, options.device_id))
    except (AnnotationError, argparse.ArgumentTypeError) as error:
        parser.error(f"--plugin and --device-id: {error}")


def _container(name: str) -> str:
    if not _CONTAINER_NAME.fullmatch(name):
        raise argparse.ArgumentTypeError(
            f"{quoted(name)} can't be the name of a container: it must be small "
            "letters, digits and '-', starting and ending with a letter or digit"
        )
    _check_key(_key_of(name))
    return name


def _key_of(container: str) -> str:
    return f"{CONTAINER_KEY}{container}"


def _key(text: str) -> str:
    """An annotation's whole key."""
    name = text.removeprefix(PREFIX)
    if "/" in name:
        raise argparse.ArgumentTypeError(
            f"{quoted(text)} asks for no devices: such a key starts with {PREFIX}"
        )
    key = f"{PREFIX}{name}"
    if key.startswith(CONTAINER_KEY):
        raise argparse.ArgumentTypeError(
            f"{quoted(text)} is about one container; say --container "
            f"{key.removeprefix(CONTAINER_KEY) or 'NAME'}"
        )
    _check_key(key)
    return key


def _check_key(key: str) -> None:
    for problem in validate_annotations({key: ""}):
        raise argparse.ArgumentTypeError(problem.message)


def _own_key(names: Iterable[str]) -> str:
    """The class of all devices, where they have one that can be a key."""
    found = {parse_qualified_name(name).class_ for name in names}
    class_ = found.pop()
    is_short = len(class_) <= MAX_ANNOTATION_NAME
    usable = is_short and not f"{PREFIX}{class_}".startswith(CONTAINER_KEY)
    return class_ if not found and usable else _ANY


def _validate(annotations: dict[str, str], containers: list[str] | None) -> None:
    """Raises: AnnotationError, unless Kubernetes and the plugin will take them."""
    for problem in validate_annotations(annotations):
        raise AnnotationError(problem.message)
    for container in containers or [""]:
        requested_devices(annotations, container)


def _look_up(names: Sequence[str], registry: Registry, *, must: bool) -> None:
    """Raises: ResolveError, if a device ``must`` be here and isn't."""
    try:
        registry.resolve(names)
    except ResolveError as error:
        if must:
            raise
        say(f"on this node: {error}")
