"""What the kubelet makes of a container of a manifest: the settings that a CRI takes.

It knows the fields that deploy/nri-cdi.yaml uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from testbed._pb.cri import api_pb2 as api

Object = Mapping[str, Any]
"""A Kubernetes object, or a part of one."""

ANYBODY = 0o777

MIB = 1024 * 1024


def volumes(
    pod: Object,
    config_maps: Mapping[str, Object],
    folder: Path,
    host: Mapping[str, Path],
) -> dict[str, Path]:
    """The folder on the host of each volume of a pod's spec, by its name.

    New ones are made in ``folder``. ``host`` has other places for paths of the host.
    """
    return {
        each["name"]: _volume(each, config_maps, folder / each["name"], host)
        for each in pod["volumes"]
    }


def _volume(
    volume: Object,
    config_maps: Mapping[str, Object],
    folder: Path,
    host: Mapping[str, Path],
) -> Path:
    if "hostPath" in volume:
        path = volume["hostPath"]["path"]
        return host.get(path, Path(path))
    folder.mkdir(parents=True)
    if "configMap" in volume:
        _project(folder, config_maps[volume["configMap"]["name"]]["data"])
    else:
        assert "emptyDir" in volume, f"no volume that is known here: {volume}"
        folder.chmod(ANYBODY)
    return folder


def _project(folder: Path, files: Mapping[str, str]) -> None:
    """The files are links, so that all of them change at once.

    Source: Kubernetes, pkg/volume/util/atomic_writer.go.
    """
    (folder / "..1").mkdir()
    (folder / "..data").symlink_to("..1")
    for name, text in files.items():
        (folder / "..1" / name).write_text(text)
        (folder / name).symlink_to(f"..data/{name}")


def settings(container: Object, volumes: Mapping[str, Path]) -> dict[str, Any]:
    """What to hand to `testbed.cri.Cri.create_container`, but for the image."""
    return {
        "command": container.get("command", ()),
        "args": container.get("args", ()),
        "env": {each["name"]: each["value"] for each in container.get("env", ())},
        "mounts": [
            api.Mount(
                container_path=each["mountPath"],
                host_path=str(volumes[each["name"]]),
                readonly=each.get("readOnly", False),
            )
            for each in container["volumeMounts"]
        ],
        "security": _security(container["securityContext"]),
        "resources": _resources(container["resources"]["limits"]),
    }


def local_profile(path: Path) -> api.SecurityProfile:
    """A seccomp profile in a file of the host, in the OCI's form."""
    return api.SecurityProfile(
        profile_type=api.SecurityProfile.Localhost, localhost_ref=str(path)
    )


def _security(context: Object) -> api.LinuxContainerSecurityContext:
    profiles = {"RuntimeDefault": api.SecurityProfile.RuntimeDefault}
    return api.LinuxContainerSecurityContext(
        run_as_user=api.Int64Value(value=context["runAsUser"]),
        readonly_rootfs=context["readOnlyRootFilesystem"],
        no_new_privs=not context["allowPrivilegeEscalation"],
        capabilities=api.Capability(drop_capabilities=context["capabilities"]["drop"]),
        seccomp=api.SecurityProfile(
            profile_type=profiles[context["seccompProfile"]["type"]]
        ),
    )


def _resources(limits: Object) -> api.LinuxContainerResources:
    assert set(limits) == {"memory"}, f"no limits that are known here: {limits}"
    memory = limits["memory"]
    assert memory.endswith("Mi"), f"{memory!r} is not in Mi"
    return api.LinuxContainerResources(
        memory_limit_in_bytes=int(memory.removesuffix("Mi")) * MIB
    )
