"""A plugin that has done a bit of everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from nri_cdi.config import Config
from nri_cdi.policy import Action, Policy, Rule
from tests.unit.status.living import KIND, Living, write_spec

POLICY = Policy(
    rules=(
        Rule(name="no-miners", action=Action.DENY, pods=("miner",)),
        Rule(name="notebooks", action=Action.AUDIT, pods=("notebook",)),
    )
)


@pytest.fixture
def spec_dir(tmp_path: Path) -> Path:
    path = tmp_path / "cdi"
    path.mkdir()
    write_spec(path, "0", "1", "2")
    return path


@pytest.fixture
def living(spec_dir: Path) -> Living:
    """Connected; one container injected, audited, refused, denied and held each."""
    (spec_dir / "broken.yaml").write_text("cdiVersion: 0.6.0\nkind: 3\n")
    config = Config(spec_dirs=(str(spec_dir),), policy=POLICY, exclusive=(f"{KIND}=0",))
    living = Living(config).connect()
    assert living.ask(f"{KIND}=0", pod="trainer") == ""
    assert living.ask(f"{KIND}=1", f"{KIND}=2", pod="notebook") == ""
    assert "in no spec" in living.ask(f"{KIND}=9", pod="typo")
    assert "no-miners" in living.ask(f"{KIND}=1", pod="miner")
    assert "exclusive" in living.ask(f"{KIND}=0", pod="late-comer")
    assert living.ask() == ""
    return living
