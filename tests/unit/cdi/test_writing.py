"""A spec that is written is whole, readable for everybody, and says the same."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi.composing import compose
from nri_cdi.cdi.model import ContainerEdits, Device, DeviceNode, Mount, Spec
from nri_cdi.cdi.reading import MAX_FILE_SIZE, parse_spec, read_spec
from nri_cdi.cdi.writing import SpecFormat, remove_spec, spec_text, write_spec
from nri_cdi.errors import InvalidNameError, SpecError


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def spec_with(*env: str, version: str = "0.6.0", kind: str = "v.com/c") -> Spec:
    device = Device(name="0", container_edits=ContainerEdits(env=env))
    return Spec(cdi_version=version, kind=kind, devices=(device,))


SPEC = Spec(
    cdi_version="0.6.0",
    kind="vendor.com/gpu",
    annotations={"vendor.com/note": "yes"},
    devices=(
        Device(
            name="0",
            container_edits=ContainerEdits(
                env=("A=b",),
                device_nodes=(DeviceNode(path="/dev/a", type="c", file_mode=0o660),),
            ),
        ),
    ),
    container_edits=ContainerEdits(
        mounts=(Mount(host_path="/a", container_path="/b", options=("ro", "bind")),)
    ),
)

JSON = """\
{
  "cdiVersion": "0.6.0",
  "kind": "vendor.com/gpu",
  "annotations": {
    "vendor.com/note": "yes"
  },
  "devices": [
    {
      "name": "0",
      "containerEdits": {
        "env": [
          "A=b"
        ],
        "deviceNodes": [
          {
            "path": "/dev/a",
            "type": "c",
            "fileMode": 432
          }
        ]
      }
    }
  ],
  "containerEdits": {
    "mounts": [
      {
        "hostPath": "/a",
        "containerPath": "/b",
        "options": [
          "ro",
          "bind"
        ]
      }
    ]
  }
}
"""


def test_json_is_indented_and_ends_with_a_line() -> None:
    assert spec_text(SPEC, SpecFormat.JSON) == JSON


def test_yaml_is_in_block_style_with_ambiguous_words_in_quotes() -> None:
    text = spec_text(SPEC, SpecFormat.YAML)
    assert text.startswith("cdiVersion: 0.6.0\nkind: vendor.com/gpu\n")
    assert 'vendor.com/note: "yes"\n' in text
    assert "{" not in text


LETTERS = st.characters(codec="utf-8", exclude_characters="\0")


@given(st.lists(st.text(LETTERS).map("A={}".format), min_size=1))
def test_what_is_written_reads_as_the_same(env: list[str]) -> None:
    spec = spec_with(*env)
    for form in SpecFormat:
        assert parse_spec(spec_text(spec, form).encode(), "f").spec == spec


@given(st.text(LETTERS))
def test_json_is_the_same_for_a_reader_of_yaml(text: str) -> None:
    """The reference reads every file as YAML."""
    written = spec_text(spec_with(f"A={text}"), SpecFormat.JSON)
    assert compose(written).value == json.loads(written)


@pytest.mark.parametrize("text", ["\x7f", "\x85", "\u2028", "\ufeff", "\uffff", "😀é"])
def test_letters_that_yaml_does_not_have_are_escaped_in_json(text: str) -> None:
    written = spec_text(spec_with(f"A={text}"), SpecFormat.JSON)
    assert (text in written) is (text == "😀é")
    assert compose(written).value == json.loads(written)


@pytest.mark.parametrize(
    ("name", "written"),
    [("a.json", "a.json"), ("a.yaml", "a.yaml"), ("a", "a.yaml"), ("a.b", "a.b.yaml")],
)
def test_the_extension_says_the_format(tmp_path: Path, name: str, written: str) -> None:
    path = write_spec(SPEC, f"{tmp_path}/{name}")
    assert path == f"{tmp_path}/{written}"
    assert names(tmp_path) == [written]
    expected = spec_text(SPEC, SpecFormat(Path(written).suffix))
    assert Path(path).read_text() == expected
    assert read_spec(path).spec == SPEC


def test_a_relative_path_stays_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert write_spec(SPEC, "a") == "a.yaml"
    assert write_spec(SPEC, "./new/b") == "./new/b.yaml"
    assert remove_spec("a")
    assert names(tmp_path) == ["new"]


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everybody_may_read_what_is_new_whatever_the_umask(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(mode=0o700)
    with umask(0o077):
        path = Path(write_spec(SPEC, f"{tmp_path}/there/var/cdi/a.json"))
    assert mode(path) == 0o644
    assert mode(path.parent) == mode(path.parent.parent) == 0o755
    assert mode(tmp_path / "there") == 0o700


def test_a_file_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    path.chmod(0o640)
    write_spec(SPEC, str(path))
    assert mode(path) == 0o640
    assert read_spec(str(path)).spec == SPEC


def test_the_old_file_stays_if_it_shall_not_be_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(FileExistsError):
        write_spec(SPEC, str(path), overwrite=False)
    assert path.read_text() == "old"
    write_spec(SPEC, f"{tmp_path}/new.json", overwrite=False)
    assert names(tmp_path) == ["a.json", "new.json"]


def test_an_invalid_spec_is_not_written_and_every_problem_is_told(
    tmp_path: Path,
) -> None:
    path = f"{tmp_path}/new/a"
    with pytest.raises(SpecError) as raised:
        write_spec(spec_with("nope", kind="v.comc", version="9"), path)
    assert str(raised.value) == (
        f"{path}.yaml: cdiVersion: unknown version '9'; expected one of 0.3.0, "
        "0.4.0, 0.5.0, 0.6.0, 0.7.0, 0.8.0, 1.0.0, 1.1.0\n"
        f"{path}.yaml: kind: 'v.comc' is not a kind (vendor/class): it has no '/' "
        "between vendor and class\n"
        f"{path}.yaml: devices[0].containerEdits.env[0]: environment variable 'nope' "
        "is not NAME=value"
    )
    assert names(tmp_path) == []


def test_a_path_may_be_an_object(tmp_path: Path) -> None:
    assert write_spec(SPEC, tmp_path / "a") == f"{tmp_path}/a.yaml"
    assert remove_spec(tmp_path / "a") is True
    with pytest.raises(TypeError, match="expected str, bytes or os.PathLike object"):
        write_spec(SPEC, 5)  # type: ignore[arg-type]


def test_a_value_of_another_type_is_a_problem_and_soon(tmp_path: Path) -> None:
    edits = ContainerEdits(device_nodes=(DeviceNode(path="/dev/x", major=1.5),))  # type: ignore[arg-type]
    path = f"{tmp_path}/a.yaml"
    with pytest.raises(SpecError) as raised:
        write_spec(replace(SPEC, container_edits=edits), path)
    assert raised.value.lines() == [
        f"{path}: containerEdits.deviceNodes[0].major: the value must be of type int, "
        "not float"
    ]
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a\0b", "a\ud800", "a\0/b", "\udfff/b"]
)
def test_names_of_no_file_are_refused(tmp_path: Path, name: str) -> None:
    for act in (lambda path: write_spec(SPEC, path), remove_spec):
        with pytest.raises(InvalidNameError):
            act(f"{tmp_path}/{name}")
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["a.json", "a.yaml"])
def test_half_a_letter_is_refused(tmp_path: Path, name: str) -> None:
    path = f"{tmp_path}/{name}"
    with pytest.raises(SpecError) as raised:
        write_spec(spec_with("A=1", "B=x\ud800y", "C=\udfff"), path)
    env = "devices[0].containerEdits.env"
    assert raised.value.lines() == [
        f"{path}: {env}[1]: 'B=x\\ud800y' has half a surrogate pair in it, which is no "
        "letter",
        f"{path}: {env}[2]: 'C=\\udfff' has half a surrogate pair in it, which is no "
        "letter",
    ]
    assert names(tmp_path) == []


def test_a_file_that_nobody_would_read_is_not_written(tmp_path: Path) -> None:
    path = f"{tmp_path}/a.json"
    with pytest.raises(SpecError) as raised:
        write_spec(spec_with(f"A={'x' * MAX_FILE_SIZE}"), path)
    assert str(raised.value) == (
        f"{path}: it would have over 16777216 bytes, which nobody would read"
    )
    assert names(tmp_path) == []


def test_a_file_in_the_place_of_a_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cdi").write_text("a file")
    for path in (f"{tmp_path}/cdi/a.json", f"{tmp_path}/cdi/below/a.json"):
        with pytest.raises(NotADirectoryError) as raised:
            write_spec(SPEC, path)
        assert raised.value.filename == f"{tmp_path}/cdi"
    assert (tmp_path / "cdi").read_text() == "a file"


@pytest.mark.parametrize(
    ("target", "number", "reason"),
    [
        ("nowhere", errno.ENOENT, "the link leads nowhere"),
        ("cdi", errno.ELOOP, "Too many levels of symbolic links"),
    ],
)
def test_a_link_that_is_no_directory_is_an_error(
    tmp_path: Path, target: str, number: int, reason: str
) -> None:
    """FileExistsError would say that the spec is there."""
    (tmp_path / "cdi").symlink_to(target)
    with pytest.raises(OSError, match=reason) as raised:
        write_spec(SPEC, f"{tmp_path}/cdi/a.json")
    assert (raised.value.errno, raised.value.filename) == (number, f"{tmp_path}/cdi")
    assert names(tmp_path) == ["cdi"]


@pytest.mark.parametrize(
    ("depth", "reason"), [(1500, "Not a directory"), (5000, "File name too long")]
)
def test_directories_as_deep_as_can_be_are_no_trouble(
    tmp_path: Path, depth: int, reason: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=reason):
        write_spec(SPEC, f"{tmp_path}/file/{'d/' * depth}a.json")


def test_a_link_in_the_place_of_a_new_directory_leads_nobody_astray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may write beside it could have another directory opened to everybody."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    real = Path.mkdir

    def replace_by_link(path: Path) -> None:
        real(path)
        path.rmdir()
        path.symlink_to(private)

    monkeypatch.setattr(Path, "mkdir", replace_by_link)
    with pytest.raises(OSError, match=f"{tmp_path}/cdi"):
        write_spec(SPEC, f"{tmp_path}/cdi/a.json")
    assert mode(private) == 0o700
    assert names(private) == []


def test_a_directory_that_somebody_else_makes_meanwhile_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.mkdir

    def too_late(path: Path) -> None:
        real(path, mode=0o700)
        real(path)

    monkeypatch.setattr(Path, "mkdir", too_late)
    path = Path(write_spec(SPEC, f"{tmp_path}/cdi/a.json"))
    assert read_spec(str(path)).spec == SPEC
    assert mode(path.parent) == 0o700


def test_a_spec_is_removed_under_the_name_that_it_was_written_under(
    tmp_path: Path,
) -> None:
    write_spec(SPEC, f"{tmp_path}/a")
    assert remove_spec(f"{tmp_path}/a") is True
    assert names(tmp_path) == []


@pytest.mark.parametrize("path", ["a", "missing/a.json"])
def test_nothing_to_remove_is_fine(tmp_path: Path, path: str) -> None:
    assert remove_spec(f"{tmp_path}/{path}") is False


READ_ONLY = """
import sys
from nri_cdi.cdi.writing import remove_spec
print(remove_spec(sys.argv[1] + "/a"))
try:
    remove_spec(sys.argv[1] + "/there")
except OSError as error:
    print(error.strerror)
"""


def test_nothing_to_remove_is_fine_on_a_file_system_that_is_read_only(
    tmp_path: Path,
) -> None:
    (tmp_path / "there.yaml").touch()
    mount = 'mount --bind "$2" "$2" && mount -o remount,ro,bind "$2"'
    command = f'{mount} && echo mounted && exec "$0" -c "$1" "$2"'
    try:
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", command, sys.executable, READ_ONLY, tmp_path],
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        pytest.skip("there is no unshare(1)")
    if "mounted" not in done.stdout:
        pytest.skip(f"nothing may be mounted here: {done.stderr.strip()}")
    assert done.stdout == "mounted\nFalse\nRead-only file system\n"


def test_a_directory_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    with pytest.raises(OSError, match="directory"):
        remove_spec(f"{tmp_path}/a.json")
