from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from testbed import engine
from testbed.capture import Capture
from testbed.engine import EngineError, Run, call, observed

SAYS = 'echo said; echo "complaint " >&2; exit {status}'


@pytest.fixture
def capture(tmp_path: Path) -> Capture:
    return Capture(tmp_path / "capture", Path("/bin/true"))


def client(capture: Capture, bundle: Path, status: int) -> list[str]:
    """An engine's client whose engine has one container made."""
    (bundle / "config.json").write_text(json.dumps({"hostname": "of the container"}))
    create = f"{capture.program} create --bundle {bundle} the-id"
    return ["sh", "-c", f"{create}; {SAYS.format(status=status)}"]


def test_a_command_gives_what_it_prints() -> None:
    assert call(["sh", "-c", 'echo "$WORD"'], {"WORD": "said"}) == "said\n"


def test_a_command_that_fails_is_an_error_with_what_it_says() -> None:
    with pytest.raises(EngineError, match="^complaint$"):
        call(["sh", "-c", SAYS.format(status=1)], os.environ)


def test_a_command_that_hangs_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "RUN_S", 0.05)
    with pytest.raises(EngineError, match=r"^not done within 0.05 s: sleep 9$"):
        call(["sleep", "9"], os.environ)


@pytest.mark.parametrize(("status", "error"), [(0, ""), (125, "complaint")])
def test_a_container_has_its_spec_whatever_becomes_of_it(
    capture: Capture, tmp_path: Path, status: int, error: str
) -> None:
    run = observed(capture, client(capture, tmp_path, status), os.environ)
    config = {"hostname": "of the container"}
    assert run == Run(id="the-id", config=config, output="said\n", error=error)


def test_the_spec_of_an_earlier_container_is_not_taken_for_this_one(
    capture: Capture, tmp_path: Path
) -> None:
    call(client(capture, tmp_path, 0), os.environ)
    with pytest.raises(EngineError, match="^complaint$"):
        observed(capture, ["sh", "-c", SAYS.format(status=125)], os.environ)
