"""Every option of the plugin, once: reading, flags, variables and documents use this.

To add one, add a field to `Config` and a row here. The tests and the documentation
follow, and `python -m tools.configdocs` writes the latter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from nri_cdi.address import check_path, check_socket
from nri_cdi.cdi.pointers import at_key
from nri_cdi.config.checks import (
    FORMATS,
    INJECTIONS,
    LEVELS,
    VALIDATIONS,
    Check,
    check_alias,
    check_device_glob,
    check_index,
    check_kind,
    check_name,
    check_optional_path,
    check_status,
    check_variable,
    one_of,
)
from nri_cdi.config.nodereader import NodeReader
from nri_cdi.config.nodes import Items, Node
from nri_cdi.config.option import Apply, Constant, Option
from nri_cdi.config.policies import POLICY_KEYS, RULE_KEYS, read_policy


def _text(check: Check) -> Callable[[NodeReader, Node, str], str]:
    return lambda reader, node, pointer: reader.text(node, pointer, check)


def _texts(
    check: Check, expected: str
) -> Callable[[NodeReader, Node, str], tuple[str, ...]]:
    return lambda reader, node, pointer: reader.texts(node, pointer, expected, check)


def _directories(reader: NodeReader, node: Node, pointer: str) -> tuple[str, ...]:
    if isinstance(node, Items) and not node.items:
        message = "expected a list of directories, and one at least"
        reader.refuse(node, "empty", pointer, message)
    return reader.texts(node, pointer, "directories", check_path)


def _environment(
    reader: NodeReader, node: Node, pointer: str
) -> tuple[tuple[str, str], ...]:
    return tuple(
        (
            reader.text(key, pointer, check_variable),
            reader.text(value, at_key(pointer, key.text), check_kind),
        )
        for key, value in reader.entries(
            node, pointer, "a mapping of variables to kinds"
        )
    )


def _one_of(otherwise: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    check = one_of(otherwise, known)
    return {"read": _text(check), "check": check}


_POLICY_KEYS = MappingProxyType(
    {**POLICY_KEYS, **{f"rules[].{key}": words for key, words in RULE_KEYS.items()}}
)

OPTIONS = (
    Option(
        key="socket",
        summary="the runtime's NRI socket",
        details="The runtime makes a new one at each start, so of a container's mounts "
        "its directory must be one, and not the socket.",
        read=_text(check_socket),
        check=check_socket,
        flag="--socket",
        metavar="PATH",
        apply=Apply.RESTART,
    ),
    Option(
        key="name",
        summary="the plugin's name, as the runtime knows it",
        read=_text(check_name),
        check=check_name,
        flag="--name",
        metavar="NAME",
        apply=Apply.RESTART,
    ),
    Option(
        key="index",
        summary="two digits; the runtime calls its plugins in this order",
        read=_text(check_index),
        check=check_index,
        flag="--index",
        metavar="NN",
        apply=Apply.RESTART,
    ),
    Option(
        key="spec_dirs",
        summary="the directories of CDI specs; a later one goes before an earlier one",
        details="The flag can be repeated, and replaces the list.",
        read=_directories,
        check=check_path,
        separator=":",
        flag="--spec-dir",
        metavar="DIR",
        apply=Apply.RELOAD,
    ),
    Option(
        key="log_level",
        summary="what is logged at least; debug, info, warning or error",
        **_one_of("is not a log level", LEVELS),
        flag="--log-level",
        metavar="LEVEL",
        apply=Apply.RELOAD,
    ),
    Option(
        key="log_format",
        summary="how log lines are written; text or json",
        details="Of json each line is an object, with the facts of an injection as "
        "fields of their own.",
        **_one_of("is not a log format", FORMATS),
        flag="--log-format",
        metavar="FORMAT",
        apply=Apply.RELOAD,
    ),
    Option(
        key="injection",
        summary="how devices get into a container; auto, resolve or delegate",
        details="With resolve the plugin expands the edits of a device. With delegate "
        "it gives the runtime the device's name, and the runtime does it. With auto it "
        "resolves what the runtime can express in NRI, and delegates a device that has "
        "other edits, where the runtime honours that.",
        **_one_of("is not a way of injection", INJECTIONS),
        flag="--injection",
        metavar="MODE",
        apply=Apply.RELOAD,
    ),
    Option(
        key="aliases",
        summary="annotations of other plugins that ask for devices here, too",
        details="Each is as that plugin reads it. Don't let that plugin run beside "
        "this one: a container would get each device twice, and may fail.",
        read=_texts(check_alias, "aliases"),
        check=check_alias,
        separator=",",
        flag="--alias",
        metavar="ALIAS",
        example="aliases: [cdi-devices.noderesource.dev, nvidia.cdi.k8s.io]\n",
        apply=Apply.RELOAD,
    ),
    Option(
        key="environment",
        summary="variables of containers that ask for devices, and of which kind each",
        details="The value of such a variable, as 0,1 or all, asks for devices of that "
        "kind. Images set variables, too, not just the authors of pods.",
        read=_environment,
        is_mapping=True,
        example="environment:\n  NVIDIA_VISIBLE_DEVICES: nvidia.com/gpu\n",
        apply=Apply.RELOAD,
    ),
    Option(
        key="policy",
        summary="which pods may have which devices",
        details="The first rule that matches counts. A rule matches when all of its "
        "keys do, and needs one besides its name and its action; a list matches when "
        "one of its globs does. What the policy denies fails the container, with the "
        "rule's name. Without a policy every pod may ask for every device.",
        read=read_policy,
        keys=_POLICY_KEYS,
        example="""\
policy:
  default: deny
  rules:
    - name: not-for-guests
      namespaces: [research-*]
      labels: {team: guests}
      action: deny
    - name: research-gpus
      namespaces: [research-*]
      devices: [nvidia.com/gpu=*]
      action: allow
    - name: watch-the-network
      devices: [vendor.com/net=*]
      action: audit
""",
        apply=Apply.RELOAD,
    ),
    Option(
        key="exclusive",
        summary="devices that one container at a time may have, as globs of names",
        details="A device that a living container holds is refused to a second one. "
        "The flag can be repeated, and replaces the list.",
        read=_texts(check_device_glob, "globs"),
        check=check_device_glob,
        separator=",",
        flag="--exclusive",
        metavar="GLOB",
        example='exclusive: ["nvidia.com/gpu=*"]\n',
        apply=Apply.RELOAD,
    ),
    Option(
        key="validate",
        summary="check containers after all plugins were asked; false, true or only",
        details="With true a container that lacks devices that its pod names is "
        "rejected; that takes NRI 0.10. With only it is all that the plugin does: for "
        "a second plugin, with a name and an index of its own, that watches the first.",
        **_one_of("is not a value of validate", VALIDATIONS),
        constants=(
            Constant(
                flag="--validate",
                value="true",
                summary="reject containers that lack devices that their pods name",
            ),
            Constant(
                flag="--validate-only",
                value="only",
                summary="as --validate, and inject nothing",
            ),
        ),
        apply=Apply.RESTART,
    ),
    Option(
        key="status",
        summary="where status and metrics are shown; nowhere if empty",
        details="The absolute path of a unix socket, or 127.0.0.1:PORT or [::1]:PORT. "
        "The status names pods to whoever asks, so no other address will do.",
        read=_text(check_status),
        check=check_status,
        flag="--status",
        metavar="ADDRESS",
        example="status: /run/nri-cdi/status.sock\n",
        apply=Apply.RESTART,
    ),
    Option(
        key="host_dev_root",
        summary="where the host's /dev is; /dev if empty",
        details="For a plugin in a container that has the host's /dev elsewhere. "
        "Device nodes are only looked at.",
        read=_text(check_optional_path),
        check=check_optional_path,
        flag="--host-dev-root",
        metavar="DIR",
        apply=Apply.RELOAD,
    ),
)

BY_KEY: Mapping[str, Option] = MappingProxyType({each.key: each for each in OPTIONS})
