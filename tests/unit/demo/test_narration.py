from __future__ import annotations

import pytest

from demo.narration import Narration


def test_a_story_is_numbered_and_indented(capsys: pytest.CaptureFixture[str]) -> None:
    narration = Narration()
    narration.step("Begin")
    narration.say("one\ntwo")
    narration.show("out\n\nput\n")
    narration.step("End")
    assert capsys.readouterr().out == (
        "\n1. Begin\n   one\n   two\n     | out\n     | \n     | put\n\n2. End\n"
    )


def test_only_differences_are_noted(capsys: pytest.CaptureFixture[str]) -> None:
    narration = Narration()
    narration.expect("the sum", 4, 4)
    assert (narration.differences, capsys.readouterr().out) == ([], "")
    narration.expect("the sum", 5, 4)
    assert narration.differences == ["the sum: 5, expected 4"]
    assert capsys.readouterr().out == "   DIFFERS: the sum: 5, expected 4\n"
