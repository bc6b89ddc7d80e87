"""What a person reads who asked for a device that there is not."""

from __future__ import annotations

import errno
import os
import sys
from importlib.abc import MetaPathFinder

import pytest

from nri_cdi.cdi.model import Device, Spec
from nri_cdi.cdi.registry import (
    BrokenFile,
    Registry,
    SpecFile,
    build_registry,
    register,
)
from nri_cdi.cdi.unresolved import explain_unresolved
from nri_cdi.errors import Problem, SpecError


def spec_file(path: str, kind: str, *names: str) -> SpecFile:
    devices = tuple(Device(name=name) for name in names)
    return register(path, 0, Spec(cdi_version="0.3.0", kind=kind, devices=devices))


def broken_file(path: str, *messages: str) -> BrokenFile:
    problems = [Problem(rule="syntax", message=text, line=3) for text in messages]
    return BrokenFile(path=path, priority=0, error=SpecError(path, problems))


SPECS = (
    spec_file("/etc/cdi/a.yaml", "vendor.com/gpu", "gpu0", "gpu1", "all"),
    spec_file("/etc/cdi/b.yaml", "vendor.com/gpu", "all", "gpu10"),
    spec_file("/etc/cdi/c.yaml", "vendor.com/nic", "0", "1", "2", "3", "4"),
)


@pytest.mark.parametrize(
    ("names", "clauses"),
    [
        (
            ["vendor.com/gpu=gpu2"],
            ": 'vendor.com/gpu=gpu2' is in no spec (near: gpu1, gpu0, gpu10)",
        ),
        (
            ["vendor.com/nic=eth7"],
            ": 'vendor.com/nic=eth7' is in no spec (known: 0, 1, 2 and 2 more)",
        ),
        (
            ["vendor.com/gpus=gpu0"],
            ": 'vendor.com/gpus=gpu0' is in no spec, nor is its kind "
            "(near: vendor.com/gpu, vendor.com/nic)",
        ),
        (
            ["other/thing=0"],
            ": 'other/thing=0' is in no spec, nor is its kind "
            "(known: vendor.com/gpu, vendor.com/nic)",
        ),
        (
            ["vendor.com/gpu=all"],
            ": 'vendor.com/gpu=all' is defined more than once, in /etc/cdi/a.yaml, "
            "/etc/cdi/b.yaml; keep only one",
        ),
        (
            ["gpu0"],
            ": 'gpu0' is not a qualified device name (vendor/class=name): "
            "it has no '='",
        ),
        (
            ["vendor.com/nic=eth7", "gpu0"],
            "s: 'vendor.com/nic=eth7' is in no spec (known: 0, 1, 2 and 2 more); "
            "'gpu0' is not a qualified device name (vendor/class=name): it has no '='",
        ),
    ],
    ids=["near", "far", "near kind", "far kind", "conflict", "malformed", "two"],
)
def test_each_name_has_its_reason(names: list[str], clauses: str) -> None:
    text = explain_unresolved(names, build_registry(SPECS))
    assert text == f"unresolvable CDI device{clauses}"


def test_without_any_spec_there_is_nothing_to_propose() -> None:
    assert explain_unresolved(["a/b=c"], build_registry(())) == (
        "unresolvable CDI device: 'a/b=c' is in no spec, nor is its kind"
    )


def test_files_that_did_not_load_are_named_with_their_first_error() -> None:
    broken = broken_file("/etc/cdi/x.yaml", "it is broken", "and more so")
    assert explain_unresolved(["a/b=c"], build_registry([broken])) == (
        "unresolvable CDI device: 'a/b=c' is in no spec, nor is its kind; "
        "did not load: /etc/cdi/x.yaml:3: it is broken"
    )


def test_files_with_the_vendors_name_come_first_and_the_rest_are_counted() -> None:
    names = ("a", "b", "c", "vendor", "d")
    registry = build_registry([broken_file(f"/{name}.json", "bad") for name in names])
    assert explain_unresolved(["vendor/b=c"], registry) == (
        "unresolvable CDI device: 'vendor/b=c' is in no spec, nor is its kind; "
        "did not load: /vendor.json:3: bad; did not load: /a.json:3: bad; "
        "did not load: /b.json:3: bad; nor did 2 more"
    )


def test_directories_that_cannot_be_listed_are_named() -> None:
    registry = build_registry((), dir_errors={"/etc/cdi": "permission denied"})
    assert explain_unresolved(["a/b=c"], registry) == (
        "unresolvable CDI device: 'a/b=c' is in no spec, nor is its kind; "
        "can't be listed: /etc/cdi: permission denied"
    )


def test_a_conflict_alone_is_not_blamed_on_other_files() -> None:
    registry = build_registry([*SPECS, broken_file("/etc/cdi/x.yaml", "bad")])
    assert "did not load" not in explain_unresolved(["vendor.com/gpu=all"], registry)


@pytest.mark.parametrize("name", ["gpu0", "vendor.com/gpu", "vendor.com/gpu=a b"])
def test_what_is_no_name_is_not_blamed_on_other_files(name: str) -> None:
    registry = build_registry([broken_file("/etc/cdi/x.yaml", "bad")])
    assert "did not load" not in explain_unresolved([name], registry)
    assert explain_unresolved([name, "a/b=c"], registry).endswith(
        "'a/b=c' is in no spec, nor is its kind; did not load: /etc/cdi/x.yaml:3: bad"
    )
    assert explain_unresolved([name], registry, ["a/b=*"]).endswith(
        "; did not load: /etc/cdi/x.yaml:3: bad"
    )


def test_of_many_names_the_first_eight_are_explained() -> None:
    names = [f"a/b={number}" for number in range(20)]
    text = explain_unresolved(names, build_registry(()))
    assert text.count(" is in no spec") == 8
    assert text.endswith("'a/b=7' is in no spec, nor is its kind; and 12 more")


def test_a_conflict_of_many_files_names_the_first() -> None:
    files = [spec_file(f"/{number}.yaml", "a/b", "c") for number in range(5)]
    assert explain_unresolved(["a/b=c"], build_registry(files)) == (
        "unresolvable CDI device: 'a/b=c' is defined more than once, in /0.yaml, "
        "/1.yaml, /2.yaml and 2 more; keep only one"
    )


def huge_registry() -> Registry:
    name = "n" * 1000
    files = [spec_file(f"/{'p' * 4000}\n{n}.yaml", "v/c", name, "x") for n in range(9)]
    broken = [broken_file(f"/{'q' * 4000}{n}", "m" * 10_000) for n in range(9)]
    return build_registry([*files, *broken], dir_errors={"/" + "d" * 9000: "why"})


@pytest.mark.parametrize(
    "name", ["v/c=" + "n" * 1000, "v/c=x", "v/c=" + "y" * 100_000, "\x1b\0\n" * 100_000]
)
def test_the_text_is_one_short_line_whatever_comes(name: str) -> None:
    names = [name, *(f"{name}{number}" for number in range(20))]
    text = explain_unresolved(names, huge_registry())
    assert text.isprintable()
    assert len(text) < 10_000


def test_without_a_descriptor_no_name_is_near(monkeypatch: pytest.MonkeyPatch) -> None:
    """What compares names is loaded when it is needed, which may be too late."""
    monkeypatch.delitem(sys.modules, "difflib", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Starved()])
    assert explain_unresolved(["vendor.com/gpu=gpu2"], build_registry(SPECS)) == (
        "unresolvable CDI device: 'vendor.com/gpu=gpu2' is in no spec "
        "(known: gpu0, gpu1, all and 2 more)"
    )


class _Starved(MetaPathFinder):
    """What finds modules, in a process that may open no file any more."""

    def find_spec(self, fullname: str, *rest: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
