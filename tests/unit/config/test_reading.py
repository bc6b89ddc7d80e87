"""A configuration file, or text: what it sets, and what is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.config import BY_KEY, Config, load_config, parse_config
from nri_cdi.errors import ConfigError
from nri_cdi.policy import Action, Policy, Rule
from nri_cdi.requests import ALIASES

EVERYTHING = """\
socket: /run/k3s/nri.sock
name: devices
index: 05
spec_dirs: [/a, /b]
log_level: debug
log_format: json
injection: resolve
aliases: [nvidia.cdi.k8s.io]
environment: {NVIDIA_VISIBLE_DEVICES: nvidia.com/gpu}
policy:
  default: deny
  rules:
    - name: gpus
      namespaces: [research-*]
      action: allow
exclusive: ["nvidia.com/gpu=*"]
validate: true
status: /run/nri-cdi/status.sock
host_dev_root: /host/dev
"""


def test_the_defaults_are_those_of_a_node() -> None:
    assert parse_config("", "c") == Config(
        socket="/var/run/nri/nri.sock",
        name="nri-cdi",
        index="10",
        spec_dirs=("/etc/cdi", "/var/run/cdi"),
        log_level="info",
        log_format="text",
        injection="auto",
        aliases=(),
        environment=(),
        policy=Policy(default=Action.ALLOW, rules=()),
        exclusive=(),
        validate="false",
        status="",
        host_dev_root="",
    )


def test_every_setting_can_be_set() -> None:
    rule = Rule(name="gpus", action=Action.ALLOW, namespaces=("research-*",))
    assert parse_config(EVERYTHING, "c") == Config(
        socket="/run/k3s/nri.sock",
        name="devices",
        index="05",
        spec_dirs=("/a", "/b"),
        log_level="debug",
        log_format="json",
        injection="resolve",
        aliases=("nvidia.cdi.k8s.io",),
        environment=(("NVIDIA_VISIBLE_DEVICES", "nvidia.com/gpu"),),
        policy=Policy(default=Action.DENY, rules=(rule,)),
        exclusive=("nvidia.com/gpu=*",),
        validate="true",
        status="/run/nri-cdi/status.sock",
        host_dev_root="/host/dev",
    )


def test_none_of_them_is_left_at_its_default_above() -> None:
    config, default = parse_config(EVERYTHING, "c"), Config()
    same = {key for key in BY_KEY if getattr(config, key) == getattr(default, key)}
    assert same == set()


def test_json_is_yaml() -> None:
    assert parse_config('{"index": "20", "aliases": []}', "c") == Config(index="20")


def test_what_is_left_out_is_as_in_the_base() -> None:
    base = Config(name="other", spec_dirs=("/x",))
    assert parse_config("index: '20'", "c", base) == Config(
        name="other", spec_dirs=("/x",), index="20"
    )


@pytest.mark.parametrize("text", ["", "# index: 5", "---", "{}", "--- {}\n...\n"])
def test_a_text_may_set_nothing(text: str) -> None:
    assert parse_config(text, "c") == Config()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "c:1:1: expected a mapping of settings"),
        ("null", "c:1:1: expected a mapping of settings"),
        (
            "spec_dir: [/a]",
            "c:1:1: unknown setting 'spec_dir'; did you mean 'spec_dirs'?",
        ),
        ("Policy: {}", "c:1:1: unknown setting 'Policy'; did you mean 'policy'?"),
        (
            "colour: blue",
            f"c:1:1: unknown setting 'colour'; known are {', '.join(BY_KEY)}",
        ),
        ("name: a\nname: b", "c:2:1: name: set twice"),
        ("name: a\n'name': b", "c:2:1: name: set twice"),
        ("? [a]\n: b", "c:1:3: a key must be a text"),
        ("index: 5", "c:1:8: index: '5' is not an index: two digits, such as '10'"),
        ("index: [1]", "c:1:8: index: expected a string"),
        ("index:", "c:1:7: index: expected a string, got null; put the text in quotes"),
        (
            "name: a b",
            "c:1:7: name: 'a b' is not a plugin name: letters, digits and the "
            "characters _ . + -",
        ),
        (
            "a: " + "[" * 20000,
            "c:1:103: lists and mappings are nested over 100 levels deep",
        ),
        (
            f"socket: /{'s' * 107}",
            f"c:1:9: socket: '/{'s' * 107}' is longer than the 107 bytes that the path "
            "of a socket may have",
        ),
        ("socket: nri.sock", "c:1:9: socket: 'nri.sock' is not an absolute path"),
        (
            "spec_dirs: /a",
            "c:1:12: spec_dirs: expected a list of directories; put [ ] around it",
        ),
        (
            "spec_dirs: []",
            "c:1:12: spec_dirs: expected a list of directories, and one at least",
        ),
        ("spec_dirs:", "c:1:11: spec_dirs: expected a list of directories"),
        ("spec_dirs: [/a, b]", "c:1:17: spec_dirs[1]: 'b' is not an absolute path"),
        (
            "log_level: loud",
            "c:1:12: log_level: 'loud' is not a log level: one of debug, info, "
            "warning, error",
        ),
        (
            "injection: Resolv",
            "c:1:12: injection: 'Resolv' is not a way of injection: one of auto, "
            "resolve, delegate; did you mean 'resolve'?",
        ),
        (
            "validate: yes",
            "c:1:11: validate: 'yes' is not a value of validate: one of false, true, "
            "only",
        ),
        (
            "aliases: [nvidia.cdi.k8s]",
            "c:1:11: aliases[0]: 'nvidia.cdi.k8s' is not an alias: one of "
            f"{', '.join(ALIASES)}; did you mean 'nvidia.cdi.k8s.io'?",
        ),
        (
            "environment: [A]",
            "c:1:14: environment: expected a mapping of variables to kinds",
        ),
        (
            "environment: {1A: a/b, B: c}",
            "c:1:15: environment: '1A' is not a variable's name: letters, digits and "
            "_, not starting with a digit\n"
            "c:1:27: environment.B: 'c' is not a kind (vendor/class): it has no '/' "
            "between vendor and class",
        ),
        ("environment: {A: a/b, A: c/d}", "c:1:23: environment.A: set twice"),
        (
            "exclusive: [gpu]",
            "c:1:13: exclusive[0]: 'gpu' can never match a device's name "
            "(vendor/class=name); did you mean '*/gpu=*'?",
        ),
        (
            "exclusive: ['']",
            "c:1:13: exclusive[0]: the glob is empty; '*' matches any, such as "
            "'nvidia.com/gpu=*'",
        ),
        (
            f"exclusive: [{'a/b=c, ' * 1001}]",
            "c:1:12: exclusive: there are over 1000 of them; say more in one",
        ),
        (
            "host_dev_root: dev",
            "c:1:16: host_dev_root: 'dev' is not an absolute path",
        ),
        (
            "name: [",
            "c:1:8: not YAML or JSON: the text ends where a value is expected",
        ),
        (
            "name: \x00",
            "c:1:7: the control character '\\x00' can't stand in a document",
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


@pytest.mark.parametrize(
    "data", [b"name: \xff", "name: \ud800"], ids=["bytes", "surrogate"]
)
def test_what_is_no_text_is_an_error(data: str | bytes) -> None:
    with pytest.raises(ConfigError, match="is not UTF-8; a configuration must be"):
        parse_config(data, "c")


def test_problems_come_in_the_order_of_the_text() -> None:
    text = "validate: x\nenvironment: {A: b}\nunknown: 1\nindex: 5\n"
    with pytest.raises(ConfigError) as raised:
        parse_config(text, "c")
    assert [problem.line for problem in raised.value.problems] == [1, 2, 3, 4]


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


@pytest.mark.parametrize("text", ["", " \n\t\n"])
def test_an_empty_file_is_an_error(text: str, tmp_path: Path) -> None:
    """It is one that is being written, or was lost; its policy would be, too."""
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as raised:
        load_config(str(path))
    assert str(raised.value) == (
        f"{path}: it is empty; a configuration without settings is {{}}"
    )


def test_a_name_that_no_file_can_have_is_an_error() -> None:
    with pytest.raises(ConfigError, match="that can't be a file's name"):
        load_config("/a\0b")


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
