from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from testbed.config import NRI_PLUGIN, Settings, Table, render

SETTINGS = Settings(
    run_dir=Path("/run/x"),
    runc=Path("/cache/runc"),
    snapshotter="native",
    sandbox_image="localhost/image:tag",
    enable_cdi=False,
)


@pytest.mark.parametrize(("version", "schema"), [("1.7", 2), ("2.1", 3)])
def test_what_both_versions_have(version: str, schema: int) -> None:
    document = tomllib.loads(render(version, SETTINGS))
    plugins = document.pop("plugins")
    assert document == {
        "version": schema,
        "root": "/run/x/root",
        "state": "/run/x/state",
        "grpc": {"address": "/run/x/containerd.sock"},
    }
    assert plugins[NRI_PLUGIN] == {
        "disable": False,
        "socket_path": "/run/x/nri.sock",
        "plugin_path": "/run/x/plugins",
        "plugin_config_path": "/run/x/conf.d",
    }


def test_1_7_has_the_cri_in_one_table() -> None:
    plugins = tomllib.loads(render("1.7", SETTINGS))["plugins"]
    cri = plugins["io.containerd.grpc.v1.cri"]
    assert cri["sandbox_image"] == "localhost/image:tag"
    assert cri["containerd"]["snapshotter"] == "native"
    assert cri["containerd"]["runtimes"]["runc"]["options"] == {
        "BinaryName": "/cache/runc",
        "Root": "/run/x/runc",
        "SystemdCgroup": False,
    }
    assert cri["enable_cdi"] is False
    assert cri["cdi_spec_dirs"] == ["/run/x/cdi"]
    assert cri["cni"] == {"bin_dir": "/run/x/cni/bin", "conf_dir": "/run/x/cni/net.d"}


def test_2_1_has_images_and_containers_apart() -> None:
    plugins = tomllib.loads(render("2.1", SETTINGS))["plugins"]
    assert plugins["io.containerd.cri.v1.images"] == {
        "snapshotter": "native",
        "pinned_images": {"sandbox": "localhost/image:tag"},
    }
    runtime = plugins["io.containerd.cri.v1.runtime"]
    assert runtime["restrict_oom_score_adj"] is True
    assert runtime["cni"] == {
        "bin_dirs": ["/run/x/cni/bin"],
        "conf_dir": "/run/x/cni/net.d",
    }


def test_nri_settings_go_over_the_usual_ones() -> None:
    given: Table = {
        "disable": True,
        "plugin_request_timeout": '5"',
        "more": {"a.b": ["c"]},
    }
    document = tomllib.loads(render("2.1", replace(SETTINGS, nri=given)))
    table = document["plugins"][NRI_PLUGIN]
    assert {key: table[key] for key in given} == given
    assert table["socket_path"] == "/run/x/nri.sock"
