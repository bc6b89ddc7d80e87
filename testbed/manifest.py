"""deploy/nri-cdi.yaml, read: its objects, as they are or with all that is on offer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).resolve().parent.parent / "deploy/nri-cdi.yaml"

# A # with no blank behind it, which is how the file marks what can be taken in.
_OFFER = re.compile(r"^( *)#(?=[^ \n])", re.MULTILINE)
# The socket's line, whose place the port takes.
_REPLACED = re.compile(r"^ *value: &status /.*\n", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The objects of the file, in its order."""

    objects: tuple[dict[str, Any], ...]

    def only(self, kind: str) -> dict[str, Any]:
        """The one object of a kind."""
        (found,) = (each for each in self.objects if each["kind"] == kind)
        return found

    @property
    def pod(self) -> dict[str, Any]:
        """The spec of the DaemonSet's pods."""
        spec: dict[str, Any] = self.only("DaemonSet")["spec"]["template"]["spec"]
        return spec

    @property
    def container(self) -> dict[str, Any]:
        """The container with the plugin."""
        (found,) = (
            each for each in self.pod["containers"] if each["name"] == "nri-cdi"
        )
        return dict(found)

    @property
    def status(self) -> str:
        """The status address that the plugin is told."""
        (found,) = (
            each["value"]
            for each in self.container["env"]
            if each["name"] == "NRI_CDI_STATUS"
        )
        return str(found)

    @property
    def config(self) -> str:
        """The text of the plugin's configuration."""
        return str(self.only("ConfigMap")["data"]["config.yaml"])


def read() -> Manifest:
    """The file as it is."""
    return parse(PATH.read_text())


def read_with_metrics() -> Manifest:
    """The file with everything that it offers to take in."""
    return parse(_OFFER.sub(r"\1", _REPLACED.sub("", PATH.read_text())))


def parse(text: str) -> Manifest:
    """The objects of a file's text."""
    return Manifest(objects=tuple(yaml.safe_load_all(text)))
