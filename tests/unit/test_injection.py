"""How devices go to the runtime: as edits, as names, or as both."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.registry import Registry
from nri_cdi.errors import RequestError, UnsupportedEditError
from nri_cdi.injection import (
    COMPILED_LIMIT,
    DELEGATED_MARK,
    KEPT_LIMIT,
    RESOLVED_MARK,
    Compiled,
    Injection,
    Injector,
    host_lstat,
    marked,
    nodes_of,
)
from nri_cdi.nri import api
from nri_cdi.nri.capabilities import RuntimeInfo, runtime_named

HONOURS = runtime_named("containerd:2.1.0")
DROPS = runtime_named("containerd:2.0.5")

PLAIN = {"env": ["PLAIN=yes"]}
GIDS = {"env": ["GIDS=yes"], "additionalGids": [7]}

Edits = Mapping[str, Any]


def read(tmp_path: Path, **files: Mapping[str, Edits]) -> Registry:
    """Specs with kinds ``v.com/<name>``, and devices with these edits."""
    for name, devices in files.items():
        spec = {
            "cdiVersion": "1.1.0",
            "kind": f"v.com/{name}",
            "containerEdits": {"env": [f"SPEC_{name}=yes"]},
            "devices": [
                {"name": device, "containerEdits": edits}
                for device, edits in devices.items()
            ],
        }
        (tmp_path / f"{name}.json").write_text(json.dumps(spec))
    return Cache([str(tmp_path)]).snapshot()


def compiled(
    registry: Registry,
    *names: str,
    mode: Injection = Injection.AUTO,
    runtime: RuntimeInfo = HONOURS,
    present: tuple[str, ...] = (),
) -> Compiled:
    injector = Injector(mode)
    injector.serve(runtime)
    return injector.compiled(registry, 1, names, present)


def adjust(answers: Compiled) -> api.ContainerAdjustment:
    return answers.answer(api.Container()).adjust


def env(adjustment: api.ContainerAdjustment) -> set[str]:
    return {each.key for each in adjustment.env}


def delegated(adjustment: api.ContainerAdjustment) -> list[str]:
    return [each.name for each in adjustment.CDI_devices]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return read(
        tmp_path,
        a={"plain": PLAIN, "gids": GIDS},
        b={"plain": {"env": ["B=yes"]}},
    )


MODES: tuple[tuple[str, RuntimeInfo, list[str], set[str], list[str]], ...] = (
    # mode, runtime, devices, resolved variables, delegated names
    ("auto", HONOURS, ["b=plain"], {"SPEC_b", "B"}, []),
    ("auto", HONOURS, ["a=gids"], set(), ["a=gids"]),
    ("auto", HONOURS, ["b=plain", "a=gids"], {"SPEC_b", "B"}, ["a=gids"]),
    # The edits of the whole spec would come twice.
    ("auto", HONOURS, ["a=plain", "a=gids"], set(), ["a=plain", "a=gids"]),
    ("auto", DROPS, ["b=plain"], {"SPEC_b", "B"}, []),
    ("resolve", HONOURS, ["b=plain"], {"SPEC_b", "B"}, []),
    ("resolve", DROPS, ["b=plain"], {"SPEC_b", "B"}, []),
    ("delegate", HONOURS, ["b=plain"], set(), ["b=plain"]),
    ("delegate", HONOURS, ["a=gids", "b=plain"], set(), ["a=gids", "b=plain"]),
)


@pytest.mark.parametrize(("mode", "runtime", "devices", "variables", "names"), MODES)
def test_a_device_goes_the_way_that_brings_it(
    registry: Registry,
    mode: str,
    runtime: RuntimeInfo,
    devices: list[str],
    variables: set[str],
    names: list[str],
) -> None:
    asked = [f"v.com/{device}" for device in devices]
    answers = compiled(registry, *asked, mode=Injection(mode), runtime=runtime)
    adjustment = adjust(answers)
    assert env(adjustment) == variables
    assert delegated(adjustment) == [f"v.com/{name}" for name in names]
    ways = ["resolve"] if variables else []
    assert answers.mode == "+".join(ways + (["delegate"] if names else []))
    resolved = [name for name in asked if name not in delegated(adjustment)]
    there = api.Container(annotations=adjustment.annotations)
    nobody = api.PodSandbox()
    assert marked(nobody, there, RESOLVED_MARK) == tuple(resolved)
    assert marked(nobody, there, DELEGATED_MARK) == tuple(delegated(adjustment))


REFUSED = (
    ("auto", DROPS, "a=gids", UnsupportedEditError, "can't add group 7"),
    ("resolve", HONOURS, "a=gids", UnsupportedEditError, "can't add group 7"),
    ("resolve", DROPS, "a=gids", UnsupportedEditError, "can't add group 7"),
    (
        "delegate",
        DROPS,
        "b=plain",
        RequestError,
        "the configuration has injection = delegate, and containerd 2.0.5 (NRI 0.8) "
        "drops delegated devices without a word; it takes NRI 0.7 "
        "(containerd 1.7.30 or 2.1.0, CRI-O 1.34)",
    ),
)


@pytest.mark.parametrize(("mode", "runtime", "device", "error", "message"), REFUSED)
def test_what_no_way_brings_is_refused(
    registry: Registry,
    mode: str,
    runtime: RuntimeInfo,
    device: str,
    error: type[RequestError],
    message: str,
) -> None:
    with pytest.raises(error) as raised:
        compiled(registry, f"v.com/{device}", mode=Injection(mode), runtime=runtime)
    assert message in str(raised.value)


def test_what_the_host_alone_shows_is_delegated_as_well(registry: Registry) -> None:
    names = ("v.com/b=plain",)
    error = UnsupportedEditError("a node of type 'p'")
    injector = Injector(Injection.AUTO)
    injector.serve(HONOURS)
    assert delegated(adjust(injector.delegating(registry, names, error))) == list(names)
    injector.serve(DROPS)
    with pytest.raises(UnsupportedEditError) as raised:
        injector.delegating(registry, names, error)
    assert raised.value is error


def test_an_answer_is_kept_until_the_specs_or_the_runtime_change(
    registry: Registry,
) -> None:
    injector = Injector()
    injector.serve(HONOURS)
    names = ("v.com/b=plain",)
    first = injector.compiled(registry, 1, names)
    assert injector.compiled(registry, 1, names) is first
    assert injector.compiled(registry, 2, names) is not first
    second = injector.compiled(registry, 2, names)
    injector.serve(DROPS)
    assert injector.compiled(registry, 2, names) is not second


def test_any_number_of_device_lists_takes_bounded_memory(tmp_path: Path) -> None:
    count = COMPILED_LIMIT + 10
    devices = {f"d{number}": {"env": [f"D={number}"]} for number in range(count)}
    registry = read(tmp_path, many=devices)
    injector = Injector()
    for name in devices:
        adjustment = adjust(injector.compiled(registry, 1, (f"v.com/many={name}",)))
        assert "D" in env(adjustment)
        assert len(injector._compiled) <= COMPILED_LIMIT


def test_large_answers_take_bounded_memory(tmp_path: Path) -> None:
    value = "x" * 100_000
    devices = {f"d{n}": {"env": [f"D{n}={value}"]} for n in range(100)}
    registry = read(tmp_path, large=devices)
    injector = Injector()
    for name in devices:
        injector.compiled(registry, 1, (f"v.com/large={name}",))
        kept = sum(each.size for each in injector._compiled.values())
        assert kept <= KEPT_LIMIT
    assert 1 < len(injector._compiled) < len(devices)
    before = len(injector._compiled)
    injector.compiled(registry, 1, tuple(registry.devices)[:3])
    assert len(injector._compiled) == before


def test_a_mark_that_the_pod_has_too_is_its_authors() -> None:
    marks = {DELEGATED_MARK: "v.com/a=0"}
    container = api.Container(annotations=marks)
    assert marked(api.PodSandbox(), container, DELEGATED_MARK) == ("v.com/a=0",)
    assert marked(api.PodSandbox(annotations=marks), container, DELEGATED_MARK) == ()


def test_a_device_has_its_nodes_and_not_those_of_the_whole_spec(
    tmp_path: Path,
) -> None:
    nodes = [{"path": "/dev/a"}, {"path": "/dev/in", "hostPath": "/dev/out"}]
    registry = read(tmp_path, n={"two": {"deviceNodes": nodes}, "none": PLAIN})
    assert nodes_of(registry, ("v.com/n=two", "v.com/n=none", "v.com/n=gone")) == {
        "v.com/n=two": frozenset({"/dev/a", "/dev/out"})
    }


def test_what_is_not_below_dev_may_take_long_to_look_at(tmp_path: Path) -> None:
    paths = ("/dev/a", "/dev/../mnt/b", "/mnt/c", "/dev/d/e", "/mnt/c", "/device")
    nodes = [
        {"path": f"/dev/{number}", "hostPath": path}
        for number, path in enumerate(paths)
    ]
    # What the specs alone say is not looked at.
    known = {"path": "/mnt/x", "type": "c", "major": 1, "minor": 3, "fileMode": 438}
    registry = read(tmp_path, n={"all": {"deviceNodes": [*nodes, known]}})
    assert compiled(registry, "v.com/n=all").far == (
        "/dev/../mnt/b",
        "/mnt/c",
        "/device",
    )


def test_the_hosts_devices_are_looked_up_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/file").write_text("here")
    lstat = host_lstat(f"{tmp_path}/")
    assert lstat("/dev/sub/file").st_size == len("here")
    assert lstat("/etc/passwd") == os.lstat("/etc/passwd")
    for path in ("/dev/missing", "/dev/../etc/passwd", "/dev/sub/../../etc"):
        with pytest.raises(FileNotFoundError):
            lstat(path)
    assert host_lstat("") is os.lstat
