"""Reading spec files, from bytes to a spec or to every reason why there is none."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Callable
from io import RawIOBase
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from nri_cdi.cdi import reading
from nri_cdi.cdi.model import (
    ContainerEdits,
    Device,
    DeviceNode,
    Spec,
)
from nri_cdi.cdi.plain import to_plain
from nri_cdi.cdi.reading import LoadedSpec, parse_spec, read_file, read_spec
from nri_cdi.errors import Problem, SpecError
from tests.unit.cdi.strategies import specs, texts

GOOD = """\
cdiVersion: 0.5.0
kind: vendor.com/device
devices:
- name: dev
  containerEdits:
    env: [A=b]
"""
GOOD_SPEC = Spec(
    cdi_version="0.5.0",
    kind="vendor.com/device",
    devices=(Device(name="dev", container_edits=ContainerEdits(env=("A=b",))),),
)


def _error(text: str | bytes) -> str:
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(SpecError) as caught:
        parse_spec(data, "f.yaml")
    return str(caught.value)


GOOD_JSON = json.dumps(
    {
        "cdiVersion": "0.5.0",
        "kind": "vendor.com/device",
        "devices": [{"name": "dev", "containerEdits": {"env": ["A=b"]}}],
    }
)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"---\n{GOOD}",
        f"%YAML 1.1\n---\n{GOOD}",
        f"\ufeff{GOOD}",
        GOOD.replace("\n", "\r\n"),
        f"{GOOD}---\n@ what follows is not read",
        f"# comment\n{GOOD}# comment\n",
        GOOD.replace("0.5.0", "'0.5.0'"),
        GOOD.replace("devices", "DEVICES"),
        GOOD.replace("[A=b]", "&env [A=b]"),
        f"{GOOD}containerEdits:\n",
        f"{GOOD}annotations: {{}}\n",
        GOOD_JSON,
        f"\ufeff\n{GOOD_JSON}\n",
        f"{GOOD_JSON} trailing",
        f"{GOOD_JSON[:-1]},}} # a comment",
    ],
)
def test_a_good_text_is_a_spec(text: str) -> None:
    loaded = parse_spec(text.encode(), "f.yaml")
    assert loaded == LoadedSpec(spec=GOOD_SPEC, path="f.yaml", warnings=())


@pytest.mark.parametrize(
    ("written", "name"),
    [("0", "0"), ("1.0", "1"), ("yes", "true"), ("010", "8"), ("'010'", "010")],
)
def test_scalars_in_place_of_strings_are_what_go_makes_of_them(
    written: str, name: str
) -> None:
    text = GOOD.replace("name: dev", f"name: {written}")
    assert parse_spec(text.encode(), "f").spec.devices[0].name == name


DEVICE_NODE = f"{GOOD}    deviceNodes:\n    - path: /dev/a\n      "


@pytest.mark.parametrize(
    ("line", "node"),
    [
        ("fileMode: 0o666", DeviceNode(path="/dev/a", file_mode=0o666)),
        ("fileMode: 0666", DeviceNode(path="/dev/a", file_mode=0o666)),
        ("uid: 10.0", DeviceNode(path="/dev/a", uid=10)),
        ("major: 0x10", DeviceNode(path="/dev/a", major=16)),
        ("minor: 1e3", DeviceNode(path="/dev/a", minor=1000)),
        ("gid: null", DeviceNode(path="/dev/a")),
    ],
)
def test_scalars_in_place_of_integers_are_what_go_makes_of_them(
    line: str, node: DeviceNode
) -> None:
    edits = parse_spec(f"{DEVICE_NODE}{line}\n".encode(), "f").spec.devices[0]
    assert edits.container_edits.device_nodes == (node,)


def test_anchors_and_merges_work() -> None:
    text = (
        "cdiVersion: 0.5.0\nkind: a/b\ndevices:\n"
        "- &first {name: p, containerEdits: &edits {env: [A=b]}}\n"
        "- <<: *first\n  name: q\n"
        "- name: r\n  containerEdits: *edits\n"
    )
    spec = parse_spec(text.encode(), "f").spec
    assert [device.name for device in spec.devices] == ["p", "q", "r"]
    assert {device.container_edits for device in spec.devices} == {
        ContainerEdits(env=("A=b",))
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.yaml: there is no spec: the text, or its first document, is empty"),
        (
            " \n# nothing\n",
            "f.yaml: there is no spec: the text, or its first document, is empty",
        ),
        ("null", "f.yaml: there is no spec: the text, or its first document, is empty"),
        (
            "---\n---\na: b",
            "f.yaml: there is no spec: the text, or its first document, is empty",
        ),
        ("a string", "f.yaml:1:1: expected a mapping, got a string"),
        (
            b"kind: \xe9",
            "f.yaml:1:7: the byte 0xe9 at offset 6 is not UTF-8; a spec must be UTF-8",
        ),
        (
            "a: b: c",
            "f.yaml:1:5: not YAML or JSON: no key can stand here: the indentation "
            "may be wrong, the line before may lack its ':', or a text with ': ' in "
            "it its quotes",
        ),
        (
            "\0",
            r"f.yaml:1:1: the control character '\x00' can't stand in a document",
        ),
        (
            "[" * 200,
            "f.yaml:1:101: lists and mappings are nested over 100 levels deep",
        ),
        (
            f"{GOOD}kind: a/b\n",
            "f.yaml:7:1: kind: the key 'kind' is already on line 2",
        ),
        (
            '{"cdiVersion": "0.5.0",\n "kind": "a/b", "kind": "a/b",\n "devices": 1}',
            "f.yaml:2:17: kind: the key 'kind' is already on line 2\n"
            "f.yaml:3:2: devices: expected a list, got an integer",
        ),
        (
            GOOD.replace("A=b", "*x"),
            "f.yaml:6:11: devices[0].containerEdits.env[0]: "
            "no anchor 'x' stands before this alias",
        ),
        (
            "*x",
            "f.yaml:1:1: no anchor 'x' stands before this alias",
        ),
        (
            GOOD.replace("    env", "    envs"),
            "f.yaml:6:5: devices[0].containerEdits.envs: "
            "unknown field 'envs'; did you mean env?",
        ),
        (
            GOOD.replace("A=b", ""),
            "f.yaml:5:3: devices[0].containerEdits: "
            "no edits; a device needs at least one of its own",
        ),
        (
            GOOD.replace("[A=b]", "A=b"),
            "f.yaml:6:5: devices[0].containerEdits.env: expected a list, got a string",
        ),
        (
            GOOD.replace("- name", "- null\n- name"),
            "f.yaml:4:3: devices[0]: expected a mapping, got null",
        ),
        (
            GOOD.replace("0.5.0", "0.4"),
            "f.yaml:1:1: cdiVersion: unknown version '0.4'; expected one of 0.3.0, "
            "0.4.0, 0.5.0, 0.6.0, 0.7.0, 0.8.0, 1.0.0, 1.1.0",
        ),
        (
            f"{GOOD}annotations: {{a b: c}}\n",
            "f.yaml:1:1: cdiVersion: "
            "the version must be at least 0.6.0 for annotations, not 0.5.0\n"
            "f.yaml:7:15: annotations['a b']: annotation key 'a b': the name must be "
            "letters, digits, '-', '_' and '.', starting and ending with a letter or "
            "digit",
        ),
        (
            f"{GOOD}- name: dev\n  containerEdits: {{env: [B=c]}}\n",
            "f.yaml:7:3: devices[1].name: devices[0] has the name 'dev' already",
        ),
        (
            "{}",
            "f.yaml:1:1: cdiVersion: no version is given; the spec needs 0.3.0 at "
            "least\n"
            "f.yaml:1:1: kind: no kind is given; expected vendor/class\n"
            "f.yaml:1:1: devices: no devices; a spec needs at least one",
        ),
        (
            f"{DEVICE_NODE}major: '10'\n      minor: 10.5\n      uid: -1\n"
            "      gid: 4294967296\n      fileMode: yes\n      type: x\n",
            "f.yaml:9:7: devices[0].containerEdits.deviceNodes[0].major: "
            "expected an integer, got the string '10'; leave out the quotes\n"
            "f.yaml:10:7: devices[0].containerEdits.deviceNodes[0].minor: "
            "expected an integer, got 10.5\n"
            "f.yaml:11:7: devices[0].containerEdits.deviceNodes[0].uid: "
            "-1 is not in the range 0 to 4294967295\n"
            "f.yaml:12:7: devices[0].containerEdits.deviceNodes[0].gid: "
            "4294967296 is not in the range 0 to 4294967295\n"
            "f.yaml:13:7: devices[0].containerEdits.deviceNodes[0].fileMode: "
            "expected an integer, got a boolean\n"
            "f.yaml:14:7: devices[0].containerEdits.deviceNodes[0].type: "
            "device type 'x' is not b, c, u or p",
        ),
        (
            f"{GOOD}containerEdits:\n  mounts:\n"
            "  - hostPath: /a\n  - options: [a, null]\n",
            "f.yaml:9:5: containerEdits.mounts[0].containerPath: "
            "containerPath is missing or empty\n"
            "f.yaml:10:5: containerEdits.mounts[1].hostPath: "
            "hostPath is missing or empty\n"
            "f.yaml:10:5: containerEdits.mounts[1].containerPath: "
            "containerPath is missing or empty\n"
            "f.yaml:10:18: containerEdits.mounts[1].options[1]: "
            "expected a string, got null",
        ),
        (
            # libyaml takes these escapes for an error.
            '{"kind": "\\ud83d\\ude00", "cdiVersion": "0.5.0", "devices": 5}',
            "f.yaml:1:2: kind: '\U0001f600' is not a kind (vendor/class): "
            "it has no '/' between vendor and class\n"
            "f.yaml:1:49: devices: expected a list, got an integer",
        ),
    ],
)
def test_a_bad_text_has_all_its_problems_with_their_places(
    text: str | bytes, message: str
) -> None:
    assert _error(text) == message


def test_an_error_has_the_facts_as_attributes() -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(GOOD.replace("A=b", "A").encode(), "/etc/cdi/f.yaml")
    assert caught.value.path == "/etc/cdi/f.yaml"
    assert caught.value.problems == (
        Problem(
            rule="invalid-env",
            message="environment variable 'A' is not NAME=value",
            pointer="devices[0].containerEdits.env[0]",
            line=6,
            column=11,
        ),
    )


def test_a_warning_has_a_place_too() -> None:
    text = GOOD.replace("0.5.0", "0.7.0") + "    intelRdt:\n      enableMBM: true\n"
    (warning,) = parse_spec(text.encode(), "f").warnings
    assert (warning.rule, warning.line, warning.column) == ("removed-field", 8, 7)


def test_the_report_about_a_file_has_an_end() -> None:
    text = f"{GOOD}containerEdits:\n  env:\n" + "  - A\n" * 5000
    lines = _error(text).splitlines()
    assert len(lines) == 1001
    assert lines[0].startswith("f.yaml:9:5: containerEdits.env[0]: ")
    assert lines[-1] == (
        "f.yaml: there are over 1000 problems; the others are left out"
    )


def test_a_billion_laughs_are_too_many() -> None:
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)
    )
    assert _error(text).endswith(
        "the document has over 4194304 keys and values, aliases spelled out"
    )


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(GOOD)
    expected = LoadedSpec(spec=GOOD_SPEC, path=str(path), warnings=())
    assert read_spec(str(path)) == expected


def test_a_path_may_be_an_object(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    loaded = read_spec(tmp_path / "a.yaml")
    assert loaded.path == f"{tmp_path}/a.yaml"


def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text(GOOD)
    link = tmp_path / "f.yaml"
    link.symlink_to("target")
    assert read_spec(str(link)).spec == GOOD_SPEC


def test_a_file_without_a_size_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    # Files of procfs have one, but say 0.
    path = Path("/proc/self/status")
    assert path.stat().st_size == 0
    with pytest.raises(SpecError) as caught:
        read_spec(str(path))
    assert caught.value.problems[0].line == 1


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


@pytest.mark.parametrize(
    ("make", "rule", "message"),
    [
        (
            Path.mkdir,
            "not-a-regular-file",
            "it is a directory, and must be a regular file",
        ),
        (
            os.mkfifo,
            "not-a-regular-file",
            "it is a FIFO, and must be a regular file",
        ),
        (
            _socket,
            "not-a-regular-file",
            "it is a socket, and must be a regular file",
        ),
        (
            lambda path: path.symlink_to("/dev/null"),
            "not-a-regular-file",
            "it is a character device, and must be a regular file",
        ),
        (
            lambda path: path.symlink_to(path.name),
            "unreadable-file",
            "the file can't be read: too many levels of symbolic links",
        ),
        (
            lambda path: path.symlink_to("nowhere"),
            "unreadable-file",
            "the file can't be read: it is a link to 'nowhere', which leads nowhere",
        ),
        (
            lambda path: None,
            "unreadable-file",
            "the file can't be read: no such file or directory",
        ),
    ],
)
def test_what_is_no_regular_file_is_an_error(
    tmp_path: Path, make: Callable[[Path], object], rule: str, message: str
) -> None:
    path = tmp_path / "x.yaml"
    make(path)
    with pytest.raises(SpecError) as caught:
        read_spec(str(path))
    assert caught.value.problems == (Problem(rule=rule, message=message),)
    assert str(caught.value) == f"{path}: {message}"


def test_a_link_is_not_followed_where_it_must_not_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(GOOD)
    link = tmp_path / "link.yaml"
    link.symlink_to("f.yaml")
    assert read_file(str(path), follow=False) == read_file(str(link)) == GOOD.encode()
    with pytest.raises(SpecError) as caught:
        read_file(str(link), follow=False)
    assert str(caught.value) == (
        f"{link}: it is a symbolic link, and must be a regular file"
    )
    # One that took the file's place just now.
    monkeypatch.setattr(Path, "lstat", lambda _: path.stat())
    with pytest.raises(SpecError, match="too many levels of symbolic links"):
        read_file(str(link), follow=False)


def test_a_block_device_is_no_spec(monkeypatch: pytest.MonkeyPatch) -> None:
    status = os.stat_result([stat.S_IFBLK, *[0] * 9])
    monkeypatch.setattr(Path, "stat", lambda _: status)
    with pytest.raises(SpecError) as caught:
        read_spec("/dev/sda")
    assert str(caught.value) == (
        "/dev/sda: it is a block device, and must be a regular file"
    )


def test_a_file_that_can_not_be_opened_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(GOOD)

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(SpecError) as caught:
        read_spec(str(path))
    assert str(caught.value) == f"{path}: the file can't be read: permission denied"


@pytest.mark.parametrize("path", ["a\0b", "\ud800"])
def test_what_is_no_name_of_a_file_is_an_error(path: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_spec(path)
    (problem,) = caught.value.problems
    assert problem.message == (
        f"the file can't be read: {path!r} can't be a file's name"
    )


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    with path.open("wb") as file:
        file.truncate(reading.MAX_FILE_SIZE + 1)
    with pytest.raises(SpecError) as caught:
        read_spec(str(path))
    assert caught.value.problems == (
        Problem(rule="file-too-large", message="the file has over 16777216 bytes"),
    )


class _Growing(RawIOBase):
    """A file that gives as much as is asked for, without an end."""

    def __init__(self) -> None:
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        self.given += size
        return b"x" * size


def test_a_file_that_grows_is_read_up_to_the_limit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(reading, "MAX_FILE_SIZE", 1_000_000)
    file = _Growing()
    path = tmp_path / "f.yaml"
    path.write_text(GOOD)
    monkeypatch.setattr(os, "fdopen", lambda *_, **__: _Opened(path, file))
    with pytest.raises(SpecError) as caught:
        read_spec(str(path))
    assert caught.value.problems[0].rule == "file-too-large"
    assert file.given <= 1_100_000


class _Opened:
    """A real descriptor, for fstat, in front of a growing file."""

    def __init__(self, path: Path, growing: _Growing) -> None:
        self._real = path.open("rb")
        self._growing = growing

    def __enter__(self) -> _Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self._real.close()

    def fileno(self) -> int:
        return self._real.fileno()

    def read(self, size: int) -> bytes:
        return self._growing.read(size)


@settings(max_examples=40)
@given(specs)
def test_a_spec_written_as_json_is_read_as_the_same(spec: Spec) -> None:
    for ascii_only in (True, False):
        text = json.dumps(to_plain(spec), ensure_ascii=ascii_only)
        assert parse_spec(text.encode(), "f").spec == spec


@settings(max_examples=40)
@given(specs)
def test_a_spec_written_as_yaml_is_read_as_the_same(spec: Spec) -> None:
    # Quoted, for PyYAML doesn't know all that Go takes for something else than text.
    text = yaml.safe_dump(to_plain(spec), default_style='"', allow_unicode=True)
    assert parse_spec(text.encode(), "f").spec == spec


@given(st.sampled_from(("deviceNodes", "name", "kind", "env")), texts)
def test_a_spec_with_another_field_is_refused(field: str, rest: str) -> None:
    value = {**json.loads(GOOD_JSON), f"{field}s{rest}": 1}
    assert "unknown field" in _error(json.dumps(value))


FRAGMENTS = st.sampled_from(
    [*GOOD.split(), *'{}[],:-?&*!|>"#\n\t\0~', "<<", "null", "1e3"]
)


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.lists(FRAGMENTS).map(lambda parts: " ".join(parts).encode())
    | st.lists(FRAGMENTS).map(lambda parts: f"{{{' '.join(parts)}}}".encode())
)
def test_any_bytes_are_a_spec_or_an_error_of_ours(data: bytes) -> None:
    try:
        loaded = parse_spec(data, "f")
    except SpecError as error:
        assert error.problems
        assert all(problem.message for problem in error.problems)
    else:
        assert loaded.spec.devices


@given(st.integers(0, len(GOOD)), st.integers(0, len(GOOD)), st.text(max_size=3))
def test_a_damaged_text_is_a_spec_or_an_error_of_ours(
    start: int, end: int, between: str
) -> None:
    data = f"{GOOD[:start]}{between}{GOOD[end:]}".encode()
    try:
        loaded = parse_spec(data, "f")
    except SpecError as error:
        assert error.problems
    else:
        assert loaded.spec.devices


SAMPLES = Path(__file__).parents[4] / "shared" / "data"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"{SAMPLES} is not there")
@pytest.mark.parametrize(
    ("path", "devices"),
    [
        ("specs/mock.yaml", 8),
        ("specs/nvidia-525.yaml", 2),
        ("nvidia-toolkit/nvidia-ctk-1.20-nvml-2gpu.yaml", 5),
        ("nvidia-toolkit/nvidia-ctk-1.20-management.yaml", 1),
    ],
)
def test_specs_that_generators_wrote_are_read(path: str, devices: int) -> None:
    # The samples have @ROOT@, which can't start a plain scalar, for a folder's name.
    data = (SAMPLES / path).read_bytes().replace(b"@ROOT@", b"/root")
    loaded = parse_spec(data, path)
    assert len(loaded.spec.devices) == devices
    assert loaded.warnings == ()
