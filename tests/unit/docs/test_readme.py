"""What README.md and docs/operations.md say of flags, keys, runtimes and examples."""

from __future__ import annotations

import re
import tomllib

import pytest
import yaml

from nri_cdi.adjustment import compile_adjustment
from nri_cdi.cdi.reading import parse_spec
from nri_cdi.cdi.registry import build_registry, register
from nri_cdi.cli import VERBS, main
from nri_cdi.nri import api
from nri_cdi.nri.capabilities import Capabilities, RuntimeInfo
from nri_cdi.requests import requested_devices
from tests.unit.docs.pages import PAGES, README, ROOT, blocks, read, table

TEXT = README.read_text()
OPERATIONS = read("docs/operations.md")

FLAG = re.compile(r"--[a-z]+(?:-[a-z]+)*")
# Flags of other programs that the pages mention.
FOREIGN = frozenset(
    {
        *("--constraint", "--no-index", "--wheel-dir", "--find-links"),  # pip
        *("--now", "--global", "--unit"),  # systemd
        *("--device", "--build-arg", "--allow-paths"),  # docker, podman, a proxy
    }
)

# Some stand within a list, indented.
TOML_BLOCK = re.compile(r"^ *```toml\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)

COMPATIBILITY = table(TEXT, "edit of a spec")
RUNTIMES = TEXT[TEXT.index("| edit of a spec") :].splitlines()[0].split("|")[2:-1]
NEEDS = {
    "env, mounts, hooks, device nodes": ("mounts", "hooks", "device_nodes"),
    "intelRdt with a closID alone": ("rdt_class",),
    "device nodes without read or write permission": ("device_rules",),
    "netDevices, the rest of intelRdt": ("net_devices", "rdt"),
    "device nodes given to the container's user": ("container_user",),
}
NEVER = "additionalGids, device nodes of type p or u"


def flags_of(verb: str, capsys: pytest.CaptureFixture[str]) -> set[str]:
    with pytest.raises(SystemExit) as exited:
        main([verb, "--help"])
    assert exited.value.code == 0
    return set(FLAG.findall(capsys.readouterr().out))


def test_every_flag_that_a_page_names_exists(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pages = [page for page in PAGES if page.parent.name != "decisions"]
    named = {flag for page in pages for flag in _flags_in_code(page.read_text())}
    assert {"--socket", "--spec-dir"} <= named
    known = {flag for verb, _, _ in VERBS for flag in flags_of(verb, capsys)}
    assert named - FOREIGN <= known


def _flags_in_code(text: str) -> list[str]:
    spans = re.findall(r"`[^`\n]+`", text)
    return FLAG.findall("\n".join([*spans, *blocks(text, "sh"), *blocks(text, "text")]))


def capabilities(runtime: str) -> list[Capabilities]:
    """What the releases of a column's head can do: one release, or both ends."""
    name, _, versions = runtime.strip().partition(" ")
    found = []
    for version in versions.split(" to "):
        full = version if version.count(".") > 1 else f"{version}.0"
        told = api.ConfigureRequest(runtime_name=name.lower(), runtime_version=full)
        found.append(RuntimeInfo.from_configure(told).capabilities)
    return found


@pytest.mark.parametrize("row", COMPATIBILITY, ids=lambda row: row[0])
def test_the_table_of_runtimes_is_that_of_the_code(row: list[str]) -> None:
    edit, *cells = row
    expected = []
    for runtime in RUNTIMES:
        can = [
            edit != NEVER and all(getattr(each, need) for need in NEEDS[edit])
            for each in capabilities(runtime)
        ]
        assert len(set(can)) == 1, runtime
        expected.append("yes" if can[0] else "no")
    assert cells == expected


def test_the_first_device_reaches_the_first_pod() -> None:
    [spec_text] = [text for text in blocks(TEXT, "yaml") if "cdiVersion" in text]
    [pod_text] = [text for text in blocks(TEXT, "yaml") if "kind: Pod" in text]
    pod = yaml.safe_load(pod_text)
    loaded = parse_spec(spec_text.encode(), "/etc/cdi/example.yaml")
    registry = build_registry([register(loaded.path, 0, loaded.spec)])
    asked = requested_devices(
        pod["metadata"]["annotations"], pod["spec"]["containers"][0]["name"]
    )
    runtime = RuntimeInfo(name="containerd", version="1.7.0", nri_version=(0, 3))
    compiled = compile_adjustment(registry.resolve(asked.devices), runtime)
    adjustment = compiled.for_container(api.Container())
    [device] = adjustment.linux.devices
    assert (device.path, device.type, device.major, device.minor) == (
        "/dev/example",
        "c",
        1,
        5,
    )
    assert [(pair.key, pair.value) for pair in adjustment.env] == [("EXAMPLE", "one")]


@pytest.mark.parametrize("page", ["README.md"])
def test_what_goes_into_toml_files_is_toml(page: str) -> None:
    found = TOML_BLOCK.findall(read(page))
    assert found
    assert all(tomllib.loads(text) for text in found)


def test_the_files_that_commands_name_are_there() -> None:
    named = re.findall(
        r"(?<!/)\b(?:deploy|systemd|requirements|docs)/[\w./-]+\w", TEXT + OPERATIONS
    )
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_make_targets_that_pages_name_exist() -> None:
    targets = re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE)
    named = [re.findall(r"`make ([a-z-]+)", page.read_text()) for page in PAGES]
    assert {name for names in named for name in names} - set(targets) == set()


def test_the_modules_of_the_architecture_are_there() -> None:
    page = read("docs/architecture/index.md")
    named = set(re.findall(r"\b(?:nri|cdi|ttrpc)\.[a-z]+\b", page))
    source = ROOT / "src/nri_cdi"
    paths = {name: source / f"{name.replace('.', '/')}.py" for name in named}
    assert {name for name, path in paths.items() if not path.exists()} == set()
