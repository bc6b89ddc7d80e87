"""Writes the constraints files: the exact version of everything that gets installed.

    python -m tools.lock    from the root of the checkout, as `make lock` does

Takes the newest versions that pyproject.toml allows, on the oldest Python that the
package supports: newer ones need the same packages or fewer.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace

from tools.environment import (
    CACHE,
    ENVIRONMENTS,
    ROOT,
    Environment,
    SetupError,
    create,
    install,
    name_of,
    one_at_a_time,
)

OLDEST_PYTHON = (3, 11)  # requires-python
# What hatchling asks for, beyond its own dependencies, to build an editable wheel.
EDITABLE_BUILD = "editables"
# Comes with the environment of some Python versions; nothing here uses it.
UNPINNED = "setuptools"
HEADER = """\
# The exact versions that tools/setup installs. Made by `make lock`; don't edit.
"""


def main() -> int:
    if sys.version_info[:2] != OLDEST_PYTHON:
        print(
            "lock: needs Python 3.11, the oldest supported: PYTHON=python3.11 make lock"
        )
        return 1
    try:
        with one_at_a_time():
            for name, environment in ENVIRONMENTS.items():
                lock(name, environment)
    except SetupError as error:
        print(f"lock: {error}", file=sys.stderr)
        return 1
    return 0


def lock(name: str, environment: Environment) -> None:
    """Installs into an empty environment, and pins what has come of it."""
    trial = replace(
        environment,
        folder=CACHE / "lock" / name,
        requirements=(*environment.requirements, *build_requirements(environment)),
    )
    create(trial)
    install(trial, pinned=False)
    environment.constraints.write_text(HEADER + frozen(trial))
    shutil.rmtree(trial.folder)
    print(f"lock: wrote {name_of(environment.constraints)}")


def build_requirements(environment: Environment) -> tuple[str, ...]:
    """What pip installs to build the package, in an environment that is thrown away."""
    if "--editable" not in environment.requirements:
        return ()
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return (*pyproject["build-system"]["requires"], EDITABLE_BUILD)


def frozen(environment: Environment) -> str:
    """One `name==version` a line."""
    command = [str(environment.python), "-I", "-m", "pip", "freeze", "--all"]
    options = ["--exclude-editable", "--exclude", UNPINNED]
    return subprocess.run(
        [*command, *options], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


if __name__ == "__main__":
    sys.exit(main())
