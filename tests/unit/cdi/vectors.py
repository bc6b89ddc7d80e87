"""The reference implementation's own test cases, where the checkout has them beside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

_FOLDER = Path(__file__).parents[4] / "shared" / "vectors"


def vectors(file: str, test: str) -> list[Any]:
    """The cases of a test of the reference, for parametrize; one skip if missing."""
    path = _FOLDER / file
    if not path.is_file():
        skip = pytest.mark.skip(reason=f"{path} is not there")
        return [pytest.param({}, marks=skip, id="missing")]
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    prefix = f"{test}/"
    return [
        pytest.param(line["case"], id=line["test"].removeprefix(prefix))
        for line in lines
        if line["test"].startswith(prefix)
    ]
