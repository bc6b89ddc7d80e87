"""A container as a runtime asks about it: some 2.5 KB of protobuf."""

from __future__ import annotations

from nri_cdi.nri import api

ANNOTATION = "cdi.k8s.io/bench"

POD_ID = "1f" * 32
CONTAINER_ID = "2e" * 32
POD_UID = "5ef1b7a0-3d8a-4a2c-9a6e-0c1f4e5d6b7a"
POD_DIR = f"/var/lib/kubelet/pods/{POD_UID}"

ENV = 30
"""Variables: what the image sets, and six or so for each service of the namespace."""

NAMESPACES = ("pid", "ipc", "uts", "mount", "network", "cgroup")
MEMORY_LIMIT = 512 * 1024 * 1024

# Destination, type and source. The first are every container's (containerd's default
# spec), the others what the kubelet adds.
MOUNTS = (
    ("/proc", "proc", "proc"),
    ("/dev", "tmpfs", "tmpfs"),
    ("/dev/pts", "devpts", "devpts"),
    ("/dev/mqueue", "mqueue", "mqueue"),
    ("/sys", "sysfs", "sysfs"),
    ("/sys/fs/cgroup", "cgroup", "cgroup"),
    ("/etc/hosts", "bind", f"{POD_DIR}/etc-hosts"),
    ("/dev/termination-log", "bind", f"{POD_DIR}/containers/main/0c1f4e5d"),
    ("/etc/hostname", "bind", "/var/lib/containerd/sandboxes/1f1f/hostname"),
    ("/etc/resolv.conf", "bind", "/var/lib/containerd/sandboxes/1f1f/resolv.conf"),
    ("/dev/shm", "bind", "/run/containerd/sandboxes/1f1f/shm"),
    (
        "/var/run/secrets/kubernetes.io/serviceaccount",
        "bind",
        f"{POD_DIR}/volumes/kubernetes.io~projected/token",
    ),
)


def create_request(devices: str) -> api.CreateContainerRequest:
    """The request for a container whose pod asks for ``devices``, as annotated."""
    request = api.CreateContainerRequest()
    fill_pod(request.pod)
    request.pod.annotations[ANNOTATION] = devices
    fill_container(request.container)
    return request


def become_another(request: api.CreateContainerRequest, number: int) -> None:
    """Make it the request of another pod's container, as each one of a node is."""
    rename_pod(request.pod, number)
    rename_container(request.container, request.pod.id, number)


def validation_of(
    created: api.CreateContainerRequest, answer: api.CreateContainerResponse
) -> api.ValidateContainerAdjustmentRequest:
    """What a runtime asks next, if no other plugin has adjusted the container."""
    request = api.ValidateContainerAdjustmentRequest(
        pod=created.pod, container=created.container, adjust=answer.adjust
    )
    request.plugins.add(name="nri-cdi", index="10")
    owners = request.owners.owners[created.container.id].compound
    for field, keys in (
        ("Devices", [device.path for device in answer.adjust.linux.devices]),
        ("Mounts", [mount.destination for mount in answer.adjust.mounts]),
        ("Env", [variable.key for variable in answer.adjust.env]),
    ):
        for key in keys:
            owners[api.Field.Value(field)].owners[key] = "10-nri-cdi"
    return request


def rename_pod(pod: api.PodSandbox, number: int) -> None:
    """Give a pod a name and ids of its own."""
    pod.id = f"{number:064x}"
    pod.name = f"train-7c9d8b6f5-{number:05}"
    pod.uid = f"{POD_UID[:-12]}{number:012x}"


def rename_container(container: api.Container, pod_id: str, number: int) -> None:
    """Give a container an id of its own, and a pod."""
    container.id = f"{number:064x}"
    container.pod_sandbox_id = pod_id


def fill_pod(pod: api.PodSandbox) -> None:
    """All of a pod that asks for nothing."""
    pod.id = POD_ID
    pod.name = "train-7c9d8b6f5-x2x4q"
    pod.uid = POD_UID
    pod.namespace = "research"
    pod.labels["app"] = "train"
    pod.labels["pod-template-hash"] = "7c9d8b6f5"
    pod.annotations["kubernetes.io/config.source"] = "api"
    pod.linux.cgroup_parent = f"/kubepods/burstable/pod{POD_UID}"


def fill_container(container: api.Container) -> None:
    """All of a container that no plugin has adjusted."""
    container.id = CONTAINER_ID
    container.pod_sandbox_id = POD_ID
    container.name = "main"
    container.labels["io.kubernetes.container.name"] = "main"
    container.args.extend(["/usr/bin/python3", "-m", "train", "--epochs", "10"])
    container.env.extend(f"SERVICE_{n:02}_PORT=tcp://10.0.0.{n}" for n in range(ENV))
    for destination, type_, source in MOUNTS:
        container.mounts.add(
            destination=destination,
            type=type_,
            source=source,
            options=["rbind", "rprivate", "rw"] if type_ == "bind" else ["nosuid"],
        )
    for namespace in NAMESPACES:
        container.linux.namespaces.add(type=namespace)
    container.linux.resources.memory.limit.value = MEMORY_LIMIT
    container.linux.resources.devices.add(allow=False, access="rwm")
    container.linux.cgroups_path = f"/kubepods/burstable/pod{POD_UID}/{CONTAINER_ID}"
