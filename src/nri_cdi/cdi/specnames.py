"""The names of spec files: those that are generated, and those that can be written.

A spec that is made for one container or one run is transient: it has an identifier in
its name, and whoever wrote it removes it. To the CDI it is a spec like any other.

Source: CDI pkg/cdi/spec.go, GenerateSpecName and those after it; cache.go, WriteSpec.
"""

from __future__ import annotations

import os

from nri_cdi.cdi.model import Spec
from nri_cdi.cdi.names import parse_kind
from nri_cdi.cdi.scan import is_spec_name
from nri_cdi.errors import InvalidNameError
from nri_cdi.quoting import quoted

DEFAULT_EXTENSION = ".yaml"

_NO_NAMES = ("", ".", "..")


def generate_spec_name(vendor: str, class_: str) -> str:
    """The file name, without an extension, of a vendor's spec for a class of devices.

    It is the same for all specs of one kind. Who writes several adds to it.
    """
    return f"{vendor}-{class_}"


def generate_transient_spec_name(vendor: str, class_: str, transient_id: str) -> str:
    """The file name, without an extension, of a spec that is removed again.

    ``transient_id`` tells it from others, as the identifier of a container does.
    """
    return f"{generate_spec_name(vendor, class_)}_{transient_id.replace('/', '_')}"


def generate_name_for_spec(spec: Spec) -> str:
    """As `generate_spec_name`. Raises: InvalidNameError, if the kind is none."""
    return generate_spec_name(*parse_kind(spec.kind))


def generate_name_for_transient_spec(spec: Spec, transient_id: str) -> str:
    """As `generate_transient_spec_name`.

    Raises: InvalidNameError, if the kind is none.
    """
    return generate_transient_spec_name(*parse_kind(spec.kind), transient_id)


def spec_path(path: str | os.PathLike[str]) -> str:
    """The path of a file that a scan takes for a spec: ``path``, or with ``.yaml``.

    Raises:
        InvalidNameError: no file can have it.
    """
    directory, separator, name = os.fsdecode(path).rpartition(os.sep)
    reason = _why_no_path(directory)
    if reason:
        raise InvalidNameError(f"{quoted(directory)} is not a directory: {reason}")
    return f"{directory}{separator}{spec_file_name(name)}"


def spec_file_name(name: str) -> str:
    """The name of a file that a scan takes for a spec: ``name``, or with ``.yaml``.

    Raises:
        InvalidNameError: it would be another directory's, or no file can have it.
    """
    if name in _NO_NAMES:
        raise InvalidNameError(f"{quoted(name)} is not a file name")
    reason = f"it has {os.sep!r} in it" if os.sep in name else _why_no_path(name)
    if reason:
        raise InvalidNameError(f"{quoted(name)} is not a file name: {reason}")
    return name if is_spec_name(name) else name + DEFAULT_EXTENSION


def _why_no_path(text: str) -> str:
    if "\0" in text:
        return "it has '\\x00' in it"
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return "it has letters in it that no file's name can have"
    return ""
