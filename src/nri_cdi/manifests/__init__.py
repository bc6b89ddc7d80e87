"""Kubernetes manifests: the pods in them, and the pods that they are templates of."""

from __future__ import annotations

from nri_cdi.manifests.model import TEMPLATES, Container, Manifests, Pod
from nri_cdi.manifests.reading import parse_manifests

__all__ = ["TEMPLATES", "Container", "Manifests", "Pod", "parse_manifests"]
