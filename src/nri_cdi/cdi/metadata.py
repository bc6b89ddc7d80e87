"""Annotations of specs and devices: the rules are those of Kubernetes.

The reference means to check them and, by a slip in a type, doesn't.

Source: CDI internal/validation/k8s/objectmeta.go and validation.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice

from nri_cdi.cdi.pointers import at_key
from nri_cdi.cdi.problems import MAX_PROBLEMS
from nri_cdi.cdi.rules import Rule
from nri_cdi.errors import Problem
from nri_cdi.quoting import quoted

MAX_PREFIX = 253
"""Characters of a key's prefix: those of a DNS-1123 subdomain."""
MAX_NAME = 63
"""Characters of a key's name."""
MAX_TOTAL = 256 * 1024
"""Bytes of all keys and values of one object together."""

_LABEL = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NAME = re.compile("[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")


def validate_annotations(annotations: Mapping[str, str]) -> list[Problem]:
    """Every problem of a spec's or a device's annotations; pointers start at them."""
    found = (
        Problem(
            rule=Rule.INVALID_ANNOTATION_KEY,
            message=f"annotation key {quoted(key)}: {reason}",
            pointer=at_key("", key),
        )
        for key in annotations
        if (reason := _why_invalid(key))
    )
    problems = list(islice(found, MAX_PROBLEMS))
    total = sum(_bytes(key) + _bytes(value) for key, value in annotations.items())
    if total > MAX_TOTAL:
        message = f"the annotations have {total} bytes; at most {MAX_TOTAL} are allowed"
        problems.append(Problem(rule=Rule.ANNOTATIONS_TOO_LARGE, message=message))
    return problems


def _bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _why_invalid(key: str) -> str:
    """What is wrong with a key; empty if nothing is. Case doesn't count."""
    prefix, slash, name = key.lower().rpartition("/")
    if slash and not prefix:
        return "the prefix before '/' is empty"
    if len(prefix) > MAX_PREFIX:
        return f"the prefix has over {MAX_PREFIX} characters"
    if slash and not _SUBDOMAIN.fullmatch(prefix):
        return (
            "the prefix must be a DNS name: letters, digits, '-' and '.', "
            "each part starting and ending with a letter or digit"
        )
    if not name:
        return "the name is empty"
    if len(name) > MAX_NAME:
        return f"the name has over {MAX_NAME} characters"
    if not _NAME.fullmatch(name):
        return (
            "the name must be letters, digits, '-', '_' and '.', "
            "starting and ending with a letter or digit"
        )
    return ""
