"""The files that verbs are given."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from nri_cdi.cdi.reading import MAX_FILE_SIZE
from nri_cdi.cli.sources import Source, sources
from nri_cdi.errors import ConfigError, SpecError


class Stream:
    """Standard input: something that has a buffer."""

    def __init__(self, buffer: io.RawIOBase | io.BufferedIOBase) -> None:
        self.buffer = buffer


class Failing(io.RawIOBase):
    def read(self, _size: int = -1) -> bytes:
        raise IsADirectoryError(21, "Is a directory")


def paths(*arguments: Path | str) -> list[str]:
    return [source.path for source in sources(map(str, arguments))]


def reason(source: Source) -> str:
    with pytest.raises(SpecError) as raised:
        source.read()
    return str(raised.value)


def test_files_come_in_the_order_given_whether_they_are_there_or_not() -> None:
    assert paths("b", "-", "a", "b") == ["b", "<stdin>", "a", "b"]


def test_standard_input_can_be_read_once() -> None:
    with pytest.raises(ConfigError) as raised:
        paths("-", "a", "-")
    assert str(raised.value) == (
        "command line: FILE: standard input can be read only once"
    )


def test_a_directory_stands_for_its_specs_as_a_runtime_sees_them(
    tmp_path: Path,
) -> None:
    for name in ("b.yaml", "a.json", ".h.yaml", "c.yml", "d.txt", "e.YAML"):
        (tmp_path / name).touch()
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "link.json").symlink_to("nowhere")
    (tmp_path / "linked.yaml").symlink_to("folder.yaml")
    names = [Path(path).name for path in paths(tmp_path)]
    assert names == [".h.yaml", "a.json", "b.yaml", "link.json", "linked.yaml"]


def test_an_empty_directory_stands_for_nothing(tmp_path: Path) -> None:
    assert paths(tmp_path) == []


@pytest.mark.parametrize("arguments", [[""], ["-", ""]])
def test_what_is_left_of_an_unset_variable_is_bad_usage(arguments: list[str]) -> None:
    with pytest.raises(ConfigError) as raised:
        paths(*arguments)
    assert str(raised.value) == "command line: FILE: '' is not the name of a file"


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xff\x00")
    assert Source(path=str(path)).read() == b"\xff\x00"


def test_what_is_not_there_says_so_when_it_is_read() -> None:
    (source,) = sources(["/nowhere/a.yaml"])
    assert reason(source) == (
        "/nowhere/a.yaml: the file can't be read: no such file or directory"
    )


@pytest.mark.parametrize("name", ["a" * 5000, "a\0b"])
def test_a_name_that_no_file_can_have_is_no_crash(name: str) -> None:
    (source,) = sources([name])
    assert "the file can't be read: " in reason(source)


def test_a_directory_that_can_not_be_listed_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may list every directory, so the system's answer is played.
    def refuse(_path: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    (source,) = sources([str(tmp_path)])
    assert reason(source) == (
        f"{tmp_path}: the directory can't be listed: permission denied"
    )


def test_a_directory_that_may_not_be_looked_at_is_left_to_the_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # pathlib lets this error through, and root never gets it.
    def refuse(_path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", refuse)
    assert paths("/nowhere/a.yaml") == ["/nowhere/a.yaml"]


@pytest.mark.parametrize(
    ("buffer", "expected"),
    [
        (io.BytesIO(b"kind: x"), b"kind: x"),
        (io.BytesIO(b""), b""),
        (io.BytesIO(b" " * MAX_FILE_SIZE), b" " * MAX_FILE_SIZE),
    ],
    ids=["some", "none", "most"],
)
def test_standard_input_is_read_whole(
    buffer: io.BytesIO, expected: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Stream(buffer))
    (source,) = sources(["-"])
    assert source.read() == expected


@pytest.mark.parametrize(
    ("buffer", "expected"),
    [
        (Failing(), "<stdin>: it can't be read: is a directory"),
        (
            io.BytesIO(b" " * (MAX_FILE_SIZE + 1)),
            "<stdin>: there are over 16777216 bytes",
        ),
    ],
    ids=["unreadable", "too much"],
)
def test_standard_input_that_can_not_be_had_says_why(
    buffer: io.RawIOBase, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Stream(buffer))
    (source,) = sources(["-"])
    assert reason(source) == expected


def test_a_closed_standard_input_is_an_empty_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    (source,) = sources(["-"])
    assert source.read() == b""


def test_a_stream_that_is_open_already_is_read_as_shells_name_it() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"text")
    os.close(writing)
    try:
        assert Source(path=f"/dev/fd/{reading}").read() == b"text"
    finally:
        os.close(reading)


def test_a_stream_that_is_not_open_is_an_error() -> None:
    with pytest.raises(SpecError, match="it can't be read: no such file"):
        Source(path="/dev/fd/999999").read()
