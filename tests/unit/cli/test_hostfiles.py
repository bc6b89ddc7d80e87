"""The spec files of a host whose root lies elsewhere in ours."""

from __future__ import annotations

import argparse
import errno
import os
from pathlib import Path

import pytest

from nri_cdi.cdi.lint import Host
from nri_cdi.cli.hostfiles import HostFiles
from nri_cdi.errors import ConfigError, SpecError

INSIDE = b"inside"
OUTSIDE = b"outside"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a host, beside files that are not the host's; we are there."""
    root = tmp_path / "h"
    (root / "etc" / "cdi").mkdir(parents=True)
    (root / "v.yaml").write_bytes(INSIDE)
    (tmp_path / "v.yaml").write_bytes(OUTSIDE)
    monkeypatch.chdir(tmp_path)
    return root


def _files(root: str | Path) -> HostFiles:
    return HostFiles(host=Host(root=str(root)))


@pytest.mark.parametrize("given", ["h", "./h/", "{root}", "link", "h/etc/.."])
@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("h/v.yaml", INSIDE),
        ("./h//etc/../v.yaml", INSIDE),
        ("{root}/v.yaml", INSIDE),
        ("link/v.yaml", INSIDE),
        ("deep/../v.yaml", INSIDE),
        ("h/out", INSIDE),
        ("h/abs", INSIDE),
        ("deep/cdi/abs", INSIDE),
        ("v.yaml", OUTSIDE),
        ("h/../v.yaml", OUTSIDE),
        ("here/v.yaml", OUTSIDE),
        ("own", OUTSIDE),
    ],
)
def test_a_file_below_the_root_is_the_host_s(
    root: Path, given: str, path: str, content: bytes
) -> None:
    above = root.parent
    (above / "link").symlink_to(root)
    (above / "deep").symlink_to("h/etc")
    (above / "here").symlink_to(".")
    (above / "own").symlink_to("v.yaml")
    (root / "out").symlink_to("../../v.yaml")
    (root / "abs").symlink_to("/v.yaml")
    (root / "etc" / "cdi" / "abs").symlink_to("/abs")
    files = _files(given.format(root=root))
    source = files.source(path.format(root=root))
    assert source.read() == content
    assert source.path == path.format(root=root)


def test_the_root_of_ours_changes_nothing(root: Path) -> None:
    (root / "abs").symlink_to(f"{root}/v.yaml")
    files = _files("/")
    assert files.source("h/abs").read() == INSIDE
    assert files.locate("h/../h/abs") == "h/../h/abs"
    options = argparse.Namespace(spec_dirs=["a"])
    assert files.spec_dirs(options) == ("a",)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/../secret", "the file can't be read: no such file or directory"),
        ("{out}/secret", "the file can't be read: no such file or directory"),
        ("a.yaml", "the file can't be read: too many levels of symbolic links"),
        ("/etc", "it is a directory, and must be a regular file"),
        ("/v.yaml/", "the file can't be read: not a directory"),
    ],
)
def test_a_link_that_leads_to_no_file_of_the_host_is_told(
    root: Path, target: str, reason: str
) -> None:
    (root.parent / "secret").write_text("secret")
    os.symlink(target.format(out=root.parent), root / "a.yaml")  # noqa: PTH211
    with pytest.raises(SpecError) as caught:
        _files("h").source("h/a.yaml").read()
    assert str(caught.value) == f"h/a.yaml: {reason}"


@pytest.mark.parametrize("path", ["h/no\0where", "h/no\ud800where"])
def test_what_can_be_no_name_is_nowhere(root: Path, path: str) -> None:
    with pytest.raises(SpecError, match="the file can't be read"):
        _files("h").source(path).read()


class TestSpecDirs:
    OPTIONS = argparse.Namespace()
    CONFIG = "spec_dirs: [/opt/cdi]\n"

    @pytest.fixture
    def config(self, root: Path) -> Path:
        (root / "etc" / "nri-cdi").mkdir()
        return root / "etc" / "nri-cdi" / "config.yaml"

    def test_the_host_s_usual_ones_are_below_its_root(self, root: Path) -> None:
        usual = ("h/etc/cdi", "h/var/run/cdi")
        assert _files("h").spec_dirs(self.OPTIONS) == usual
        (root / "etc" / "nri-cdi").touch()
        assert _files("h/").spec_dirs(self.OPTIONS) == usual

    def test_the_host_s_configuration_has_them(self, root: Path, config: Path) -> None:
        (root / "config").write_text(self.CONFIG)
        config.symlink_to("/config")
        assert _files("h").spec_dirs(self.OPTIONS) == ("h/opt/cdi",)

    def test_a_configuration_that_can_not_be_found_is_told(self, config: Path) -> None:
        config.symlink_to("config.yaml")
        with pytest.raises(ConfigError) as caught:
            _files("h").spec_dirs(self.OPTIONS)
        assert str(caught.value) == (
            f"h/etc/nri-cdi/config.yaml: {os.strerror(errno.ELOOP).lower()}"
        )

    def test_a_configuration_that_is_given_is_the_host_s(self, root: Path) -> None:
        (root.parent / "config").write_text(self.CONFIG)
        options = argparse.Namespace(config="config")
        assert _files("h").spec_dirs(options) == ("h/opt/cdi",)

    def test_directories_that_are_given_stand_as_they_are(self, root: Path) -> None:
        options = argparse.Namespace(spec_dirs=["h/cdi", "/etc/cdi"])
        assert _files("h").spec_dirs(options) == ("h/cdi", "/etc/cdi")
