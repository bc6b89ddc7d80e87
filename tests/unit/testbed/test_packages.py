from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from testbed import packages
from testbed.packages import PackageError, fetch

DEB = b"the package"
SHA256 = hashlib.sha256(DEB).hexdigest()

# Stand-ins for Debian's programs; each notes that it was called.
DPKG = """#!/bin/sh
echo "dpkg $1" >> "$CALLS"
case "$1" in
--print-architecture) echo amd64 ;;
-x) cp "$2" "$3/content" 2>/dev/null || { mkdir "$3"; cp "$2" "$3/content"; } ;;
esac
"""
APT_CACHE = """#!/bin/sh
printf 'Package: tool\\nVersion: 1:2.0-1\\nSHA256: %s\\nDescription: a: b\\n' "$SHA"
"""
APT_GET = """#!/bin/sh
for verb; do :; done
case "$*" in
*--simulate*)
    printf 'Inst %s (1.0 Debian:12 [amd64])\\n' tool font libfont perl libc6
    printf 'Conf libfont (1.0 Debian:12 [amd64])\\n'
    exit ;;
esac
case "$verb" in
update)
    echo "update" >> "$CALLS"
    [ "$(grep -c update "$CALLS")" -gt "$FAILURES" ] && exit
    echo no net >&2
    exit 100 ;;
*)
    echo "download ${*#*download }" >> "$CALLS"
    printf 'the package' > tool.deb ;;
esac
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("dpkg", DPKG), ("apt-cache", APT_CACHE), ("apt-get", APT_GET)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    keyring = tmp_path / "keyring.gpg"
    keyring.touch()
    noted = tmp_path / "calls"
    noted.touch()
    monkeypatch.setattr(packages, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(packages, "MACHINE_KEYRING", keyring)
    monkeypatch.setattr(packages, "FIRST_PAUSE_S", 0)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(noted))
    monkeypatch.setenv("SHA", SHA256)
    monkeypatch.setenv("FAILURES", "0")
    return noted


def test_a_package_is_unpacked_below_its_name_and_version(calls: Path) -> None:
    package = fetch("bookworm", "tool")
    assert (package.version, package.sha256) == ("1:2.0-1", SHA256)
    assert package.folder.name == "tool_1%3a2.0-1_amd64"
    assert (package.root / "content").read_bytes() == DEB
    assert str(package) == "tool 1:2.0-1 (bookworm, amd64)"
    assert "download tool=1:2.0-1" in calls.read_text()


def test_a_package_in_the_cache_needs_no_network(calls: Path) -> None:
    package = fetch("bookworm", "tool")
    calls.write_text("")
    assert fetch("bookworm", "tool") == package
    assert set(calls.read_text().splitlines()) == {"dpkg --print-architecture"}


def test_a_network_that_fails_twice_is_tried_again(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILURES", "2")
    assert fetch("bookworm", "tool").version == "1:2.0-1"
    assert calls.read_text().count("update") == 3


def test_a_network_that_goes_on_failing_is_an_error(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILURES", "99")
    with pytest.raises(PackageError, match=r"^apt-get .* update: no net$"):
        fetch("bookworm", "tool")
    assert calls.read_text().count("update") == packages.TRIES


@pytest.mark.usefixtures("calls")
def test_another_checksum_leaves_nothing_in_the_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SHA", "0" * 64)
    with pytest.raises(
        PackageError, match=f"^tool.deb: sha256 is {SHA256}, not 0{{64}}$"
    ):
        fetch("bookworm", "tool")
    assert not list((packages.CACHE / "bookworm").glob("tool*"))


@pytest.mark.usefixtures("calls")
def test_what_an_interrupted_download_left_is_not_taken_for_a_package() -> None:
    left = packages.CACHE / "bookworm/partial-x"
    (left / "unpacked").mkdir(parents=True)
    (left / "unpacked/package.json").write_text("{}")
    fetch("bookworm", "tool")
    assert not left.exists()


@pytest.mark.usefixtures("calls")
def test_a_machine_without_the_keyring_is_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packages, "MACHINE_KEYRING", Path("/nowhere/a.gpg"))
    with pytest.raises(
        PackageError, match=r"^/nowhere/a.gpg is missing: needs debian-archive-keyring$"
    ):
        fetch("bookworm", "tool")


def test_a_package_with_libraries_comes_with_those_that_the_machine_lacks(
    calls: Path,
) -> None:
    package = packages.fetch_with_libraries("bookworm", "tool", "font")
    assert package.folder.name == "tool+libraries_1%3a2.0-1_amd64"
    assert (package.root / "content").read_bytes() == DEB
    assert "download tool=1:2.0-1 font libfont\n" in calls.read_text()
    calls.write_text("")
    assert packages.fetch_with_libraries("bookworm", "tool", "font") == package
    assert set(calls.read_text().splitlines()) == {"dpkg --print-architecture"}
