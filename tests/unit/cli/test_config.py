"""``nri-cdi config``: the settings in effect, the defaults, and what is wrong."""

from __future__ import annotations

import json
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
import yaml

from nri_cdi.cli import main, make_parser, settings
from nri_cdi.config import OPTIONS, Config, parse_config
from nri_cdi.config.writing import default_file

CLOSED = """\
name: closed
policy:
  default: deny
  rules:
    - {name: gpus, devices: [nvidia.com/gpu=*], action: allow}
environment: {A: a.b/c, B: a.b/c}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with configurations, which is the current one; the node has none."""
    (tmp_path / "closed.yaml").write_text(CLOSED)
    (tmp_path / "broken.yaml").write_text("index: 5\nplicy: {}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settings, "DEFAULT_CONFIG", str(tmp_path / "node.yaml"))
    return tmp_path


def _rows(text: str) -> dict[str, tuple[str, str]]:
    """The table that show prints: of each key, its value and its source."""
    head, *lines = text.splitlines()
    at_value, at_source = head.index("VALUE"), head.index("SOURCE")
    return {
        line[:at_value].strip(): (line[at_value:at_source].strip(), line[at_source:])
        for line in lines
    }


def _shown(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    assert main(["config", "show", *arguments, "-o", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_show_says_what_each_setting_is_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NRI_CDI_INDEX", "20")
    arguments = ["--config", "closed.yaml", "--validate-only", "--spec-dir", "/x"]
    assert main(["config", *arguments, "--exclusive", "a/b=*", "--exclusive", "*"]) == 0
    rows = _rows(capsys.readouterr().out)
    assert list(rows) == [option.key for option in OPTIONS]
    assert {key: row for key, row in rows.items() if row[1] != "default"} == {
        "name": ("closed", "closed.yaml"),
        "index": ("20", "NRI_CDI_INDEX"),
        "spec_dirs": ("/x", "--spec-dir"),
        "environment": ("A=a.b/c, B=a.b/c", "closed.yaml"),
        "policy": ("1 rule, else deny", "closed.yaml"),
        "exclusive": ("a/b=*, *", "--exclusive"),
        "validate": ("only", "--validate-only"),
    }
    assert rows["status"] == ("-", "default")
    assert rows["aliases"] == ("-", "default")


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_what_show_prints_for_programs_is_a_configuration(
    output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "show", "--config", "closed.yaml", "-o", output]) == 0
    printed = capsys.readouterr().out
    assert parse_config(printed, "printed") == parse_config(CLOSED, "closed")


def test_show_reads_the_file_of_the_node(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _shown([], capsys)["name"] == "nri-cdi"
    (folder / "node.yaml").write_text("name: node")
    assert _shown([], capsys)["name"] == "node"
    assert _shown(["--config", "closed.yaml"], capsys)["name"] == "closed"


def test_flags_that_stand_before_the_verb_count(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--log-level", "debug", "config", "show", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["log_level"] == "debug"


def test_a_plugin_that_the_runtime_starts_reads_no_file_of_the_node(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "node.yaml").write_text("name: node")
    monkeypatch.setenv("NRI_PLUGIN_SOCKET", "3")
    assert _shown([], capsys)["name"] == "nri-cdi"
    assert _shown(["--config", "closed.yaml"], capsys)["name"] == "closed"


def test_show_has_no_settings_where_some_are_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NRI_CDI_NAME", "a b")
    assert main(["config", "--config", "broken.yaml", "--socket", "x"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "nri-cdi: broken.yaml:1:8: index: '5' is not an index: two digits, such as "
        "'10'",
        "nri-cdi: broken.yaml:2:1: unknown setting 'plicy'; did you mean 'policy'?",
        "nri-cdi: environment: NRI_CDI_NAME: 'a b' is not a plugin name: letters, "
        "digits and the characters _ . + -",
        "nri-cdi: command line: --socket: 'x' is not an absolute path",
    ]


def test_default_prints_the_commented_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "default", "--config", "broken.yaml"]) == 0
    assert capsys.readouterr().out == default_file()


def test_default_has_values_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "default", "-o", "json"]) == 0
    printed = capsys.readouterr().out
    assert parse_config(printed, "c") == Config()
    assert list(json.loads(printed)) == [option.key for option in OPTIONS]


def test_check_names_every_error_of_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", "broken.yaml"]) == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "broken.yaml:1:8: error: index: '5' is not an index: two digits, such as '10' "
        "[value]",
        "broken.yaml:2:1: error: unknown setting 'plicy'; did you mean 'policy'? "
        "[unknown-key]",
    ]
    assert printed.err == "nri-cdi: 2 errors\n"


def test_check_says_that_a_file_is_good(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", "closed.yaml"]) == 0
    assert capsys.readouterr() == ("closed.yaml: ok\n", "nri-cdi: 0 errors\n")


def test_check_without_a_file_is_about_all_that_run_reads(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "check"]) == 0
    assert capsys.readouterr() == (
        "",
        "nri-cdi: there is no configuration file here; the defaults hold\n"
        "nri-cdi: 0 errors\n",
    )
    (folder / "node.yaml").write_text("name: node")
    assert main(["config", "check"]) == 0
    assert capsys.readouterr().out == f"{folder}/node.yaml: ok\n"
    monkeypatch.setenv("NRI_CDI_POLICY", "deny")
    assert main(["config", "check", "--index", "x"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "environment: error: NRI_CDI_POLICY: 'policy' can be set in the configuration "
        "file alone [unknown]",
        "command line: error: --index: 'x' is not an index: two digits, such as '10' "
        "[value]",
    ]


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_programs_get_what_validate_gives_them(
    output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "check", "broken.yaml", "-o", output]) == 1
    printed = yaml.safe_load(capsys.readouterr().out)
    [file] = printed["files"]
    assert (file["path"], file["ok"]) == ("broken.yaml", False)
    assert file["errors"][0] == {
        "rule": "value",
        "message": "'5' is not an index: two digits, such as '10'",
        "line": 1,
        "column": 8,
        "pointer": "index",
    }
    assert main(["config", "check", "closed.yaml", "-o", output]) == 0
    assert yaml.safe_load(capsys.readouterr().out) == {
        "files": [{"path": "closed.yaml", "ok": True, "errors": []}]
    }


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        (b"name: a", 0, "<stdin>: ok"),
        (b"name: [", 1, "<stdin>:1:8: error: not YAML or JSON: the text ends"),
        (b"", 1, "<stdin>: error: it is empty; a configuration without settings"),
        (b"\xff", 1, "<stdin>:1:1: error: the byte 0xff at offset 0 is not UTF-8"),
    ],
)
def test_check_reads_standard_input(
    data: bytes,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(data)))
    assert main(["config", "check", "-"]) == status
    assert capsys.readouterr().out.startswith(said)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("gone", "gone: error: the file can't be read: no such file or directory"),
        (".", ".: error: it is a directory, and must be a regular file"),
    ],
)
def test_a_file_that_can_not_be_read_is_a_problem(
    file: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "check", file]) == 1
    assert capsys.readouterr().out.startswith(said)


def test_a_file_can_not_speak_to_the_terminal(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    name = "\x1b[2J\n.yaml"
    (folder / name).write_text('"\\e[2J": 1\nname: "\\e\\n"')
    assert main(["config", "check", name]) == 1
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) == 2
    assert printed.replace("\n", "").isprintable()


def test_fail_closed_is_told_the_runtime(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "fail-closed", "--runtime", "containerd:2.2.0"]) == 0
    assert "default_validator" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "closed.yaml"], "show takes no FILE"),
        (["check", "--runtime", "containerd"], "--runtime goes with fail-closed alone"),
        (["chck"], "invalid choice: 'chck'"),
        (["show", "--validate", "--validate-only"], "not allowed with argument"),
    ],
)
def test_bad_usage_is_said(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["config", *arguments])
    assert exited.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["run", "config"])
def test_every_flag_of_the_table_is_there_and_told(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    told = " ".join(capsys.readouterr().out.split())
    for option in OPTIONS:
        assert all(flag in told for flag in option.flags)
        assert (
            option.flag in settings.GLOBAL or not option.flag or option.summary in told
        )


def test_a_flag_that_is_left_out_sets_nothing() -> None:
    options = vars(make_parser(["run"]).parse_args(["run"]))
    assert {option.key for option in OPTIONS} & options.keys() == set()
