"""systemd/nri-cdi.service, as systemd's own tools judge it; none has to run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nri_cdi.cli import make_parser
from testbed.pythonimage import ROOT
from testbed.systemd import Analyzer

UNIT = ROOT / "systemd/nri-cdi.service"
PROGRAMS = ("/usr/local/bin/nri-cdi", "/bin/kill")

EXPOSURE_TENTHS = 15
"""What systemd 252 makes of the unit, 1.4, and no more: 0 is sealed, 100 is bare."""

# What the plugin can't do without, each with its reason in the unit.
OPEN = frozenset(
    (
        *("RootDirectoryOrRootImage", "UserOrDynamicUser", "PrivateDevices"),
        *("PrivateTmp", "PrivateUsers", "ProtectHome", "ProtectKernelLogs"),
        *("MemoryDenyWriteExecute", "ProcSubset", "RestrictAddressFamilies_AF_UNIX"),
        # ProtectClock= lets the clock be read.
        "DeviceAllow",
    )
)


@pytest.fixture
def analyzer(tmp_path: Path) -> Analyzer:
    return Analyzer(UNIT, tmp_path / "root", PROGRAMS)


def test_systemd_finds_nothing_wrong(analyzer: Analyzer) -> None:
    assert analyzer.verify() == ""


@pytest.mark.parametrize(
    ("text", "instead", "complaint"),
    [
        ("WatchdogSec", "WachdogSec", "Unknown key 'WachdogSec'"),
        ("WatchdogSec=30s", "WatchdogSec=often", "Failed to parse sec value"),
        (PROGRAMS[0], "/usr/local/bin/other", "is not executable"),
        ("@privileged", "@priviledged", "Unknown system call group"),
    ],
)
def test_systemd_would_find_a_mistake(
    tmp_path: Path, text: str, instead: str, complaint: str
) -> None:
    broken = tmp_path / UNIT.name
    broken.write_text(UNIT.read_text().replace(text, instead))
    assert complaint in Analyzer(broken, tmp_path / "root", PROGRAMS).verify()


def test_the_exposure_is_low(analyzer: Analyzer) -> None:
    done = analyzer.security(f"--threshold={EXPOSURE_TENTHS}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_is_open_but_what_has_a_reason(analyzer: Analyzer) -> None:
    table = json.loads(analyzer.security("--json=short").stdout)
    exposed = {each["json_field"] for each in table if float(each["exposure"] or 0) > 0}
    assert exposed == OPEN


def test_the_program_takes_the_arguments() -> None:
    (command,) = re.findall(r"^ExecStart=(.*)$", UNIT.read_text(), re.MULTILINE)
    program, *arguments = command.split()
    assert program == PROGRAMS[0]
    assert make_parser(arguments).parse_args(arguments).verb == "run"
