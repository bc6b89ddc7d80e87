"""The configuration is read the same way each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nri_cdi.config import OPTIONS, Config, Loader, needs_restart
from nri_cdi.config.option import Apply
from nri_cdi.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("name: file\nindex: '01'\nlog_level: error\n")
    return path


def test_flags_win_over_the_environment_and_that_over_the_file(file: Path) -> None:
    environ = {"NRI_CDI_NAME": "environ", "NRI_CDI_INDEX": "02"}
    loaded = Loader(str(file), environ, {"name": "flag", "validate": "only"}).read()
    assert loaded.errors == ()
    assert loaded.config == Config(
        name="flag", index="02", log_level="error", validate="only"
    )
    sources = {key: each for key, each in loaded.sources.items() if each != "default"}
    assert sources == {
        "name": "--name",
        "index": "NRI_CDI_INDEX",
        "log_level": str(file),
        "validate": "--validate-only",
    }


def test_a_list_of_a_flag_takes_the_place_of_the_others(file: Path) -> None:
    file.write_text("exclusive: [a/b=c]")
    environ = {"NRI_CDI_EXCLUSIVE": "d/e=f"}
    assert Loader(str(file), environ, {}).load().exclusive == ("d/e=f",)
    flags = {"exclusive": ["g/h=i"]}
    assert Loader(str(file), environ, flags).load().exclusive == ("g/h=i",)


def test_a_changed_file_is_read_and_what_wins_over_it_stays(file: Path) -> None:
    loader = Loader(str(file), {}, {"name": "flag"})
    assert loader.load().index == "01"
    file.write_text("name: changed\nindex: '03'\n")
    assert loader.load() == Config(name="flag", index="03")


def test_a_broken_file_is_an_error_and_a_mended_one_is_not(file: Path) -> None:
    loader = Loader(str(file), {}, {})
    loader.load()
    file.write_text("index: 5\n")
    with pytest.raises(ConfigError, match="'5' is not an index"):
        loader.load()
    file.write_text("index: 05\n")
    assert loader.load().index == "05"


def test_all_that_is_wrong_is_known_at_once(file: Path) -> None:
    file.write_text("index: 5\n")
    loader = Loader(str(file), {"NRI_CDI_NAME": "a b"}, {"socket": "x"})
    loaded = loader.read()
    assert [error.path for error in loaded.errors] == [
        str(file),
        "environment",
        "command line",
    ]
    with pytest.raises(ConfigError, match="'5' is not an index"):
        loader.load()


def test_what_is_right_counts_beside_what_is_wrong() -> None:
    loaded = Loader(None, {"NRI_CDI_NAME": "a b"}, {"log_level": "debug"}).read()
    assert len(loaded.errors) == 1
    assert loaded.config == Config(log_level="debug")


def test_a_file_that_was_asked_for_must_be_there(file: Path) -> None:
    file.unlink()
    with pytest.raises(ConfigError, match="No such file or directory"):
        Loader(str(file), {}, {}).load()


def test_without_a_file_there_are_defaults() -> None:
    loader = Loader(None, {}, {})
    assert (loader.load(), loader.path) == (Config(), "")


def test_a_file_may_come_later_but_not_go(file: Path) -> None:
    """Without the file its policy would be gone."""
    text = file.read_text()
    file.unlink()
    loader = Loader(str(file), {}, {}, may_be_missing=True)
    assert (loader.load(), loader.path) == (Config(), "")
    file.write_text(text)
    assert (loader.load().name, loader.path) == ("file", str(file))
    file.unlink()
    with pytest.raises(ConfigError, match="No such file or directory"):
        loader.load()
    assert loader.path == str(file)


@pytest.mark.parametrize("target", ["nowhere", "config.yaml"])
def test_a_link_that_leads_nowhere_is_no_missing_file(file: Path, target: str) -> None:
    file.unlink()
    file.symlink_to(target)
    with pytest.raises(ConfigError):
        Loader(str(file), {}, {}, may_be_missing=True).load()


def test_a_file_that_can_not_be_seen_is_no_missing_file(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    with pytest.raises(ConfigError, match="Too many levels of symbolic links"):
        Loader(str(loop / "config.yaml"), {}, {}, may_be_missing=True).load()


OTHERS: dict[str, Any] = {
    "socket": "/other",
    "name": "other",
    "index": "42",
    "validate": "true",
    "status": "/other",
}


def test_what_takes_a_restart_is_named() -> None:
    assert OTHERS.keys() == {o.key for o in OPTIONS if o.apply is Apply.RESTART}
    assert needs_restart(Config(), Config(**OTHERS)) == tuple(OTHERS)


def test_what_takes_none_is_not() -> None:
    old = Config(**OTHERS)
    new = Config(**OTHERS, log_level="debug", exclusive=("a/b=c",), spec_dirs=("/a",))
    assert needs_restart(old, new) == ()


BROKEN = """\
status: /run/s.sock
index: '1'
polcy: {}
policy: {default: deny}
spec_dirs: [/a]
log_level: error
"""


def test_of_a_broken_file_the_rest_can_be_looked_at_but_for_its_policy(
    file: Path,
) -> None:
    file.write_text(BROKEN)
    loader = Loader(str(file), {"NRI_CDI_LOG_LEVEL": "debug"}, {"name": "flag"})
    assert loader.legible() == Config(
        status="/run/s.sock", spec_dirs=("/a",), log_level="debug", name="flag"
    )
    with pytest.raises(ConfigError):
        loader.load()


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "3", "# nothing\n"])
def test_of_what_is_no_configuration_nothing_is_made_out(file: Path, text: str) -> None:
    file.write_text(text)
    assert Loader(str(file), {}, {}).legible() == Config()


def test_what_is_right_is_made_out_whole(file: Path) -> None:
    file.write_text("policy: {default: deny}")
    loader = Loader(str(file), {"NRI_CDI_INDEX": "1"}, {})
    assert loader.legible().policy.default == "deny"
    file.unlink()
    assert loader.legible() == Config()
