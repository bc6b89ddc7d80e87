"""deploy/nri-cdi.yaml against Kubernetes' schemas, and against what it starts."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from nri_cdi import __version__
from nri_cdi.cli import make_parser, meant
from nri_cdi.config import Config, parse_config
from nri_cdi.config.reloading import Loader
from testbed import manifest
from testbed.manifest import Manifest

# The first that has surging DaemonSets for good, and the newest that the package has.
KUBERNETES = ("1.25", kubernetes_validate.latest_version())

PROGRAM = "/opt/nri-cdi/bin/nri-cdi"
CONFIGURATION = "/etc/nri-cdi"
PLAIN = manifest.read()
VARIANTS = {"as it is": PLAIN, "with metrics": manifest.read_with_metrics()}

variants = pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)


def values(anything: object, key: str) -> Iterator[Any]:
    """What stands under a key, however deep."""
    if isinstance(anything, dict):
        for name, value in anything.items():
            if name == key:
                yield value
            yield from values(value, key)
    elif isinstance(anything, list):
        for item in anything:
            yield from values(item, key)


def parsed(arguments: list[str]) -> argparse.Namespace:
    """What the program makes of these arguments; SystemExit if nothing."""
    return make_parser(arguments).parse_args(meant(arguments, {}))


@variants
@pytest.mark.parametrize("kubernetes", KUBERNETES)
def test_every_object_is_what_kubernetes_takes(
    variant: Manifest, kubernetes: str
) -> None:
    for each in variant.objects:
        kubernetes_validate.validate(each, kubernetes, strict=True)


def test_the_schemas_refuse_what_they_do_not_know() -> None:
    namespace = {**PLAIN.only("Namespace"), "specification": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(namespace, KUBERNETES[-1], strict=True)


@variants
def test_all_of_it_is_in_one_namespace_that_it_makes(variant: Manifest) -> None:
    name = variant.only("Namespace")["metadata"]["name"]
    within = [each["metadata"].get("namespace") for each in variant.objects]
    kinds = [each["kind"] for each in variant.objects]
    outside = {
        kind for kind, namespace in zip(kinds, within, strict=True) if not namespace
    }
    assert {each for each in within if each} == {name}
    assert outside <= {"Namespace", "ClusterRole", "ClusterRoleBinding"}


@variants
def test_the_daemon_set_selects_its_own_pods(variant: Manifest) -> None:
    spec = variant.only("DaemonSet")["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()


@variants
def test_every_mount_has_a_volume_and_every_volume_a_mount(variant: Manifest) -> None:
    mounts = [
        mount["name"]
        for container in variant.pod["containers"]
        for mount in container["volumeMounts"]
    ]
    assert set(mounts) == {volume["name"] for volume in variant.pod["volumes"]}


@variants
def test_what_the_host_has_is_mounted_read_only(variant: Manifest) -> None:
    of_the_host = {
        each["name"] for each in variant.pod["volumes"] if "hostPath" in each
    }
    mounts = [
        mount
        for container in variant.pod["containers"]
        for mount in container["volumeMounts"]
        if mount["name"] in of_the_host
    ]
    assert [mount for mount in mounts if not mount.get("readOnly")] == []


@variants
def test_no_mount_is_a_single_file_which_would_go_stale(variant: Manifest) -> None:
    assert list(values(variant.pod, "subPath")) == []
    kinds = {
        each["hostPath"]["type"]
        for each in variant.pod["volumes"]
        if "hostPath" in each
    }
    assert kinds == {"Directory", "DirectoryOrCreate"}


@variants
@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("privileged", set()),
        ("hostNetwork", set()),
        ("hostPID", set()),
        ("hostIPC", set()),
        ("add", set()),
        ("procMount", set()),
        ("allowPrivilegeEscalation", {False}),
        ("readOnlyRootFilesystem", {True}),
        ("automountServiceAccountToken", {False}),
    ],
)
def test_nothing_has_rights_that_it_does_not_need(
    variant: Manifest, key: str, allowed: set[object]
) -> None:
    assert set(values(list(variant.objects), key)) == allowed


@variants
def test_every_container_drops_every_capability(variant: Manifest) -> None:
    for container in variant.pod["containers"]:
        context = container["securityContext"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}


def test_only_the_proxy_for_prometheus_gets_a_token() -> None:
    pod = VARIANTS["with metrics"].pod
    holders = {
        container["name"]
        for container in pod["containers"]
        for mount in container["volumeMounts"]
        if mount["name"] == "token"
    }
    assert holders == {"kube-rbac-proxy"}
    assert not any("projected" in volume for volume in PLAIN.pod["volumes"])


def test_the_proxy_asks_the_port_that_the_plugin_has() -> None:
    variant = VARIANTS["with metrics"]
    (proxy,) = (each for each in variant.pod["containers"] if "ports" in each)
    assert f"--upstream=http://{variant.status}/" in proxy["args"]
    (port,) = proxy["ports"]
    assert f"--secure-listen-address=:{port['containerPort']}" in proxy["args"]


def test_the_image_has_the_version_of_the_package() -> None:
    assert PLAIN.container["image"].endswith(f":{__version__}")


def test_the_program_takes_the_arguments() -> None:
    assert parsed(PLAIN.container["args"]).verb == "run"


@variants
@pytest.mark.parametrize(
    ("probe", "state"), [("livenessProbe", "healthy"), ("readinessProbe", "ready")]
)
def test_the_probes_ask_the_address_that_the_program_is_told(
    variant: Manifest, probe: str, state: str
) -> None:
    program, *arguments = variant.container[probe]["exec"]["command"]
    assert program == PROGRAM
    options = parsed(arguments)
    assert (options.verb, options.check) == ("status", state)
    assert options.address == variant.status


def test_the_host_dev_root_is_where_the_host_dev_is_mounted() -> None:
    (volume,) = (
        each["name"]
        for each in PLAIN.pod["volumes"]
        if each.get("hostPath", {}).get("path") == "/dev"
    )
    (path,) = (
        mount["mountPath"]
        for mount in PLAIN.container["volumeMounts"]
        if mount["name"] == volume
    )
    assert parsed(PLAIN.container["args"]).host_dev_root == path


@variants
def test_the_program_takes_the_configuration(variant: Manifest) -> None:
    assert parse_config(variant.config, "config.yaml") == Config()


@variants
def test_the_program_takes_the_variables(variant: Manifest) -> None:
    environ = {each["name"]: each["value"] for each in variant.container["env"]}
    config = Loader(None, environ, {}).load()
    assert config == Config(status=variant.status)


def test_the_configuration_lies_where_the_program_looks_for_it() -> None:
    mounts = {
        mount["mountPath"]: mount["name"] for mount in PLAIN.container["volumeMounts"]
    }
    volumes = {each["name"]: each for each in PLAIN.pod["volumes"]}
    config_map = volumes[mounts[CONFIGURATION]]["configMap"]["name"]
    assert config_map == PLAIN.only("ConfigMap")["metadata"]["name"]


def test_the_status_socket_lies_in_the_one_folder_that_can_be_written() -> None:
    writable = [
        mount["mountPath"]
        for mount in PLAIN.container["volumeMounts"]
        if not mount.get("readOnly")
    ]
    assert writable == [PLAIN.status.rpartition("/")[0]]


def test_what_the_configuration_has_commented_out_can_be_taken_in() -> None:
    commented = [
        line.replace("# ", "", 1)
        for line in PLAIN.config.splitlines()
        if line.startswith("# ") and (":" in line or "- " in line)
    ]
    settings = "\n".join(line for line in commented if is_setting(line))
    config = parse_config(settings, "config.yaml", Config())
    assert config != Config()
    assert set(yaml.safe_load(settings)) <= set(Config.__slots__)


def is_setting(line: str) -> bool:
    """Whether a line is one of settings rather than of words about them."""
    key = line.strip().removeprefix("- ").partition(":")[0]
    return line.startswith(" ") or key in Config.__slots__


@pytest.mark.parametrize("probe", ["livenessProbe", "readinessProbe"])
def test_a_probe_has_time_for_a_slow_node(probe: str) -> None:
    settings = PLAIN.container[probe]
    assert settings["timeoutSeconds"] >= 10
    assert settings["failureThreshold"] >= 2
