from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from testbed.capture import Capture

# Says what it was called with, and fails as a runtime may.
RUNC = '#!/bin/sh\nfor word do echo "<$word>"; done\nexit 3\n'


@pytest.fixture
def capture(tmp_path: Path) -> Capture:
    """With an awkward name, as is what it stands in for."""
    folder = tmp_path / "a folder's"
    folder.mkdir()
    runc = folder / "the runc"
    runc.write_text(RUNC)
    runc.chmod(0o755)
    return Capture(folder / "capture", runc)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "the bundle"
    path.mkdir()
    return path


def call(capture: Capture, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [capture.program, *words], capture_output=True, text=True, check=False
    )


def create(capture: Capture, bundle: Path, container_id: str, spec: object) -> None:
    (bundle / "config.json").write_text(json.dumps(spec))
    call(capture, "--root", "/r", "create", "--bundle", str(bundle), container_id)


def test_the_real_runtime_gets_every_word_and_gives_the_status(
    capture: Capture,
) -> None:
    done = call(capture, "--log", "a b", "start", "$x '")
    assert done.stdout == "<--log>\n<a b>\n<start>\n<$x '>\n"
    assert (done.returncode, done.stderr) == (3, "")


def test_the_spec_of_each_container_is_kept_until_it_is_taken(
    capture: Capture, bundle: Path
) -> None:
    create(capture, bundle, "one", {"hostname": "1"})
    create(capture, bundle, "two", {"hostname": "2"})
    assert capture.take() == {"one": {"hostname": "1"}, "two": {"hostname": "2"}}
    assert capture.take() == {}


def test_only_a_container_that_is_created_has_its_spec_kept(
    capture: Capture, bundle: Path
) -> None:
    (bundle / "config.json").write_text("{}")
    for words in (["start", "one"], ["delete", "--force", "one"], ["--version"]):
        call(capture, "--bundle", str(bundle), *words)
    assert capture.take() == {}
