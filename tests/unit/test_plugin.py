"""The plugin with real specs, in the runtime's place."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable
from pathlib import Path

import pytest

from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.registry import Registry
from nri_cdi.errors import ConfigError, Problem
from nri_cdi.nri import api
from nri_cdi.nri.capabilities import RuntimeInfo
from nri_cdi.plugin import CdiPlugin
from nri_cdi.ttrpc.status import Code, RpcError
from testbed.standin import container_request, containerd


class FileSpecs:
    """The specs of a directory, read when the plugin asks for it."""

    def __init__(self, directory: Path) -> None:
        self.cache = Cache([str(directory)])
        self.loaded = True
        self.wait: asyncio.Event | None = None
        self.scans_now = False
        self.rescans = 0

    @property
    def registry(self) -> Registry:
        return self.cache.registry

    @property
    def version(self) -> int:
        return self.cache.registry.generation

    def settling(self) -> Awaitable[None] | None:
        return None if self.wait is None else self._settle(self.wait)

    async def _settle(self, wait: asyncio.Event) -> None:
        await wait.wait()

    def scanning(self) -> Awaitable[None] | None:
        return self._scan() if self.scans_now else None

    async def _scan(self) -> None:
        self.cache.refresh()

    async def rescan(self) -> None:
        self.rescans += 1
        self.cache.refresh()


def write(path: Path, devices: dict[str, dict[str, object]]) -> None:
    spec = {
        "cdiVersion": "1.1.0",
        "kind": "vendor.com/gpu",
        "devices": [
            {"name": name, "containerEdits": edits} for name, edits in devices.items()
        ],
    }
    path.write_text(json.dumps(spec))


@pytest.fixture
def specs(tmp_path: Path) -> FileSpecs:
    write(
        tmp_path / "gpu.json",
        {"0": {"env": ["GPU0=yes"]}, "1": {"env": ["GPU1=yes"]}},
    )
    specs = FileSpecs(tmp_path)
    specs.cache.refresh()
    return specs


@pytest.fixture
def plugin(specs: FileSpecs) -> CdiPlugin:
    plugin = CdiPlugin(specs)
    plugin.configure(RuntimeInfo.from_configure(containerd("2.1.9")), "")
    return plugin


def env(response: object) -> dict[str, str]:
    assert isinstance(response, api.CreateContainerResponse)
    return {pair.key: pair.value for pair in response.adjust.env}


async def _await(answer: Awaitable[object]) -> object:
    return await answer


def finish(answer: object) -> object:
    assert isinstance(answer, Awaitable)
    return asyncio.run(_await(answer))


def test_a_pod_that_asks_for_nothing_is_left_alone(plugin: CdiPlugin) -> None:
    assert plugin.create_container(container_request({"other/key": "x"})) is None


def test_a_device_is_injected_at_once(
    plugin: CdiPlugin, specs: FileSpecs, caplog: pytest.LogCaptureFixture
) -> None:
    request = container_request({"cdi.k8s.io/gpu": "vendor.com/gpu=0"})
    with caplog.at_level(logging.INFO):
        assert env(plugin.create_container(request)) == {"GPU0": "yes"}
    assert specs.rescans == 0
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith(
        "pod default/pod-1, container main: injected vendor.com/gpu=0 in "
    )
    assert line.endswith(" ms (resolve)")


def test_each_container_gets_its_own_in_addition_to_the_pods(plugin: CdiPlugin) -> None:
    annotations = {
        "cdi.k8s.io/pod": "vendor.com/gpu=0",
        "cdi.k8s.io/container.train": "vendor.com/gpu=1",
    }
    main = plugin.create_container(container_request(annotations, "main"))
    train = plugin.create_container(container_request(annotations, "train"))
    assert env(main) == {"GPU0": "yes"}
    assert env(train) == {"GPU0": "yes", "GPU1": "yes"}


def test_what_the_runtime_injects_already_is_not_injected_twice(
    plugin: CdiPlugin,
) -> None:
    request = container_request({"cdi.k8s.io/g": "vendor.com/gpu=0, vendor.com/gpu=1"})
    request.container.CDI_devices.add(name="vendor.com/gpu=0")
    assert env(plugin.create_container(request)) == {"GPU1": "yes"}
    request.container.CDI_devices.add(name="vendor.com/gpu=1")
    assert plugin.create_container(request) is None


def test_a_specs_own_edits_do_not_come_twice(
    plugin: CdiPlugin, specs: FileSpecs, tmp_path: Path
) -> None:
    spec = json.loads((tmp_path / "gpu.json").read_text())
    spec["containerEdits"] = {"env": ["SHARED=yes"]}
    (tmp_path / "gpu.json").write_text(json.dumps(spec))
    specs.cache.refresh()
    request = container_request({"cdi.k8s.io/g": "vendor.com/gpu=1"})
    alone = plugin.create_container(request)
    request.container.CDI_devices.add(name="vendor.com/gpu=0")
    beside = plugin.create_container(request)
    assert env(alone) == {"SHARED": "yes", "GPU1": "yes"}
    assert env(beside) == {"GPU1": "yes"}


def test_a_new_name_is_looked_for_once_more(
    plugin: CdiPlugin, specs: FileSpecs, tmp_path: Path
) -> None:
    write(tmp_path / "more.json", {"2": {"env": ["GPU2=yes"]}})
    request = container_request({"cdi.k8s.io/gpu": "vendor.com/gpu=2"})
    assert env(finish(plugin.create_container(request))) == {"GPU2": "yes"}
    assert specs.rescans == 1
    assert env(plugin.create_container(request)) == {"GPU2": "yes"}


def test_a_new_name_may_be_in_the_scan_that_is_going_on(
    plugin: CdiPlugin, specs: FileSpecs, tmp_path: Path
) -> None:
    write(tmp_path / "more.json", {"2": {"env": ["GPU2=yes"]}})
    specs.scans_now = True
    request = container_request({"cdi.k8s.io/gpu": "vendor.com/gpu=2"})
    assert env(finish(plugin.create_container(request))) == {"GPU2": "yes"}
    assert specs.rescans == 0


def test_an_unknown_name_is_refused_after_one_look(
    plugin: CdiPlugin, specs: FileSpecs, caplog: pytest.LogCaptureFixture
) -> None:
    request = container_request({"cdi.k8s.io/gpu": "vendor.com/gpu=7"})
    with pytest.raises(RpcError) as raised:
        finish(plugin.create_container(request))
    assert specs.rescans == 1
    assert raised.value.code == Code.FAILED_PRECONDITION
    assert raised.value.message.startswith(
        "nri-cdi: unresolvable CDI device: 'vendor.com/gpu=7' "
    )
    assert raised.value.message.endswith("; asked for by annotation cdi.k8s.io/gpu")
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith("pod default/pod-1, container main: refused: unresolvable")


def test_while_a_change_settles_the_answer_waits_for_it(
    plugin: CdiPlugin, specs: FileSpecs, tmp_path: Path
) -> None:
    request = container_request({"cdi.k8s.io/gpu": "vendor.com/gpu=0"})

    async def test() -> object:
        specs.wait = asyncio.Event()
        answer = plugin.create_container(request)
        assert isinstance(answer, Awaitable)
        write(tmp_path / "gpu.json", {"0": {"env": ["GPU0=changed"]}})
        specs.cache.refresh()
        specs.wait.set()
        return await answer

    assert env(asyncio.run(test())) == {"GPU0": "changed"}
    assert specs.rescans == 0


def test_a_name_that_a_change_does_not_bring_is_looked_for(
    plugin: CdiPlugin, specs: FileSpecs
) -> None:
    request = container_request({"cdi.k8s.io/gpu": "vendor.com/gpu=7"})

    async def test() -> None:
        specs.wait = asyncio.Event()
        specs.wait.set()
        answer = plugin.create_container(request)
        assert isinstance(answer, Awaitable)
        await answer

    with pytest.raises(RpcError, match="unresolvable"):
        asyncio.run(test())
    assert specs.rescans == 1


def test_a_refusal_names_the_annotations_that_are_to_blame(plugin: CdiPlugin) -> None:
    annotations = {f"cdi.k8s.io/{key}": f"vendor.com/gpu={key}" for key in "abcde"}
    annotations["cdi.k8s.io/fine"] = "vendor.com/gpu=0"
    with pytest.raises(RpcError) as raised:
        finish(plugin.create_container(container_request(annotations)))
    assert raised.value.message.endswith(
        "; asked for by annotations cdi.k8s.io/a, cdi.k8s.io/b, cdi.k8s.io/c and 2 more"
    )


@pytest.mark.parametrize(
    ("annotations", "words"),
    [
        ({"cdi.k8s.io/gpu": "gpu0"}, "cdi.k8s.io/gpu"),
        ({"cdi.k8s.io/gpu": ""}, "cdi.k8s.io/gpu"),
        ({"cdi.k8s.io/gpu": "vendor.com/gpu=0,"}, "cdi.k8s.io/gpu"),
        ({"cdi.k8s.io/container.": "vendor.com/gpu=0"}, "cdi.k8s.io/container."),
    ],
)
def test_a_bad_annotation_is_refused_at_once(
    plugin: CdiPlugin, specs: FileSpecs, annotations: dict[str, str], words: str
) -> None:
    with pytest.raises(RpcError) as raised:
        plugin.create_container(container_request(annotations))
    assert raised.value.code == Code.FAILED_PRECONDITION
    assert raised.value.message.startswith("nri-cdi: ")
    assert words in raised.value.message
    assert specs.rescans == 0


def test_an_edit_that_the_runtime_does_not_know_is_refused(
    plugin: CdiPlugin, specs: FileSpecs, tmp_path: Path
) -> None:
    write(tmp_path / "gpu.json", {"0": {"additionalGids": [4242]}})
    specs.cache.refresh()
    request = container_request({"cdi.k8s.io/gpu": "vendor.com/gpu=0"})
    plugin.configure(RuntimeInfo.from_configure(containerd("2.0.5")), "")
    with pytest.raises(RpcError) as raised:
        plugin.create_container(request)
    assert "additionalGids" in raised.value.message
    assert "containerd 2.0.5 (NRI 0.8)" in raised.value.message
    assert f"{tmp_path}/gpu.json" in raised.value.message


def test_an_answer_that_nri_can_not_carry_is_refused(
    plugin: CdiPlugin,
    specs: FileSpecs,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    huge = [f"V{number}={'x' * 1024}" for number in range(4096)]
    write(tmp_path / "gpu.json", {"0": {"env": huge}})
    specs.cache.refresh()
    request = container_request({"cdi.k8s.io/gpu": "vendor.com/gpu=0"})
    with caplog.at_level(logging.INFO), pytest.raises(RpcError) as raised:
        plugin.create_container(request)
    assert raised.value.message == (
        "nri-cdi: the adjustment has 4246485 bytes, and NRI carries 4194299 at most: "
        "the edits are too many or too long; asked for by annotation "
        "cdi.k8s.io/gpu"
    )
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith("pod default/pod-1, container main: refused: the adjustm")


def test_edits_follow_the_registry_and_the_runtime(
    plugin: CdiPlugin, specs: FileSpecs, tmp_path: Path
) -> None:
    write(
        tmp_path / "gpu.json",
        {"0": {"netDevices": [{"hostInterfaceName": "e", "name": "eth1"}]}},
    )
    specs.cache.refresh()
    request = container_request({"cdi.k8s.io/gpu": "vendor.com/gpu=0"})
    older = containerd("2.0.5")
    plugin.configure(RuntimeInfo.from_configure(older), "")
    with pytest.raises(RpcError, match=r"can't move network"):
        plugin.create_container(request)
    newer = containerd("2.3.0", "0.12.0")
    plugin.configure(RuntimeInfo.from_configure(newer), "")
    response = plugin.create_container(request)
    assert isinstance(response, api.CreateContainerResponse)
    assert response.adjust.linux.net_devices["e"].name == "eth1"


def test_a_long_list_of_devices_takes_one_readable_line(
    specs: FileSpecs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    devices: dict[str, dict[str, object]] = {
        f"d{number:02}": {"env": [f"D{number}=x"]} for number in range(50)
    }
    write(tmp_path / "gpu.json", devices)
    specs.cache.refresh()
    names = ",".join(f"vendor.com/gpu={name}" for name in devices)
    with caplog.at_level(logging.INFO):
        CdiPlugin(specs).create_container(container_request({"cdi.k8s.io/g": names}))
    [line] = [record.getMessage() for record in caplog.records]
    assert "vendor.com/gpu=d15 and 34 more in " in line


def test_more_edits_than_there_is_time_for_are_refused(
    plugin: CdiPlugin, specs: FileSpecs, tmp_path: Path
) -> None:
    """A small file can come to a million edits, by aliases."""
    nodes = "".join(
        f"  - {{path: /dev/n{n}, type: c, major: 1}}\n" for n in range(1000)
    )
    names = [f"d{number}" for number in range(51)]
    devices = "".join(
        f"- {{name: {name}, containerEdits: {{deviceNodes: *n}}}}\n" for name in names
    )
    (tmp_path / "gpu.json").unlink()
    (tmp_path / "many.yaml").write_text(
        "cdiVersion: 0.5.0\nkind: v.com/g\ncontainerEdits:\n  deviceNodes: &n\n"
        f"{nodes}devices:\n{devices}"
    )
    specs.cache.refresh()
    value = ",".join(f"v.com/g={name}" for name in names)
    with pytest.raises(RpcError) as raised:
        plugin.create_container(container_request({"cdi.k8s.io/g": value}))
    assert raised.value.message == (
        "nri-cdi: 51 devices come to 52000 edits, and a container may have 50000; "
        "asked for by annotation cdi.k8s.io/g"
    )


def test_a_key_that_is_none_is_shown_so_that_it_forges_nothing(
    plugin: CdiPlugin,
) -> None:
    annotations = {"cdi.k8s.io/a\0<0>forged\x1b[2J": "vendor.com/gpu=7"}
    with pytest.raises(RpcError) as raised:
        finish(plugin.create_container(container_request(annotations)))
    assert raised.value.message.isprintable()


def test_with_a_broken_configuration_containers_with_devices_are_refused(
    specs: FileSpecs, caplog: pytest.LogCaptureFixture
) -> None:
    def take(text: str) -> None:
        if text != "good":
            problem = Problem(rule="r", message="no", line=3)
            raise ConfigError("10-nri-cdi.conf", [problem])

    plugin = CdiPlugin(specs, on_config=take)
    runtime = RuntimeInfo.from_configure(containerd("2.1.9"))
    plugin.configure(runtime, "bad")
    assert "10-nri-cdi.conf:3: no" in caplog.text
    request = container_request({"cdi.k8s.io/gpu": "vendor.com/gpu=0"})
    assert plugin.create_container(container_request({})) is None
    with pytest.raises(
        RpcError,
        match="nri-cdi: the plugin can't serve before its configuration is mended: "
        "10-nri-cdi.conf:3: no; asked for by annotation cdi.k8s.io/gpu$",
    ):
        plugin.create_container(request)
    plugin.configure(runtime, "good")
    assert env(plugin.create_container(request)) == {"GPU0": "yes"}
