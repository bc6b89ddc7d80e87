"""deploy/Containerfile, against the checkout and against the manifest."""

from __future__ import annotations

import re

import pytest

from testbed import manifest
from testbed.containerfile import parse
from testbed.pythonimage import CONTAINERFILE, PREFIX, ROOT

TEXT = CONTAINERFILE.read_text()
FIRST, LAST = parse(TEXT)


def test_both_stages_have_the_base_that_can_be_chosen() -> None:
    assert FIRST.base == LAST.base
    assert re.search(rf"^ARG PYTHON_IMAGE={re.escape(FIRST.base)}$", TEXT, re.MULTILINE)


def test_every_file_that_is_copied_exists() -> None:
    sources = [name for each in FIRST.all("COPY") for name in each.words[:-1]]
    assert [name for name in sources if not (ROOT / name).exists()] == []
    assert "src/" in sources


def test_the_last_stage_takes_nothing_but_the_program_from_the_first() -> None:
    (copy,) = LAST.all("COPY")
    assert copy.words == [f"--from={FIRST.name}", str(PREFIX), str(PREFIX)]


def test_the_entry_point_is_what_the_probes_run() -> None:
    (program,) = LAST.last("ENTRYPOINT")
    for probe in ("livenessProbe", "readinessProbe"):
        assert manifest.read().container[probe]["exec"]["command"][0] == program
    assert LAST.last("CMD") == ["run"]


def test_the_user_is_that_of_the_manifest() -> None:
    context = manifest.read().container["securityContext"]
    assert LAST.last("USER") == [str(context["runAsUser"])]


def test_all_that_pip_installs_has_an_exact_version() -> None:
    calls = [each.text for each in FIRST.all("RUN") if "/pip " in each.text]
    assert len(calls) == 3
    assert [
        each for each in calls if "constraint requirements/constraints.txt" not in each
    ] == []


def test_the_wheel_is_not_installed_for_editing() -> None:
    assert not re.search(r"--editable|\s-e\s", TEXT)


def test_lines_that_go_on_are_one_instruction_and_comments_are_none() -> None:
    (stage,) = parse('FROM base\n# RUN no\nRUN a \\\n    # why\n    b\nCMD ["c d"]\n')
    assert [each.words for each in stage.instructions] == [["a", "b"], ["c d"]]


def test_an_instruction_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="'VOLUME' is no instruction"):
        parse("FROM base\nVOLUME /x\n")
