"""Hypothesis strategies: valid specs, with every field that a spec can have."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from nri_cdi.cdi.editrules import HOOK_NAMES, INT64, UINT32
from nri_cdi.cdi.model import (
    NO_EDITS,
    ContainerEdits,
    Device,
    DeviceNode,
    Hook,
    IntelRdt,
    LinuxNetDevice,
    Mount,
    Spec,
)

names = st.from_regex(r"\A[A-Za-z0-9]([A-Za-z0-9_.:-]{0,5}[A-Za-z0-9])?\Z")
"""Names of devices."""

vendors = st.from_regex(r"\A[A-Za-z]([A-Za-z0-9_.-]{0,5}[A-Za-z0-9])?\Z")

classes = vendors

kinds = st.builds("{}/{}".format, vendors, classes)

qualified_names = st.builds("{}={}".format, kinds, names)

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
"""Any text that a file can have in it and that a kernel takes."""

paths = texts.filter(bool)

int64s = st.integers(INT64[0], INT64[-1])

uint32s = st.integers(UINT32[0], UINT32[-1])

variables = st.builds("{}={}".format, st.from_regex(r"\A[A-Z_]{1,3}\Z"), texts)
"""Environment variables, NAME=value."""

interface_names = st.from_regex(r"\A[a-z]{2}[0-9]\Z")

annotation_keys = st.from_regex(
    r"\A([a-z0-9]{1,3}(\.[a-z0-9]{1,3})?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,3}[A-Za-z0-9])?\Z"
)

annotation_maps = st.dictionaries(annotation_keys, texts, max_size=2)


def _tuples(
    items: st.SearchStrategy[Any], min_size: int = 0, **limits: Any
) -> st.SearchStrategy[tuple[Any, ...]]:
    limits = {"min_size": min_size, "max_size": 2, **limits}
    return st.lists(items, **limits).map(tuple)


def _optional(
    items: st.SearchStrategy[Any], min_size: int
) -> st.SearchStrategy[Any | None]:
    return items if min_size else st.none() | items


device_nodes = st.builds(
    DeviceNode,
    path=paths,
    host_path=texts,
    type=st.sampled_from(("", "b", "c", "u", "p")),
    major=int64s,
    minor=int64s,
    file_mode=st.none() | uint32s,
    permissions=st.sampled_from(("", "r", "mwr", "rwm", "rrr", "none")),
    uid=st.none() | uint32s,
    gid=st.none() | uint32s,
)

net_devices = st.builds(
    LinuxNetDevice, host_interface_name=interface_names, name=interface_names
)


def hooks_with(min_size: int = 0) -> st.SearchStrategy[Hook]:
    """Hooks whose lists have ``min_size`` items at least."""
    return st.builds(
        Hook,
        hook_name=st.sampled_from(HOOK_NAMES),
        path=paths,
        args=_tuples(texts, min_size),
        env=_tuples(variables, min_size),
        timeout=st.none() | int64s,
    )


def mounts_with(min_size: int = 0) -> st.SearchStrategy[Mount]:
    """Mounts whose options are ``min_size`` at least."""
    return st.builds(
        Mount,
        host_path=paths,
        container_path=paths,
        options=_tuples(texts, min_size),
        type=texts,
    )


def intel_rdts_with(min_size: int = 0) -> st.SearchStrategy[IntelRdt]:
    """RDT settings whose schemata are ``min_size`` at least."""
    return st.builds(
        IntelRdt,
        clos_id=st.sampled_from(("", "/")) | names,
        l3_cache_schema=texts,
        mem_bw_schema=texts,
        schemata=_optional(_tuples(texts, min_size), min_size),
        enable_monitoring=st.booleans(),
    )


def edits_with(min_size: int = 0) -> st.SearchStrategy[ContainerEdits]:
    """Blocks of edits in which each list has ``min_size`` items at least."""
    return st.builds(
        ContainerEdits,
        env=_tuples(variables, min_size),
        device_nodes=_tuples(device_nodes, min_size),
        net_devices=_tuples(
            net_devices,
            min_size,
            # No two of one block may have a name in common.
            unique_by=(lambda each: each.host_interface_name, lambda each: each.name),
        ),
        hooks=_tuples(hooks_with(min_size), min_size),
        mounts=_tuples(mounts_with(min_size), min_size),
        intel_rdt=_optional(intel_rdts_with(min_size), min_size),
        additional_gids=_tuples(uint32s, min_size),
    )


hooks = hooks_with()

mounts = mounts_with()

edits = edits_with()
"""Blocks of edits, empty ones too."""

full_edits = edits_with(1)


def devices_with(
    container_edits: st.SearchStrategy[ContainerEdits],
) -> st.SearchStrategy[Device]:
    """Devices that have such edits."""
    return st.builds(
        Device,
        name=names,
        annotations=annotation_maps,
        container_edits=container_edits,
    )


devices = devices_with(edits.filter(bool))


def specs_of(
    devices: st.SearchStrategy[Device],
    container_edits: st.SearchStrategy[ContainerEdits],
    *,
    max_devices: int = 3,
) -> st.SearchStrategy[Spec]:
    """Valid specs that have such devices, and such edits of their own."""
    return st.builds(
        Spec,
        cdi_version=st.sampled_from(("1.1.0", "v1.1.0")),
        kind=kinds,
        annotations=annotation_maps,
        devices=_tuples(
            devices, 1, max_size=max_devices, unique_by=lambda each: each.name
        ),
        container_edits=container_edits,
    )


specs = specs_of(devices, st.just(NO_EDITS) | edits)
"""Valid specs of the newest version."""

full_specs = specs_of(devices_with(full_edits), full_edits, max_devices=2)
"""Valid specs without an empty list."""
