"""The configuration file of a private containerd."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

Value: TypeAlias = "bool | int | str | list[str] | Mapping[str, Value]"
Table: TypeAlias = Mapping[str, Value]

NRI_PLUGIN = "io.containerd.nri.v1.nri"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What differs between one private containerd and another.

    ``nri`` goes over the NRI table as it is (``{"plugin_request_timeout": "500ms"}``);
    ``enable_cdi`` says whether containerd itself honours CDI names.
    """

    run_dir: Path
    runc: Path
    snapshotter: str
    sandbox_image: str
    enable_cdi: bool
    nri: Table = field(default_factory=dict)

    @property
    def file(self) -> Path:
        return self.run_dir / "config.toml"

    @property
    def socket(self) -> Path:
        return self.run_dir / "containerd.sock"

    @property
    def nri_socket(self) -> Path:
        return self.run_dir / "nri.sock"

    @property
    def plugin_dir(self) -> Path:
        return self.run_dir / "plugins"

    @property
    def plugin_config_dir(self) -> Path:
        return self.run_dir / "conf.d"

    @property
    def cni_bin_dir(self) -> Path:
        return self.run_dir / "cni/bin"

    @property
    def cni_conf_dir(self) -> Path:
        return self.run_dir / "cni/net.d"

    @property
    def cdi_spec_dir(self) -> Path:
        return self.run_dir / "cdi"


def render(version: str, settings: Settings) -> str:
    """The file's text for containerd ``"1.7"`` or ``"2.1"``."""
    run_dir = settings.run_dir
    plugins: Table = {
        NRI_PLUGIN: {
            "disable": False,
            "socket_path": str(settings.nri_socket),
            "plugin_path": str(settings.plugin_dir),
            "plugin_config_path": str(settings.plugin_config_dir),
            **settings.nri,
        },
        # Its default, /opt/containerd, would be made.
        "io.containerd.internal.v1.opt": {"path": str(run_dir / "opt")},
    }
    schema, cri = CRI[version]
    return _toml(
        {
            "version": schema,
            "root": str(run_dir / "root"),
            "state": str(run_dir / "state"),
            "grpc": {"address": str(settings.socket)},
            "plugins": {**plugins, **cri(settings)},
        }
    )


def _cri_1(settings: Settings) -> Table:
    return {
        "io.containerd.grpc.v1.cri": {
            **_runtime(settings),
            "sandbox_image": settings.sandbox_image,
            "containerd": {
                "snapshotter": settings.snapshotter,
                "runtimes": {"runc": _runc(settings)},
            },
            "cni": {
                "bin_dir": str(settings.cni_bin_dir),
                "conf_dir": str(settings.cni_conf_dir),
            },
        }
    }


def _cri_2(settings: Settings) -> Table:
    return {
        "io.containerd.cri.v1.images": {
            "snapshotter": settings.snapshotter,
            "pinned_images": {"sandbox": settings.sandbox_image},
        },
        "io.containerd.cri.v1.runtime": {
            **_runtime(settings),
            "containerd": {"runtimes": {"runc": _runc(settings)}},
            "cni": {
                "bin_dirs": [str(settings.cni_bin_dir)],
                "conf_dir": str(settings.cni_conf_dir),
            },
        },
    }


CRI: Mapping[str, tuple[int, Callable[[Settings], Table]]] = {
    "1.7": (2, _cri_1),
    "2.1": (3, _cri_2),
}
"""Each version's schema of the file, and how it arranges what the CRI needs."""


def _runtime(settings: Settings) -> Table:
    return {
        # A machine without CAP_SYS_RESOURCE can't lower the score below its own.
        "restrict_oom_score_adj": True,
        # It would need apparmor_parser where the kernel has AppArmor.
        "disable_apparmor": True,
        "enable_cdi": settings.enable_cdi,
        "cdi_spec_dirs": [str(settings.cdi_spec_dir)],
        "netns_mounts_under_state_dir": True,
    }


def _runc(settings: Settings) -> Table:
    return {
        "runtime_type": "io.containerd.runc.v2",
        "options": {
            "BinaryName": str(settings.runc),
            "Root": str(settings.run_dir / "runc"),
            # The cgroupfs driver needs no systemd, with version 1 and 2 alike.
            "SystemdCgroup": False,
        },
    }


def _toml(table: Table, path: str = "") -> str:
    """A TOML document: a table's own values first, then the tables within it."""
    values = {key: each for key, each in table.items() if not isinstance(each, Mapping)}
    lines = [
        f"{json.dumps(key)} = {json.dumps(value)}\n" for key, value in values.items()
    ]
    for key, each in table.items():
        if isinstance(each, Mapping):
            name = f"{path}.{json.dumps(key)}" if path else json.dumps(key)
            lines.append(f"\n[{name}]\n{_toml(each, name)}")
    return "".join(lines)
