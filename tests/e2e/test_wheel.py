"""The wheel that deploy/Containerfile builds, in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from nri_cdi import __version__
from testbed import pythonimage
from testbed.containerd import Containerd
from testbed.pythonimage import ROOT
from tests.e2e import specs
from tests.e2e.node import Node
from tests.e2e.pluginprocess import PluginProcess

CONSTRAINTS = ROOT / "requirements/constraints.txt"
DEVICE = f"{specs.KIND}=one"


@pytest.fixture(scope="module")
def wheel() -> Path:
    return pythonimage.build().wheel


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program in a new virtual environment, with nothing but what it needs."""
    folder = tmp_path_factory.mktemp("environment")
    python = Path(sys.executable).resolve()
    run(str(python), "-m", "venv", str(folder))
    pip = [str(folder / "bin/pip"), "install", "--constraint", str(CONSTRAINTS)]
    run(*pip, "--disable-pip-version-check", "--quiet", str(wheel))
    return folder / "bin/nri-cdi"


def run(*command: str) -> str:
    """What a command prints; it has to succeed, in a folder without our sources."""
    # All the rest stays: it may say where pip finds its index.
    kept = {key: value for key, value in os.environ.items() if "PYTHON" not in key}
    done = subprocess.run(
        command,
        cwd="/",
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def test_the_wheel_has_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    source = {
        str(path.relative_to(ROOT / "src"))
        for path in (ROOT / "src/nri_cdi").rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    info = f"nri_cdi-{__version__}.dist-info/"
    assert {name for name in names if not name.startswith(info)} == source
    assert {"nri_cdi/py.typed", "nri_cdi/cli/completion/nri-cdi.bash"} <= names
    assert f"{info}licenses/LICENSE" in names


def test_the_program_says_its_version(program: Path) -> None:
    assert run(str(program), "--version") == f"nri-cdi {__version__}\n"


def test_the_program_lists_devices(program: Path, spec_dir: Path) -> None:
    specs.write(spec_dir / "one.json", specs.spec({"one": specs.env(GIVEN="yes")}))
    assert DEVICE in run(str(program), "list", "--spec-dir", str(spec_dir))


def test_the_program_has_the_files_that_are_no_modules(program: Path) -> None:
    script = ROOT / "src/nri_cdi/cli/completion/nri-cdi.bash"
    assert run(str(program), "completion", "bash") == script.read_text()


def test_the_environment_has_only_what_the_package_asks_for(program: Path) -> None:
    python = str(program.with_name("python"))
    listed = run(python, "-m", "pip", "--disable-pip-version-check", "list")
    assert "nri-cdi" in listed
    assert "grpcio" not in listed
    run(python, "-m", "pip", "--disable-pip-version-check", "check")


def test_the_program_injects(
    program: Path, containerd: Containerd, spec_dir: Path, tmp_path: Path
) -> None:
    specs.write(spec_dir / "one.json", specs.spec({"one": specs.env(GIVEN="yes")}))
    arguments = ["--socket", str(containerd.nri_socket), "--spec-dir", str(spec_dir)]
    with PluginProcess(
        arguments,
        log=tmp_path / "plugin.log",
        environment=containerd.environment,
        program=program,
    ) as plugin:
        plugin.await_serving()
        node = Node(
            containerd=containerd, plugin=plugin, spec_dir=spec_dir, folder=tmp_path
        )
        with node.running(DEVICE) as container:
            given = container.env()["GIVEN"]

    assert given == "yes"
