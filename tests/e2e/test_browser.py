"""The status page in a real browser; its pictures are kept in ``.artifacts``."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.chromium import DARK, NARROWEST, Chromium
from testbed.containerd import Containerd
from testbed.cri import CriError
from tests.e2e import specs
from tests.e2e.node import Node, asking
from tests.e2e.pluginprocess import STATUS, PluginProcess, serving, write_config
from tests.e2e.statusserver import Status, free_port

ARTIFACTS = Path(__file__).parents[2] / ".artifacts"

WIDE, PHONE = 1280, 390
HEIGHT = 2200

KIND = "vendor.test/gpu"
SETTINGS = {
    "policy": {
        "default": "deny",
        "rules": [
            {"name": "not-all", "devices": [f"{KIND}=all"], "action": "deny"},
            {"name": "notebooks", "pods": ["notebook*"], "action": "audit"},
            {"name": "research", "devices": [f"{KIND}=*"], "action": "allow"},
        ],
    },
    "exclusive": [f"{KIND}=[0-9]", f"{KIND}=GPU-*"],
    "aliases": ["cdi-devices.noderesource.dev"],
    "environment": {"NVIDIA_VISIBLE_DEVICES": KIND},
}

# Stand-ins on the host: every GPU has a node of its own, and all of them the last.
GPUS = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random")
CONTROL = "/dev/urandom"
SPEC_VERSION = "0.7.0"  # the first with additionalGids

# The page in a frame as wide as asked for, and how wide it turns out to be. The page
# itself has no script: this is on the outside, and may look in as it has the origin.
FRAME = """\
<!doctype html><meta charset="utf-8"><body style="margin:0">
<iframe id="frame" style="width:{width}px;height:{height}px;border:0"
  srcdoc="{page}"></iframe>
<script>
onload = () => {{
  const page = document.getElementById("frame").contentDocument;
  const width = page.documentElement.scrollWidth;
  const wide = [...page.querySelectorAll("body *")]
    .filter(each => each.getBoundingClientRect().right > {width} + 0.5)
    .map(each => each.tagName + "." + each.className);
  const ground = page.defaultView.getComputedStyle(page.body).backgroundColor;
  document.body.dataset.width = width;
  document.body.dataset.wide = wide.join(" ");
  document.body.dataset.ground = ground;
}};
</script>
"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Chromium:
    return Chromium(tmp_path_factory.mktemp("chromium"))


@pytest.fixture
def status() -> Status:
    return Status(address=str(free_port()))


@pytest.fixture
def spec_dir() -> Iterator[Path]:
    """A place with a short name: it is in the pictures."""
    with tempfile.TemporaryDirectory(prefix="cdi-") as folder:
        yield Path(folder)


@pytest.fixture
def plugin(
    containerd: Containerd, spec_dir: Path, tmp_path: Path, status: Status
) -> Iterator[PluginProcess]:
    """The plugin with its status on a port: a browser has no way to a Unix socket."""
    devices = {str(number): gpus(number) for number in range(len(GPUS))}
    devices |= {"GPU-8f3a": gpus(0), "all": gpus(*range(len(GPUS)))}
    devices["telemetry"] = {"additionalGids": [44]}
    content = specs.spec(devices, kind=KIND, version=SPEC_VERSION)
    specs.write(spec_dir / "vendor.json", content)
    path = spec_dir / "config.conf"  # no spec, by its name
    settings = {**SETTINGS, "status": status.address}
    arguments = write_config(path, containerd, spec_dir, settings)
    with serving(containerd, arguments, tmp_path / "plugin.log", STATUS) as plugin:
        yield plugin


def gpus(*numbers: int) -> specs.Edits:
    """The edits of some GPUs."""
    nodes = [
        {"path": f"/dev/gpu{number}", "hostPath": GPUS[number]} for number in numbers
    ]
    control = {"path": "/dev/gpuctl", "hostPath": CONTROL}
    return {"deviceNodes": [*nodes, control]}


@pytest.fixture
def busy(node: Node, status: Status) -> Iterator[Status]:
    """A node on which something of everything has happened."""
    (node.spec_dir / "broken.yaml").write_text(
        f"cdiVersion: 0.7.0\nkind: vendor.test\ndevices: {'x' * 200}\n"
    )
    status.await_state(lambda state: state["specs"]["errors"] != [])
    refused = {
        "typo": f"{KIND}=O",
        "greedy": f"{KIND}=all",
        "late-comer": f"{KIND}=GPU-8f3a",
    }
    with (
        node.cri.pod("train-7f9c", annotations=asking(f"{KIND}=0", f"{KIND}=1")) as a,
        node.cri.pod("notebook-ada", annotations=asking(f"{KIND}=2")) as b,
    ):
        node.cri.create_container(a, "trainer")
        node.cri.create_container(b, "jupyter")
        for name, device in refused.items():
            with (
                node.cri.pod(name, annotations=asking(device)) as pod,
                pytest.raises(CriError, match="nri-cdi"),
            ):
                node.cri.create_container(pod, "main")
        yield status


def test_the_page_has_what_the_json_has(busy: Status, chromium: Chromium) -> None:
    state = busy.state()
    dom = chromium.dom(f"http://{busy.address}/")
    assert "Serving, with troubles" in dom
    for each in state["decisions"]:
        assert each["pod"] in dom
    for each in state["devices"]:
        assert each["name"] in dom
    assert len(re.findall(r"<section", dom)) == 8
    assert "<script" not in dom


def test_a_device_that_is_refused_for_another_name_is_shown_as_held(
    busy: Status, chromium: Chromium
) -> None:
    state = busy.state()
    [refusal] = [each for each in state["decisions"] if each["result"] == "held"]
    assert (
        f"held by pod default/train-7f9c, container trainer (as {KIND}=0)"
        in (refusal["reason"])
    )
    devices = {each["name"]: each for each in state["devices"]}
    [holder] = devices[f"{KIND}=GPU-8f3a"]["holders"]
    assert (holder["pod"], holder["as"]) == ("train-7f9c", f"{KIND}=0")
    pods = [each["pod"] for each in devices[f"{KIND}=all"]["holders"]]
    assert pods == ["train-7f9c", "notebook-ada"]
    assert f'as</span> <span class="mono">{KIND}=0</span>' in chromium.dom(
        f"http://{busy.address}/"
    )


def test_the_style_of_the_page_is_let_through_by_its_policy(
    busy: Status, chromium: Chromium, tmp_path: Path
) -> None:
    # Without its style the page would be white, and much of it as wide as the window.
    picture = tmp_path / "page.png"
    chromium.screenshot(f"http://{busy.address}/", picture, WIDE, HEIGHT)
    styled = picture.stat().st_size
    plain = tmp_path / "plain.html"
    plain.write_text(re.sub(r"<style>.*</style>", "", busy.page(), flags=re.DOTALL))
    chromium.screenshot(plain.as_uri(), picture, WIDE, HEIGHT)
    assert picture.stat().st_size != styled
    assert styled > 50_000


def framed(page: str, folder: Path, width: int) -> str:
    escaped = page.replace("&", "&amp;").replace('"', "&quot;")
    path = folder / f"frame-{width}.html"
    path.write_text(FRAME.format(width=width, height=HEIGHT * 2, page=escaped))
    return path.as_uri()


@pytest.mark.parametrize("width", [320, PHONE, 600, 700, 900, WIDE])
def test_nothing_is_wider_than_the_screen(
    busy: Status, chromium: Chromium, tmp_path: Path, width: int
) -> None:
    dom = chromium.dom(framed(busy.page(), tmp_path, width), "--window-size=1400,4000")
    assert f'data-width="{width}"' in dom
    assert 'data-wide=""' in dom


def test_the_colours_follow_the_reader(
    busy: Status, chromium: Chromium, tmp_path: Path
) -> None:
    url = framed(busy.page(), tmp_path, WIDE)
    grounds = [
        re.search(r'data-ground="([^"]+)"', chromium.dom(url, *flags))
        for flags in ((), (DARK,))
    ]
    light, dark = [found.group(1) for found in grounds if found]
    assert light == "rgb(245, 246, 248)"
    assert dark == "rgb(16, 20, 27)"


def test_pictures_of_the_page_are_kept(
    busy: Status, chromium: Chromium, tmp_path: Path, version: str
) -> None:
    url = f"http://{busy.address}/"
    stem = f"status-page-containerd-{version}"
    for name, width, flags in (("wide", WIDE, ()), ("dark", WIDE, (DARK,))):
        picture = ARTIFACTS / f"{stem}-{name}.png"
        chromium.screenshot(url, picture, width, HEIGHT, *flags)
        assert picture.stat().st_size > 50_000
    assert PHONE < NARROWEST
    phone = ARTIFACTS / f"{stem}-phone.png"
    frame = framed(busy.page(), tmp_path, PHONE)
    chromium.screenshot(frame, phone, NARROWEST, HEIGHT * 2)
    assert phone.stat().st_size > 50_000
