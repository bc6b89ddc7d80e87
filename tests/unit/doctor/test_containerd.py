"""containerd's configuration, as containerd itself reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nri_cdi.doctor.containerd import read_settings
from nri_cdi.doctor.node import Node
from nri_cdi.doctor.settings import Settings

NRI = '[plugins."io.containerd.nri.v1.nri"]\n'
CRI_2 = '[plugins."io.containerd.grpc.v1.cri"]\n'
CRI_3 = '[plugins."io.containerd.cri.v1.runtime"]\n'
OLD, MIDDLE, NEW = (1, 7, 24), (2, 0, 5), (2, 1, 9)

Version = tuple[int, int, int]


def read(
    root: Path, files: dict[str, str], release: Version | None = NEW, *flags: str
) -> Settings:
    for path, text in files.items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return read_settings(Node(str(root)), ("containerd", *flags), "/", release)


MAIN = "/etc/containerd/config.toml"


@pytest.mark.parametrize(
    ("release", "nri", "cdi"),
    [(OLD, False, False), (MIDDLE, True, True), (NEW, True, True), (None, None, None)],
)
def test_a_release_has_its_defaults(
    release: Version | None, nri: bool | None, cdi: bool | None, tmp_path: Path
) -> None:
    found = read(tmp_path, {}, release)
    assert (found.nri.enabled, found.cdi.enabled) == (nri, cdi)
    assert found.nri.socket == "/var/run/nri/nri.sock"
    assert found.cdi.spec_dirs == ("/etc/cdi", "/var/run/cdi")


@pytest.mark.parametrize(
    ("text", "release", "enabled"),
    [
        (f"version = 2\n{NRI}disable = false", OLD, True),
        (f"{NRI}disable = false", OLD, False),
        (f"version = 1\n{NRI}disable = false", OLD, False),
        ("[plugins.nri]\ndisable = false", OLD, True),
        ("version = 2\n[plugins.nri]\ndisable = false", OLD, False),
        ("[plugins.nri]\ndisable = true", NEW, True),
        (f"{NRI}disable = true", NEW, False),
        (f"{NRI}disable = false", None, True),
        (f'{NRI}disable = "no"', NEW, True),
        ('disabled_plugins = ["io.containerd.nri.v1.nri"]', NEW, False),
        ('disabled_plugins = ["io.containerd.nri.v1.nri"]', None, False),
        ('plugins = "none"', NEW, True),
    ],
)
def test_nri_is_on_or_off_as_the_file_says(
    text: str, release: Version, enabled: bool, tmp_path: Path
) -> None:
    assert read(tmp_path, {MAIN: text}, release).nri.enabled is enabled


@pytest.mark.parametrize(
    ("text", "release", "enabled"),
    [
        (f"version = 2\n{CRI_2}enable_cdi = true", OLD, True),
        (f"version = 2\n{CRI_2}enable_cdi = false", NEW, False),
        (f"version = 3\n{CRI_3}enable_cdi = false", NEW, False),
        (f"{CRI_2}enable_cdi = true", OLD, False),
        ("[plugins.cri]\nenable_cdi = true", OLD, True),
    ],
)
def test_the_cri_plugin_has_another_table_in_each_version(
    text: str, release: Version, enabled: bool, tmp_path: Path
) -> None:
    found = read(tmp_path, {MAIN: text}, release)
    assert found.cdi.enabled is enabled


def test_an_import_adds_to_a_table_since_2_1_and_replaces_it_before(
    tmp_path: Path,
) -> None:
    files = {
        MAIN: 'version = 2\nimports = ["conf.d/*.toml"]\n'
        f'{NRI}disable = false\nsocket_path = "/a"',
        "/etc/containerd/conf.d/a.toml": f'{NRI}plugin_path = "/b"',
    }
    new = read(tmp_path, files).nri
    assert (new.enabled, new.socket, new.plugin_dir) == (True, "/a", "/b")
    old = read(tmp_path, files, OLD).nri
    assert (old.enabled, old.socket, old.plugin_dir) == (
        False,
        "/var/run/nri/nri.sock",
        "/b",
    )


def test_the_last_import_wins_and_imports_have_imports(tmp_path: Path) -> None:
    files = {
        MAIN: 'imports = ["/x/b.toml", "/x/a.toml"]',
        "/x/a.toml": f'imports = ["c.toml", "a.toml"]\n{NRI}socket_path = "/a"',
        "/x/b.toml": f'{NRI}socket_path = "/b"\nplugin_path = "/b"',
        "/x/c.toml": f'{NRI}socket_path = "/c"',
    }
    found = read(tmp_path, files)
    assert (found.nri.socket, found.nri.plugin_dir) == ("/c", "/b")
    assert found.files == (MAIN, "/x/b.toml", "/x/a.toml", "/x/c.toml")


def test_a_file_can_be_named(tmp_path: Path) -> None:
    files = {"/run/c.toml": f'{NRI}socket_path = "/c"'}
    for flags in (("--config", "/run/c.toml"), ("-c=run/c.toml",)):
        assert read(tmp_path, files, NEW, *flags).nri.socket == "/c"


@pytest.mark.parametrize(
    ("files", "flags", "problems"),
    [
        ({}, (), ()),
        ({}, ("-c", "/none"), (("/none", "there is no such file"),)),
        (
            {MAIN: 'imports = ["/none"]'},
            (),
            (("/none", "there is no such file"),),
        ),
        ({MAIN: 'imports = ["/none/*"]'}, (), ()),
        ({MAIN: 'version = 2\nimports = ["/v3"]', "/v3": "version = 3"}, (), ()),
        ({MAIN: 'imports = ["/v2"]', "/v2": "version = 2"}, (), ()),
    ],
)
def test_what_keeps_it_from_starting_is_told(
    files: dict[str, str],
    flags: tuple[str, ...],
    problems: tuple[tuple[str, str], ...],
    tmp_path: Path,
) -> None:
    assert read(tmp_path, files, NEW, *flags).problems == problems


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("a = ", "it is not TOML: "),
        ("a = " + "[" * 100_000, "lists and tables are nested too deep"),
        ("a" * 2_000_000, "it can't be read: it has over 1048576 bytes"),
    ],
)
def test_a_file_that_is_none_has_a_reason(
    text: str, start: str, tmp_path: Path
) -> None:
    [(path, problem)] = read(tmp_path, {MAIN: text}).problems
    assert path == MAIN
    assert problem.startswith(start)


def test_the_validator_is_read(tmp_path: Path) -> None:
    text = (
        '[plugins."io.containerd.nri.v1.nri".default_validator]\nenable = true\n'
        'required_plugins = ["a"]\ntolerate_missing_plugins_annotation = "t"\n'
        "reject_oci_hook_adjustment = true\n"
    )
    validator = read(tmp_path, {MAIN: text}).nri.validator
    assert validator.enabled
    assert validator.required == ("a",)
    assert validator.tolerate == "t"
    assert validator.rejects_hooks


def test_before_2_0_no_file_is_of_version_3(tmp_path: Path) -> None:
    files = {MAIN: 'version = 2\nimports = ["/v3"]', "/v3": "version = 3"}
    why = "its version is 3, and this release knows 2 at most"
    assert read(tmp_path, files, OLD).problems == (("/v3", why),)


def test_before_2_0_an_import_of_version_2_makes_all_names_full_ones(
    tmp_path: Path,
) -> None:
    files = {MAIN: 'imports = ["/v2"]', "/v2": f"version = 2\n{NRI}disable = false"}
    assert read(tmp_path, files, OLD).nri.enabled is True


TABLE = NRI.strip()
DROP_IN = f"{NRI}disable = true"
SWITCHES: tuple[tuple[dict[str, str], Version, str], ...] = (
    ({}, NEW, f"{TABLE} disable = false in {MAIN}"),
    ({}, OLD, f"version = 2, and {TABLE} disable = false in {MAIN}"),
    ({MAIN: ""}, OLD, f'[plugins."nri"] disable = false in {MAIN}'),
    ({MAIN: "version = 2"}, OLD, f"{TABLE} disable = false in {MAIN}"),
    (
        {MAIN: 'imports = ["/x"]', "/x": DROP_IN},
        NEW,
        f"{TABLE} disable = false in /x",
    ),
    (
        {
            MAIN: 'imports = ["/x"]',
            "/x": 'disabled_plugins = ["io.containerd.nri.v1.nri"]',
        },
        NEW,
        'remove "io.containerd.nri.v1.nri" from disabled_plugins in /x',
    ),
)


@pytest.mark.parametrize(("files", "release", "switch"), SWITCHES)
def test_nri_is_switched_on_where_it_is_off(
    files: dict[str, str], release: Version, switch: str, tmp_path: Path
) -> None:
    assert read(tmp_path, files, release).nri_switch == switch
