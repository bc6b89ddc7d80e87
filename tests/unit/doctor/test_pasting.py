from __future__ import annotations

import os
import shlex

import pytest

from nri_cdi.doctor.pasting import pasted

PATHS = (
    ("/etc/cdi/vendor.yaml", "/etc/cdi/vendor.yaml"),
    ("/etc/cdi/a b.yaml", "'/etc/cdi/a b.yaml'"),
    ("/etc/cdi/$(reboot);.yaml", "'/etc/cdi/$(reboot);.yaml'"),
    ("/etc/cdi/it's", """'/etc/cdi/it'"'"'s'"""),
    ("/etc/a\nreboot\n", r"$'/etc/a\012reboot\012'"),
    ("/etc/\x1b[31m'", r"$'/etc/\033\13331m\047'"),
    (os.fsdecode(b"/etc/\xff"), r"$'/etc/\377'"),
)


@pytest.mark.parametrize(("path", "word"), PATHS)
def test_a_path_is_one_word_of_a_shell(path: str, word: str) -> None:
    assert pasted(path) == word
    assert word.isprintable()
    if not word.startswith("$"):
        assert shlex.split(word) == [path]
