"""Inputs to begin with, by target."""

from __future__ import annotations

from pathlib import Path

SEEDS = Path(__file__).resolve().parent
