"""``nri-cdi lint``: what is doubtful, which of it is shown, and the exit status."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from nri_cdi.cdi.lint import LintRule
from nri_cdi.cli import main

SPEC = """\
cdiVersion: 0.6.0
kind: vendor.com/dev
devices:
- name: a
  containerEdits:
    env: [A="b"]
    mounts: [{hostPath: /nowhere, containerPath: /x, options: [bind]}]
"""
QUOTES = (
    "s.yaml:6:11: warning: devices[0].containerEdits.env[0]: the value of 'A' has "
    "quotes around it, which the container gets too; put the quotes around NAME=value "
    "as a whole [quoted-value]"
)
VERSION = (
    "s.yaml:1:1: info: cdiVersion: 0.6.0 is more than the spec needs: 0.3.0 is enough "
    "[version-too-high]"
)
MISSING = (
    "s.yaml:7:15: error: devices[0].containerEdits.mounts[0].hostPath: there is no "
    "'/nowhere' on this host; containers fail without it [mount-source-missing]"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory."""
    folder = tmp_path / "specs"
    folder.mkdir()
    (folder / "s.yaml").write_text(SPEC)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("arguments", "lines", "status"),
    [
        ([], [VERSION, QUOTES, MISSING], 1),
        (["--no-host"], [VERSION, QUOTES], 1),
        (["--severity", "warning"], [QUOTES, MISSING], 1),
        (["--severity", "error"], [MISSING], 1),
        (["--severity", "error", "--no-host"], ["s.yaml: ok"], 0),
        (["--no-host", "--ignore", "quoted-value"], [VERSION], 0),
        (
            ["--ignore", "quoted-value", "--ignore", "mount-source-missing"],
            [VERSION],
            0,
        ),
    ],
)
def test_what_is_shown_decides_the_status(
    folder: Path,
    arguments: Sequence[str],
    lines: Sequence[str],
    status: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["lint", *arguments, "s.yaml"]) == status
    assert capsys.readouterr().out.splitlines() == lines


def test_the_summary_counts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["lint", "s.yaml", "s.yaml"])
    assert capsys.readouterr().err == (
        "nri-cdi: 2 files: 2 errors, 2 warnings, 2 infos\n"
    )


def test_programs_get_one_shape(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "good.json").write_text(
        '{"cdiVersion": "0.3.0", "kind": "v.com/c", "devices": '
        '[{"name": "a", "containerEdits": {"env": ["A=b"]}}]}'
    )
    arguments = ["--severity", "error", "-o", "json", "good.json", "s.yaml"]
    assert main(["lint", *arguments]) == 1
    printed = capsys.readouterr()
    assert printed.err == ""
    assert json.loads(printed.out) == {
        "files": [
            {"path": "good.json", "ok": True, "findings": []},
            {
                "path": "s.yaml",
                "ok": False,
                "findings": [
                    {
                        "rule": "mount-source-missing",
                        "severity": "error",
                        "message": "there is no '/nowhere' on this host; containers "
                        "fail without it",
                        "line": 7,
                        "column": 15,
                        "pointer": "devices[0].containerEdits.mounts[0].hostPath",
                    }
                ],
            },
        ]
    }


def test_the_root_of_another_host(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder.parent / "nowhere").touch()
    root = str(folder.parent)
    assert main(["lint", "--root", root, "--severity", "error", "s.yaml"]) == 0
    assert capsys.readouterr().out == "s.yaml: ok\n"


class TestRoot:
    """A host in a directory of ours, with its spec directories."""

    LINT = ("lint", "--severity", "warning", "--ignore", "quoted-value", "--root")

    @pytest.fixture
    def root(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        root = folder.parent / "h"
        for path in ("etc/cdi", "opt/cdi", "opt/cdi/sub"):
            (root / path).mkdir(parents=True)
        (root / "nowhere").touch()
        monkeypatch.chdir(folder.parent)
        return root

    def test_the_host_s_spec_directories_are_meant(
        self, root: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([*self.LINT, "h"]) == 0
        assert capsys.readouterr() == (
            "",
            "nri-cdi: there are no specs in h/etc/cdi, h/var/run/cdi\n",
        )
        (root / "etc" / "cdi" / "a.yaml").write_text(SPEC)
        assert main([*self.LINT, "h"]) == 0
        assert capsys.readouterr().out == "h/etc/cdi/a.yaml: ok\n"

    @pytest.mark.parametrize(
        "arguments", [[], ["h/etc/cdi"], ["--spec-dir", "h/etc/cdi"]]
    )
    def test_links_are_the_host_s(
        self, root: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        (root / "opt" / "cdi" / "a.yaml").symlink_to("/share/v.yaml")
        (root / "opt" / "cdi" / "b.yml").symlink_to("/share/v.yaml")
        (root / "opt" / "cdi" / "sub" / "c.yaml").touch()
        (root / "share").mkdir()
        (root / "share" / "v.yaml").write_text(SPEC)
        (root / "etc" / "cdi").rmdir()
        (root / "etc" / "cdi").symlink_to("/opt/cdi")
        assert main([*self.LINT, "h", *arguments]) == 1
        unread = "warning: no runtime reads a spec with such a name; let it end with "
        assert capsys.readouterr().out.splitlines() == [
            "h/etc/cdi/a.yaml: ok",
            f"h/etc/cdi/b.yml: {unread}'.yaml' [unread-file]",
            "h/etc/cdi/sub: warning: directories in a spec directory are not read; "
            "move the specs out of it [unread-file]",
        ]

    @pytest.mark.parametrize("of_ours", ["secret", "specs"])
    def test_nothing_of_ours_is_shown(
        self, root: Path, of_ours: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (root.parent / "secret").write_text("hidden: here\n")
        (root.parent / "specs" / "hidden.yaml").write_text("hidden: here\n")
        target = f"{root.parent}/{of_ours}"
        (root / "etc" / "cdi" / "a.yaml").symlink_to(target)
        (root / "etc" / "cdi" / "deep").symlink_to(target)
        assert main([*self.LINT, "h", "h/etc/cdi", "h/etc/cdi/deep"]) == 1
        said = "error: the file can't be read: no such file or directory"
        assert capsys.readouterr().out.splitlines() == [
            f"h/etc/cdi/{name}: {said} [unreadable-file]" for name in ("a.yaml", "deep")
        ]

    def test_a_directory_that_leads_in_a_ring_is_told(
        self, root: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (root / "etc" / "cdi").rmdir()
        (root / "etc" / "cdi").symlink_to("cdi")
        assert main([*self.LINT, "h"]) == 1
        assert capsys.readouterr().out == (
            "h/etc/cdi: error: the directory can't be listed: too many levels of "
            "symbolic links [unreadable-file]\n"
        )

    def test_a_request_is_for_the_devices_of_the_host(
        self, root: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (root / "etc" / "cdi" / "a.yaml").symlink_to("/v.yaml")
        (root / "v.yaml").write_text(SPEC)
        assert main([*self.LINT, "h", "--request", "vendor.com/dev=a"]) == 0
        assert capsys.readouterr().err == (
            "nri-cdi: 1 device: 0 errors, 0 warnings, 0 infos\n"
        )

    def test_specs_that_lie_elsewhere_are_ours(
        self, root: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (root.parent / "a.yaml").symlink_to("specs/s.yaml")
        assert main([*self.LINT, "h", "a.yaml", "specs"]) == 0
        assert capsys.readouterr().out == "a.yaml: ok\nspecs/s.yaml: ok\n"


def test_a_root_that_may_not_be_looked_at_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(path: Path) -> bool:  # root may look at everything
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "is_dir", refuse)
    with pytest.raises(SystemExit) as exited:
        main(["lint", "--root", "/closed/x"])
    assert exited.value.code == 2
    assert "'/closed/x' can't be looked at: permission denied\n" in (
        capsys.readouterr().err
    )


def test_an_invalid_spec_is_an_error_that_nothing_hides(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.yaml").write_text(SPEC.replace("vendor.com/", ""))
    arguments = ["--severity", "error", "--no-host", "--ignore", "quoted-value"]
    assert main(["lint", *arguments, "bad.yaml"]) == 1
    assert capsys.readouterr().out == (
        "bad.yaml:2:1: error: kind: 'dev' is not a kind (vendor/class): it has no '/' "
        "between vendor and class [invalid-kind]\n"
    )


def test_a_directory_is_compared_and_looked_through(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "t.yaml").write_text(SPEC)
    (folder / "u.yml").write_text(SPEC)
    above = folder.parent / "above"
    above.mkdir()
    (above / "v.yaml").write_text(SPEC)
    arguments = ["--no-host", "--ignore", "version-too-high", "--ignore"]
    arguments += ["quoted-value", str(folder), str(above)]
    assert main(["lint", *arguments]) == 1
    shadowed = (
        f"4:3: info: devices[0].name: vendor.com/dev=a is defined in {above}/v.yaml "
        "too, which has priority [shadowed-device]"
    )
    assert capsys.readouterr().out.splitlines() == [
        f"{folder}/s.yaml:{shadowed}",
        f"{folder}/t.yaml:{shadowed}",
        f"{above}/v.yaml: ok",
        f"{folder}/u.yml: warning: no runtime reads a spec with such a name; let it "
        "end with '.yaml' [unread-file]",
    ]


def test_a_conflict_in_the_spec_directories(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "t.yaml").write_text(SPEC)
    arguments = ["--spec-dir", str(folder), "-o", "json", "--no-host"]
    assert main(["lint", *arguments]) == 1
    files = json.loads(capsys.readouterr().out)["files"]
    assert [
        finding["message"]
        for file in files
        for finding in file["findings"]
        if finding["rule"] == "conflicting-device"
    ] == [
        f"vendor.com/dev=a is defined in {folder}/{other}.yaml too, so nobody gets it"
        for other in "ts"
    ]


def test_a_file_named_beside_its_directory_is_not_compared(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    above = folder.parent / "above"
    above.mkdir()
    (above / "v.yaml").write_text(SPEC)
    main(["lint", "-o", "json", str(folder), str(above), str(folder / "s.yaml")])
    files = json.loads(capsys.readouterr().out)["files"]
    rules = [{finding["rule"] for finding in file["findings"]} for file in files]
    assert ["shadowed-device" in each for each in rules] == [True, False, False]


@pytest.mark.parametrize(
    ("output", "out"), [("table", ""), ("json", '{\n  "files": []\n}\n')]
)
def test_nothing_to_lint_is_fine_and_told(
    output: str, out: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lint", "-o", output, str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert printed.out == out
    assert printed.err == (f"nri-cdi: there are no specs in {tmp_path}\n" * (not out))


def test_all_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "--rules"]) == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split() == ["RULE", "SEVERITY", "WHAT", "IT", "FINDS"]
    assert [line.split()[:2] for line in lines] == [
        [rule.id, rule.severity] for rule in LintRule
    ]
    assert main(["lint", "--rules", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["rules"][0] == {
        "rule": "unread-file",
        "severity": "warning",
        "summary": "a file or directory that looks like specs, and that no runtime "
        "reads",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ignore", "quoted-valu"], "there is no rule 'quoted-valu'; did you mean"),
        (["--ignore", "zzz"], "there is no rule 'zzz'; --rules lists them"),
        (["--ignore", "invalid-kind"], "there is no rule 'invalid-kind'"),
        (["--root", "/nowhere"], "'/nowhere' is not a directory"),
        (["--root", ""], "'' is not a directory"),
        (["--root", "/" + "x" * 256], "... (257 characters) can't be looked at: file "),
        (["--root", "/", "--no-host"], "--no-host: not allowed with argument --root"),
        (["--severity", "bad"], "invalid choice: 'bad'"),
    ],
)
def test_bad_usage_exits_with_2(
    arguments: Sequence[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["lint", *arguments])
    assert exited.value.code == 2
    assert message in capsys.readouterr().err


def test_many_infos_hide_no_error(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    infos = ["PATH=/x"] * 1500
    edits = {"env": infos, "hooks": [{"hookName": "poststop", "path": "x"}]}
    device = {"name": "a", "containerEdits": edits}
    spec = {"cdiVersion": "0.3.0", "kind": "v.com/c", "devices": [device]}
    (folder / "s.json").write_text(json.dumps(spec))
    assert main(["lint", "s.json"]) == 1
    assert main(["lint", "--severity", "error", "s.json"]) == 1
    assert capsys.readouterr().out.splitlines()[-1].endswith("[relative-host-path]")
    assert main(["lint", "--ignore", "relative-host-path", "s.json"]) == 0


class TestRequest:
    TEXT = """\
cdiVersion: 0.3.0
kind: vendor.com/dev
devices:
- {name: a, containerEdits: {env: [A=b]}}
- {name: b, containerEdits: {env: [A=c]}}
- {name: all, containerEdits: {env: [A=c]}}
"""

    @pytest.fixture
    def specs(self, folder: Path) -> Path:
        (folder / "s.yaml").write_text(self.TEXT)
        return folder

    @pytest.mark.parametrize(
        "files", [["s.yaml"], ["."], ["--spec-dir", "."]], ids=["file", "dir", "option"]
    )
    def test_devices_that_meet(
        self, specs: Path, files: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        names = "vendor.com/dev=a, vendor.com/dev=b"
        assert main(["lint", "--request", names, *files]) == 1
        printed = capsys.readouterr()
        path = "s.yaml" if files == ["s.yaml"] else "./s.yaml"
        assert printed.out == (
            f"warning: device vendor.com/dev=b ({path}): env[0]: 'A' replaces another "
            f"value of the variable: device vendor.com/dev=a ({path}): env[0] "
            "[variable-overlap]\n"
        )
        assert printed.err == "nri-cdi: 2 devices: 0 errors, 1 warning, 0 infos\n"

    def test_names_may_be_given_one_by_one_and_as_patterns(
        self, specs: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ["--request", "vendor.com/dev=b", "--request", "*=all", "s.yaml"]
        assert main(["lint", *arguments, "-o", "json"]) == 1
        assert json.loads(capsys.readouterr().out) == {
            "request": {
                "devices": ["vendor.com/dev=b", "vendor.com/dev=all"],
                "ok": False,
                "findings": [
                    {
                        "rule": "all-and-single",
                        "severity": "warning",
                        "message": "vendor.com/dev=all has the edits of "
                        "vendor.com/dev=b too; ask for one of them",
                        "line": None,
                        "column": None,
                        "pointer": "",
                    }
                ],
            },
            "errors": [],
        }

    def test_programs_get_what_could_not_be_used(
        self, specs: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (specs / "bad.yaml").write_text("3")
        arguments = ["--request", "vendor.com/dev=b", ".", "-o", "json"]
        assert main(["lint", *arguments]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert [error["path"] for error in shown["errors"]] == ["./bad.yaml"]

    def test_rules_can_be_ignored(
        self, specs: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ["--ignore", "all-and-single", "--request"]
        names = "vendor.com/dev=b,vendor.com/dev=all"
        assert main(["lint", *arguments, names, "s.yaml"]) == 0
        assert capsys.readouterr().out == ""

    def test_a_device_that_no_file_defines(
        self, specs: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (specs / "bad.yaml").write_text("kind: a")
        assert main(["lint", "--request", "vendor.com/dev=bb", "."]) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert "nri-cdi: not used: ./bad.yaml:1:1: " in printed.err
        assert "'vendor.com/dev=bb' is in no spec (near: b" in printed.err

    @pytest.mark.parametrize("names", ["", "a", "vendor.com/dev=a,"])
    def test_what_is_no_name_is_an_error(
        self, specs: Path, names: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["lint", "--request", names, "s.yaml"]) == 1
        assert "is not a qualified device name" in capsys.readouterr().err


def test_the_spec_as_people_first_write_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each trap that the documentation names, in one file."""
    (folder / "first.json").write_text(
        "cdiVersion: 1.1.0\nkind: vendor/gpu\ndevices:\n- name: 010\n"
        "  containerEdits:\n"
        "    env: [PATH=/opt/bin:$PATH]\n"
        "    deviceNodes: [{path: /dev/null, fileMode: 666}]\n"
        "    hooks: [{hookName: createContainer, path: /bin/sh, args: [-c, exit]}]\n"
        "    mounts: [{hostPath: /etc, containerPath: /etc/host/, type: bind}]\n"
        "---\nkind: vendor/other\n"
    )
    assert main(["lint", "-o", "json", "first.json"]) == 1
    [file] = json.loads(capsys.readouterr().out)["files"]
    assert [(each["line"], each["rule"]) for each in file["findings"]] == [
        (1, "not-json"),
        (1, "version-too-high"),
        (4, "changed-text"),
        (6, "unexpanded-variable"),
        (6, "replaced-search-path"),
        (7, "file-mode-base"),
        (8, "hook-without-env"),
        (8, "hook-arguments"),
        (9, "mount-without-bind"),
        (9, "unclean-path"),
        (11, "ignored-document"),
    ]
