"""What the containers of a pod would get, as the plugin itself would answer."""

from __future__ import annotations

from nri_cdi.explanation.explainer import Explainer
from nri_cdi.explanation.model import (
    ContainerExplanation,
    PodExplanation,
    RequestedDevice,
    Result,
)

__all__ = [
    "ContainerExplanation",
    "Explainer",
    "PodExplanation",
    "RequestedDevice",
    "Result",
]
