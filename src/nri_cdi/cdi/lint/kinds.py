"""What a spec says of itself: version, vendor, class, device names, annotations."""

from __future__ import annotations

import re
from collections.abc import Mapping

from nri_cdi.cdi.annotations import ANNOTATION_PREFIX
from nri_cdi.cdi.lint.findings import Finding, finding
from nri_cdi.cdi.lint.rules import LintRule
from nri_cdi.cdi.model import Spec
from nri_cdi.cdi.pointers import at_key
from nri_cdi.cdi.version import VERSIONS, minimum_version, parse_version
from nri_cdi.errors import InvalidNameError
from nri_cdi.quoting import quoted

# Source: CDI SPEC.md, "Kind".
MAX_VENDOR = 253
MAX_CLASS = 63

# Source: RFC 1123, section 2.1; RFC 1035, section 2.3.4.
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DNS_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")

_LIKE_PERMISSIONS = re.compile(r"(.+):([rwm]{1,3})")


def lint_version(spec: Spec) -> list[Finding]:
    """Whether a lower version would do."""
    try:
        declared = parse_version(spec.cdi_version)
    except InvalidNameError:
        return []  # of an invalid spec, which others report
    needed = minimum_version(spec)
    if VERSIONS.index(declared) <= VERSIONS.index(needed):
        return []
    message = f"{declared} is more than the spec needs: {needed} is enough"
    return [finding(LintRule.VERSION_TOO_HIGH, "cdiVersion", message)]


def lint_kind(spec: Spec) -> list[Finding]:
    """What is doubtful about the vendor and the class."""
    found: list[Finding] = []
    vendor, class_ = spec.vendor, spec.class_
    for what, text, limit in (
        ("vendor", vendor, MAX_VENDOR),
        ("class", class_, MAX_CLASS),
    ):
        if len(text) > limit:
            message = f"the {what} has {len(text)} characters; at most {limit} are sure"
            found.append(finding(LintRule.NAME_TOO_LONG, "kind", message))
    if not _DNS_NAME.fullmatch(vendor):
        message = (
            f"vendor {quoted(vendor)} is not a DNS name in lower case, such as "
            "'vendor.com'"
        )
        found.append(finding(LintRule.VENDOR_NOT_DNS, "kind", message))
    return found


def lint_device_name(name: str) -> list[Finding]:
    """Whether a name looks like something else than a name."""
    match = _LIKE_PERMISSIONS.fullmatch(name)
    if match is None:
        return []
    message = (
        f"{quoted(name)} looks like a device {quoted(match[1])} with the permissions "
        f"{match[2]!r}; CDI has no such thing: permissions are those of a device node"
    )
    return [finding(LintRule.NAME_LIKE_PERMISSIONS, "name", message)]


def lint_annotations(annotations: Mapping[str, str]) -> list[Finding]:
    """Whether an annotation is one that only a pod can have."""
    return [
        finding(
            LintRule.REQUEST_ANNOTATION,
            at_key("annotations", key),
            f"{quoted(key)} asks for devices on a pod, and does nothing in a spec",
        )
        for key in annotations
        if key.startswith(ANNOTATION_PREFIX)
    ]
