from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.config import Config, check_settings, load_config, parse_config
from nri_cdi.errors import ConfigError


def test_the_defaults_are_those_of_a_node() -> None:
    assert parse_config("", "c") == Config(
        socket="/var/run/nri/nri.sock",
        name="nri-cdi",
        index="10",
        spec_dirs=("/etc/cdi", "/var/run/cdi"),
        log_level="info",
    )


def test_every_setting_can_be_set() -> None:
    text = """\
socket: /run/k3s/nri.sock
name: devices
index: 05
spec_dirs: [/a, /b]
log_level: debug
"""
    assert parse_config(text, "c") == Config(
        socket="/run/k3s/nri.sock",
        name="devices",
        index="05",
        spec_dirs=("/a", "/b"),
        log_level="debug",
    )


def test_what_is_left_out_is_as_in_the_base() -> None:
    base = Config(name="other", spec_dirs=("/x",))
    assert parse_config("index: '20'", "c", base) == Config(
        name="other", spec_dirs=("/x",), index="20"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "c:1:1: expected a mapping of settings"),
        (
            "spec_dir: [/a]",
            "c:1:1: unknown setting 'spec_dir'; did you mean 'spec_dirs'?",
        ),
        (
            "colour: blue",
            "c:1:1: unknown setting 'colour'; known are socket, name, index, "
            "spec_dirs, log_level",
        ),
        ("name: a\nname: b", "c:2:1: name: set twice"),
        ("index: 5", "c:1:8: index: '5' is not an index: two digits, such as '10'"),
        ("index: [1]", "c:1:8: index: expected a string"),
        (
            "name: a b",
            "c:1:7: name: 'a b' is not a plugin name: letters, digits and the "
            "characters _ . + -",
        ),
        ("a: " + "[" * 20000, "c: lists and mappings are nested too deep"),
        (
            f"socket: /{'s' * 107}",
            f"c:1:9: socket: '/{'s' * 107}' is longer than the 107 bytes that the path "
            "of a socket may have",
        ),
        ("socket: nri.sock", "c:1:9: socket: 'nri.sock' is not an absolute path"),
        ("spec_dirs: /a", "c:1:12: spec_dirs: expected a list of directories"),
        ("spec_dirs: []", "c:1:12: spec_dirs: expected a list of directories"),
        ("spec_dirs: [/a, b]", "c:1:17: spec_dirs[1]: 'b' is not an absolute path"),
        (
            "log_level: loud",
            "c:1:12: log_level: 'loud' is not a log level: one of debug, info, "
            "warning, error",
        ),
        ("name: [", "c:1:8: expected the node content, but found '<stream end>'"),
        (
            "name: \x00",
            "c: unacceptable character #x0000: special characters are not "
            'allowed in "<unicode string>", position 6',
        ),
        (
            "index: x\nsocket: y",
            "c:1:8: index: 'x' is not an index: two digits, such as '10'\n"
            "c:2:9: socket: 'y' is not an absolute path",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_config(text, "c")
    assert str(raised.value) == message


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)))
def test_any_text_gives_a_configuration_or_an_error_of_ours(text: str | bytes) -> None:
    try:
        config = parse_config(text, "c")
    except ConfigError as error:
        assert str(error).startswith("c:")
    else:
        assert isinstance(config, Config)


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("name: filed\n")
    assert load_config(str(path)).name == "filed"


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    with pytest.raises(ConfigError, match=f"^{path}: No such file or directory$"):
        load_config(str(path))


def test_a_huge_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("# " + "x" * 1024 * 1024)
    with pytest.raises(ConfigError, match="larger than the 1048576 bytes that a conf"):
        load_config(str(path))


def test_flags_are_checked_by_the_same_rules() -> None:
    assert check_settings({"index": "07", "spec_dirs": ["/a"]}, "command line") == {
        "index": "07",
        "spec_dirs": ("/a",),
    }
    with pytest.raises(ConfigError) as raised:
        check_settings({"index": "7", "spec_dirs": ["/a", "b"]}, "command line")
    assert str(raised.value) == (
        "command line: --index: '7' is not an index: two digits, such as '10'\n"
        "command line: --spec-dir: 'b' is not an absolute path"
    )


def test_what_could_be_waited_for_forever_is_not_opened(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path in (str(fifo), str(tmp_path), "/dev/zero"):
        with pytest.raises(ConfigError) as raised:
            load_config(path)
        assert str(raised.value) == f"{path}: a configuration must be a regular file"


def test_a_file_that_becomes_another_meanwhile_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.yaml"
    path.touch()
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    stat = Path.stat

    def replaced(self: Path) -> os.stat_result:
        status = stat(self)
        fifo.replace(path)
        return status

    monkeypatch.setattr(Path, "stat", replaced)
    with pytest.raises(ConfigError, match="must be a regular file"):
        load_config(str(path))


def test_a_link_to_a_file_is_one(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("index: '42'")
    (tmp_path / "config.yaml").symlink_to("data")
    assert load_config(str(tmp_path / "config.yaml")).index == "42"
