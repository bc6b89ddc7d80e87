"""The laws of applying edits to an OCI spec, for any OCI spec and any edits.

The bytes are a CDI spec behind a line of dashes, and before it an OCI spec. Where
there is no such line, the edits are a fixed set that has each kind.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import NoReturn

from fuzz.seeds import SEEDS
from nri_cdi.cdi.apply import apply_edits
from nri_cdi.cdi.edits import merge
from nri_cdi.cdi.model import ContainerEdits
from nri_cdi.cdi.reading import parse_spec, read_spec
from nri_cdi.errors import OciSpecError, RequestError, SpecError
from nri_cdi.oci import EnvMode
from nri_cdi.oci.document import format_oci_spec, parse_oci_spec

PATH = "fuzz.json"
_SEPARATOR = b"\n---\n"


def check(data: bytes) -> None:
    """Raises unless the edits apply or are refused, and either as it should be."""
    oci_data, _, cdi_data = data.partition(_SEPARATOR)
    try:
        spec = parse_oci_spec(oci_data, PATH)
        edits = _edits(cdi_data) if cdi_data else _every_edit()
    except (OciSpecError, SpecError) as error:
        assert str(error).replace("\n", "").isprintable()
        return
    before = json.dumps(spec)
    for mode in EnvMode:
        try:
            result = apply_edits(spec, edits, env=mode, lstat=_no_node, path=PATH)
        except (OciSpecError, RequestError) as error:
            assert str(error).replace("\n", "").isprintable()
        else:
            assert set(result) >= set(spec)
            assert parse_oci_spec(format_oci_spec(result), PATH) == result
        assert json.dumps(spec) == before


def _edits(data: bytes) -> ContainerEdits:
    spec = parse_spec(data, PATH).spec
    devices = [device.container_edits for device in spec.devices]
    return merge([spec.container_edits, *devices])


@cache
def _every_edit() -> ContainerEdits:
    path = SEEDS / "reader" / "everything.yaml"
    return read_spec(str(path)).spec.container_edits


def _no_node(path: str) -> NoReturn:
    """The host, without any node: what is found must not depend on this machine."""
    raise FileNotFoundError(2, os.strerror(2), path)
