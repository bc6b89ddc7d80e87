from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from nri_cdi.address import UnixAddress
from nri_cdi.cli import main
from nri_cdi.config import Config
from tests.unit.status.living import KIND, Living, write_spec
from tests.unit.status.serving import served

HOSTILE = "evil\x1b[31m\u202e\n"


@pytest.fixture
def spec_dir(tmp_path: Path) -> Path:
    path = tmp_path / "cdi"
    path.mkdir()
    write_spec(path, "0", "1")
    return path


@pytest.fixture
def living(spec_dir: Path) -> Living:
    config = Config(spec_dirs=(str(spec_dir),), exclusive=(f"{KIND}=0",))
    living = Living(config).connect()
    assert living.ask(f"{KIND}=0", pod="trainer") == ""
    assert living.ask(f"{KIND}=9", pod=HOSTILE) != ""
    return living


@pytest.fixture
def address(tmp_path: Path, living: Living) -> Iterator[str]:
    address = UnixAddress(path=str(tmp_path / "status.sock"))
    with served(living, address):
        yield str(address)


def test_the_status_is_printed_as_the_page_has_it(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--address", address]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "Serving: containers get the devices that they ask for"
    assert "runtime containerd 2.1.9 (NRI 0.8)" in lines
    assert "policy allow by default, 0 rules" in lines
    assert any(line.startswith(f"{KIND}=0 default/trainer/main /") for line in lines), (
        lines
    )
    assert "spec files: 1" in lines
    assert "requests: injected 1, refused 1" in lines


def shown(address: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert main(["status", "--address", address]) == 0
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_a_runtime_is_shown_in_the_words_of_the_page(
    address: str, living: Living, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime = living.plugin.ledger.link.runtime
    assert runtime is not None
    living.plugin.ledger.link.runtime = replace(runtime, version="2.1.9+unknown")
    lines = shown(address, capsys)
    assert "runtime containerd 2.1.9 (NRI 0.8)" in lines
    [lacks] = [line for line in lines if line.startswith("can't express")]
    assert "network devices, " in lacks
    assert lacks.endswith("an RPC for each event")


def test_why_the_configuration_is_not_in_use_is_shown(
    address: str, living: Living, capsys: pytest.CaptureFixture[str]
) -> None:
    error = "config.yaml:3:1: unknown setting 'polcy'"
    living.reading = replace(living.reading, error=error)
    assert f"error {error}" in shown(address, capsys)
    living.reading = replace(living.reading, refusing=True)
    assert main(["status", "--address", address]) == 1
    assert capsys.readouterr().out.count(error) == 1


def test_what_the_configuration_can_not_have_now_is_shown(
    address: str, living: Living, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "validation false" in shown(address, capsys)
    living.config = replace(living.config, validate="true")
    wanted = replace(living.config, index="20")
    living.reading = replace(living.reading, wanted=wanted)
    lines = shown(address, capsys)
    words = "true, but this runtime asks no plugin (it takes NRI 0.10)"
    assert f"validation {words}" in lines
    assert "after a restart index: 20" in lines


def test_a_device_says_how_it_is_given_and_by_which_name_it_is_held(
    address: str, living: Living, spec_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes = [{"path": "/dev/null"}]
    write_spec(spec_dir, "0", "1", deviceNodes=nodes, additionalGids=[44])
    living.specs.refresh()
    living.plugin.use(living.config)
    path = spec_dir / "vendor.com-gpu.json"
    by = f"default/trainer/main (as {KIND}=0)"
    assert f"{KIND}=1 {by} {path} delegated: additionalGids" in shown(address, capsys)
    living.config = replace(living.config, injection="resolve")
    [line] = [line for line in shown(address, capsys) if line.startswith(f"{KIND}=1")]
    assert f"{path} can't be given: device {KIND}=1 ({path}): additionalGids[0]" in line


def test_foreign_text_does_not_speak_to_the_terminal(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["status", "--address", address])
    out = capsys.readouterr().out
    assert out.replace("\n", "").isprintable()
    assert "evil\\x1b[31m\\u202e\\n" in out


def test_programs_get_what_the_plugin_serves(
    address: str, living: Living, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--address", address, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == living.state()
    assert main(["status", "--address", address, "-o", "yaml"]) == 0
    assert yaml.safe_load(capsys.readouterr().out) == living.state()


@pytest.mark.parametrize("check", ["healthy", "ready"])
def test_a_check_says_nothing_when_all_is_well(
    address: str, check: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--address", address, "--check", check]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_plugin_that_does_not_serve_is_a_problem(
    address: str, living: Living, capsys: pytest.CaptureFixture[str]
) -> None:
    living.plugin.disconnected("the runtime has gone")
    assert main(["status", "--address", address, "--check", "healthy"]) == 0
    assert main(["status", "--address", address, "--check", "ready"]) == 1
    said = "not connected to a runtime: the runtime has gone"
    assert capsys.readouterr() == ("", f"nri-cdi: {said}\n")
    assert main(["status", "--address", address]) == 1
    assert capsys.readouterr().out.startswith(f"Not connected: {said}\n")
    assert main(["status", "--address", address, "-o", "json"]) == 1


def test_a_plugin_in_trouble_is_printed_whole(
    address: str, living: Living, spec_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (spec_dir / "broken.yaml").write_text("a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\ng: 7\n")
    write_spec(spec_dir, "x", kind="vendor.com/net")
    (spec_dir / "twice.json").write_text((spec_dir / "vendor.com-net.json").read_text())
    living.specs.refresh()
    assert main(["status", "--address", address]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Serving, with troubles: 2 things wrong with the specs\n")
    assert "broken.yaml: and " in out
    assert "nobody gets vendor.com/net=x: defined by " in out


def test_the_address_is_that_of_the_configuration(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"status: {address}\n")
    assert main(["status", "--config", str(config), "--check", "ready"]) == 0
    config.write_text("log_level: info\n")
    assert main(["status", "--config", str(config)]) == 2
    said = capsys.readouterr().err
    assert "the plugin's configuration has no 'status'" in said


def test_a_plugin_is_found_though_its_file_is_broken_by_now(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"status: {address}\npolcy: {{}}\n")
    assert main(["status", "--config", str(config), "--check", "ready"]) == 0
    config.write_text(f"statu: {address}\n")
    assert main(["status", "--config", str(config)]) == 2
    assert "unknown setting 'statu'; did you mean 'status'?" in capsys.readouterr().err


def test_a_plugin_that_does_not_run_is_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none.sock"
    for arguments in ([], ["--check", "healthy"], ["-o", "json"]):
        assert main(["status", "--address", str(path), *arguments]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"nri-cdi: {path}: there is no such socket: the plugin")


@pytest.mark.parametrize("address_", ["", "status.sock", "0.0.0.0:1", "localhost:1"])
def test_what_is_no_address_is_a_mistake(
    address_: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--address", address_]) == 2
    err = capsys.readouterr().err
    assert f"{address_!r} is not " in err
    assert "127.0.0.1:PORT or [::1]:PORT" in err
