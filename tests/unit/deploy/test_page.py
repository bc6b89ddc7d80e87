"""docs/deployment.md: what is in it to be applied can be."""

from __future__ import annotations

import configparser
import re

import kubernetes_validate
import pytest
import yaml

from nri_cdi import __version__
from testbed import manifest
from tests.unit.docs.pages import blocks, read

PAGE = read("docs/deployment.md")
OBJECTS = [
    each for block in blocks(PAGE, "yaml") if "kind" in (each := yaml.safe_load(block))
]


def test_every_object_is_what_kubernetes_takes() -> None:
    assert OBJECTS
    for each in OBJECTS:
        kubernetes_validate.validate(
            each, kubernetes_validate.latest_version(), strict=True
        )


def test_the_quota_is_for_the_pods_of_the_manifest() -> None:
    (quota,) = OBJECTS
    (selector,) = quota["spec"]["scopeSelector"]["matchExpressions"]
    assert selector["values"] == [manifest.read().pod["priorityClassName"]]
    assert quota["metadata"]["namespace"] == "nri-cdi"


@pytest.mark.parametrize("pattern", [r"nri-cdi:(\d\S*)", r"nri-cdi-(\d[\d.]*\d)"])
def test_versions_are_this_one_or_the_next(pattern: str) -> None:
    assert set(re.findall(pattern, PAGE)) <= {__version__, "0.2.0"}
    assert __version__ in re.findall(pattern, PAGE)


def test_the_drop_in_overrides_what_the_unit_sets() -> None:
    (block,) = blocks(PAGE, "ini")
    drop_in = configparser.ConfigParser()
    drop_in.optionxform = str  # type: ignore[assignment,method-assign]  # keep the case
    drop_in.read_string(block)
    unit = (manifest.PATH.parent.parent / "systemd/nri-cdi.service").read_text()
    for key, value in drop_in["Service"].items():
        assert re.search(rf"^{key.replace('Allow', 'Deny')}=", unit, re.MULTILINE)
        assert value in " ".join(unit.replace("\n# ", " ").split())
