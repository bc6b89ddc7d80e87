from __future__ import annotations

import subprocess
import sys

import pytest

import nri_cdi.cdi
from nri_cdi.cdi import Cache, inject_devices
from nri_cdi.cdi import apply as apply_module


@pytest.mark.parametrize("name", nri_cdi.cdi.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(nri_cdi.cdi, name) is not None
    assert name in dir(nri_cdi.cdi)


def test_nothing_else_is_loaded_by_name() -> None:
    assert sorted(nri_cdi.cdi._HOMES) == sorted(nri_cdi.cdi.__all__)


def test_a_public_name_is_the_thing_itself() -> None:
    assert inject_devices is apply_module.inject_devices
    assert Cache.__module__ == "nri_cdi.cdi.cache"


def test_another_name_is_the_usual_error() -> None:
    with pytest.raises(AttributeError, match="'nri_cdi.cdi' has no attribute 'cash'"):
        nri_cdi.cdi.cash  # noqa: B018


def test_what_is_not_used_is_not_loaded() -> None:
    script = (
        "import sys; from nri_cdi.cdi import parse_qualified_name; "
        "print(sorted({'yaml', 'json', 'inotify_simple'} & set(sys.modules)))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    ).stdout
    assert printed == "[]\n"
