"""What makes a block of edits valid: one check for each rule.

Source: CDI container-edits.go (the Validate methods). Stricter than they are in one
point: NUL is refused in a path, an argument, an interface or a variable, since no
kernel takes it there.
"""

from __future__ import annotations

from collections.abc import Sequence

from nri_cdi.cdi.model import (
    ContainerEdits,
    DeviceNode,
    Hook,
    IntelRdt,
    LinuxNetDevice,
    Mount,
)
from nri_cdi.cdi.pointers import at_index
from nri_cdi.cdi.problems import each, problem, under
from nri_cdi.cdi.rules import Rule
from nri_cdi.errors import Problem
from nri_cdi.quoting import quoted

UINT32 = range(2**32)
INT64 = range(-(2**63), 2**63)

MAX_CLOS_ID = 4095
"""Bytes of the name of a class of service: PATH_MAX less the NUL at the end."""

HOOK_NAMES = (
    "prestart",
    "createRuntime",
    "createContainer",
    "startContainer",
    "poststart",
    "poststop",
)
"""The stages of a container that hooks run at. Source: OCI runtime-spec, config.md."""

_DEVICE_TYPES = frozenset(("", "b", "c", "u", "p"))
NO_PERMISSIONS = "none"
_PERMISSION_LETTERS = "rwm"

_NO_NUMBERS = (None, None, None)


def validate_edits(edits: ContainerEdits) -> list[Problem]:
    """Every problem of a block of edits; the places start at the block."""
    found: list[Problem] = []
    if edits.env:
        found += each("env", edits.env, _variable)
    if edits.device_nodes:
        found += each("deviceNodes", edits.device_nodes, _device_node)
    if edits.net_devices:
        found += _net_devices(edits.net_devices)
    if edits.hooks:
        found += each("hooks", edits.hooks, _hook)
    if edits.mounts:
        found += each("mounts", edits.mounts, _mount)
    if edits.intel_rdt is not None:
        found += under("intelRdt", _intel_rdt(edits.intel_rdt))
    if edits.additional_gids:
        found += each("additionalGids", edits.additional_gids, _gid)
    return found


def _variable(variable: str) -> list[Problem]:
    if "\0" in variable:
        return [_nul("")]
    if variable.find("=") > 0:
        return []
    # What may stand behind "=" is not shown: it can be a secret.
    shown = "'=...'" if variable.startswith("=") else quoted(variable)
    message = f"environment variable {shown} is not NAME=value"
    return [problem(Rule.INVALID_ENV, "", message)]


def _device_node(node: DeviceNode) -> list[Problem]:
    found: list[Problem] = []
    if not node.path or "\0" in node.path:
        found.append(_bad_path("path", node.path))
    if "\0" in node.host_path:
        found.append(_nul("hostPath"))
    if node.type not in _DEVICE_TYPES:
        message = f"device type {quoted(node.type)} is not b, c, u or p"
        found.append(problem(Rule.INVALID_DEVICE_TYPE, "type", message))
    if (
        node.permissions.strip(_PERMISSION_LETTERS)
        and node.permissions != NO_PERMISSIONS
    ):
        message = (
            f"permissions {quoted(node.permissions)} are not 'none' or letters of 'rwm'"
        )
        found.append(problem(Rule.INVALID_PERMISSIONS, "permissions", message))
    if (node.major or node.minor) and not (
        _is_in(INT64, node.major) and _is_in(INT64, node.minor)
    ):
        found += _ranges(INT64, major=node.major, minor=node.minor)
    numbers = (node.file_mode, node.uid, node.gid)
    if numbers != _NO_NUMBERS:
        found += _ranges(UINT32, fileMode=node.file_mode, uid=node.uid, gid=node.gid)
    return found


def _net_devices(net_devices: Sequence[LinuxNetDevice]) -> list[Problem]:
    hosts = [device.host_interface_name for device in net_devices]
    names = [device.name for device in net_devices]
    return [
        *_interfaces("hostInterfaceName", hosts),
        *_interfaces("name", names),
    ]


def _interfaces(field: str, names: Sequence[str]) -> list[Problem]:
    found: list[Problem] = []
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        pointer = f"netDevices[{index}].{field}"
        if not name:
            message = f"{field} is missing or empty"
            found.append(problem(Rule.EMPTY_INTERFACE_NAME, pointer, message))
        elif "\0" in name:
            found.append(_nul(pointer))
        elif first.setdefault(name, index) != index:
            message = (
                f"netDevices[{first[name]}] has the {field} {quoted(name)} already"
            )
            found.append(problem(Rule.DUPLICATE_INTERFACE, pointer, message))
    return found


def _hook(hook: Hook) -> list[Problem]:
    found: list[Problem] = []
    if hook.hook_name not in HOOK_NAMES:
        message = (
            f"hook name {quoted(hook.hook_name)} is not one of {', '.join(HOOK_NAMES)}"
        )
        found.append(problem(Rule.INVALID_HOOK_NAME, "hookName", message))
    if not hook.path or "\0" in hook.path:
        found.append(_bad_path("path", hook.path))
    found += _arguments("args", hook.args)
    found += each("env", hook.env, _variable)
    found += _ranges(INT64, timeout=hook.timeout)
    return found


def _mount(mount: Mount) -> list[Problem]:
    found: list[Problem] = []
    if not mount.host_path or "\0" in mount.host_path:
        found.append(_bad_path("hostPath", mount.host_path))
    if not mount.container_path or "\0" in mount.container_path:
        found.append(_bad_path("containerPath", mount.container_path))
    if "\0" in mount.type:
        found.append(_nul("type"))
    found += _arguments("options", mount.options)
    return found


def _intel_rdt(rdt: IntelRdt) -> list[Problem]:
    found: list[Problem] = []
    reason = _why_no_clos_id(rdt.clos_id)
    if reason:
        message = f"closID {quoted(rdt.clos_id)} {reason}"
        found.append(problem(Rule.INVALID_CLOS_ID, "closID", message))
    return found


def _why_no_clos_id(clos_id: str) -> str:
    """What is wrong with it; it becomes the name of a directory, or "/", the root's."""
    if clos_id == "/":
        return ""
    if clos_id in (".", ".."):
        return "can't be the name of a directory"
    if len(clos_id.encode(errors="surrogatepass")) > MAX_CLOS_ID:
        return f"has over {MAX_CLOS_ID} bytes"
    foreign = next((letter for letter in "/\n\0" if letter in clos_id), "")
    return f"has {foreign!r} in it" if foreign else ""


def _gid(gid: int) -> list[Problem]:
    return [] if _is_in(UINT32, gid) else [_out_of_range(UINT32, "", gid)]


def _arguments(field: str, texts: Sequence[str]) -> list[Problem]:
    if "\0" not in "".join(texts):
        return []
    return [
        _nul(at_index(field, index)) for index, text in enumerate(texts) if "\0" in text
    ]


def _ranges(valid: range, **numbers: int | None) -> list[Problem]:
    return [
        _out_of_range(valid, field, number)
        for field, number in numbers.items()
        if number is not None and not _is_in(valid, number)
    ]


def _is_in(valid: range, number: int) -> bool:
    # "in" goes through the whole range for what is equal to an int, and isn't one.
    return valid.start <= number < valid.stop


def _out_of_range(valid: range, field: str, number: int) -> Problem:
    message = f"{number} is not in the range {valid[0]} to {valid[-1]}"
    return problem(Rule.OUT_OF_RANGE, field, message)


def _bad_path(field: str, path: str) -> Problem:
    if path:
        return _nul(field)
    return problem(Rule.EMPTY_PATH, field, f"{field} is missing or empty")


def _nul(field: str) -> Problem:
    return problem(Rule.NUL_CHARACTER, field, "the text has a NUL character in it")
