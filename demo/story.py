"""The story that the demo tells, one scene a method."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack

from demo import mock, plugin
from demo.narration import Narration
from testbed import packages
from testbed.containerd import Containerd
from testbed.cri import CriError

CONTAINERD = "2.1"
PARTS = (packages.RUNC, packages.BUSYBOX)

GPU_KEY = "cdi.k8s.io/gpu"
CAMERA_KEY = "cdi.k8s.io/camera"

FIRST = ("device_0", "device_1", "device_6", "device_7")
SECOND = ("device_2", "device_3", "device_5")
THIRD = ("device_4",)
MISSING = "device_9"
"""A GPU that no spec has."""

NO_DRIVER = "No such device or address"
DENIED = "Operation not permitted"
ABSENT = "No such file or directory"
"""The texts of ENXIO, EPERM and ENOENT."""

DEVICE_NUMBERS = re.compile(r" (\d+), +(\d+) ")

SPEC_LINES_SHOWN = 18
"""The head of the GPUs' spec, to the end of the first device."""


def tell(narration: Narration) -> None:
    """Play the whole story.

    Raises: PackageError, ContainerdError, PluginError, CriError, TimeoutError.
    """
    narration.step("Fetch a runtime from Debian, and unpack it below .cache")
    for suite, name in (packages.CONTAINERD[CONTAINERD], *PARTS):
        narration.say(f"{packages.fetch(suite, name)}")
    narration.step("Start containerd in a folder of its own")
    with Containerd(CONTAINERD) as containerd:
        narration.say(f"containerd {containerd.version()} in {containerd.run_dir}")
        with ExitStack() as pods:
            Story(narration, containerd, pods).play()
    narration.step("Stop containerd: no process, mount or file of it is left")
    narration.expect("the folder", containerd.run_dir.exists(), False)


class Story:
    """What happens between the start of containerd and its end.

    The pods run side by side until ``pods`` is closed, as they would on a node.
    """

    def __init__(
        self, narration: Narration, containerd: Containerd, pods: ExitStack
    ) -> None:
        self._narration = narration
        self._containerd = containerd
        self._cri = containerd.cri
        self._pods = pods
        self._host = containerd.run_dir / "mock"
        self._spec_dir = containerd.run_dir / "specs"
        self._nodes: Mapping[str, mock.Node] = {}
        self._containers: dict[str, str] = {}

    def play(self) -> None:
        self._make_gpus()
        words = plugin.command(self._containerd.nri_socket, self._spec_dir)
        log = self._containerd.run_dir / "nri-cdi.log"
        self._narration.step("Start the plugin")
        self._narration.say(f"$ {shlex.join(words)}")
        with plugin.running(words, log, self._containerd.environment) as running:
            running.wait_ready()
            self._narration.say("it is registered, and knows what runs already")
            self._give_gpus("one", FIRST)
            self._give_gpus("two", SECOND)
            self._keep_others_out()
            self._add_spec()
            self._refuse()
            self._leave_alone()
            running.check()
            self._narration.step("Stop the plugin")
            self._narration.expect("its exit status", running.stop(), 0)
            self._narration.say("its log:")
            self._narration.show(running.log_text())

    def _make_gpus(self) -> None:
        self._narration.step(
            f"Make eight mock GPUs, and their CDI spec of kind {mock.GPU}"
        )
        self._nodes = mock.make_gpus(self._host)
        spec = mock.gpu_spec(self._host, self._nodes)
        self._spec_dir.mkdir()
        (self._spec_dir / "mock.yaml").write_text(spec)
        self._narration.show("\n".join(spec.splitlines()[:SPEC_LINES_SHOWN]))
        self._narration.say("and so on, for seven more")

    def _give_gpus(self, pod: str, names: tuple[str, ...]) -> None:
        self._narration.step(f"Pod {pod} asks for {len(names)} GPUs, and gets them")
        container = self._run(pod, {GPU_KEY: _qualified(names)})
        self._expect_nodes(container, {name: self._nodes[name] for name in names})
        libraries = self._in(container, "ls", mock.LIBRARIES)
        self._narration.expect(
            mock.LIBRARIES, libraries.split(), [f"{name}.so" for name in names]
        )
        listed = self._in(container, "list_device.sh")
        self._narration.expect(
            "list_device.sh",
            listed.splitlines(),
            [self._listed(each) for each in names],
        )

    def _keep_others_out(self) -> None:
        """Show what the device cgroup lets pass, if the nodes are not /dev/null."""
        mine, other = FIRST[0], SECOND[0]
        if self._nodes[mine].path == mock.NULL:
            return
        self._narration.step(f"Pod one may open {mine}, and not a copy of {other}")
        container = self._containers["one"]
        opened = self._in(container, "cat", f"{mock.DEVICES}/{mine}")
        self._narration.say("let through; no driver stands behind a mock device")
        self._narration.expect(mine, opened.endswith(f"{NO_DRIVER}\n"), True)
        major, minor = self._nodes[other].numbers
        self._in(container, "mknod", "/tmp/copy", "c", str(major), str(minor))
        opened = self._in(container, "cat", "/tmp/copy")
        self._narration.say("kept out by the device cgroup")
        self._narration.expect("/tmp/copy", opened.endswith(f"{DENIED}\n"), True)

    def _add_spec(self) -> None:
        self._narration.step(f"Write a spec of kind {mock.CAMERA} while all this runs")
        camera = mock.make_node(self._host / mock.CAMERA_NODE, mock.CAMERA_MINOR)
        spec = mock.camera_spec(camera)
        (self._spec_dir / "camera.yaml").write_text(spec)
        self._narration.show(spec)
        self._narration.step("Pod three asks for a camera and the last free GPU")
        wanted = {CAMERA_KEY: f"{mock.CAMERA}=front", GPU_KEY: _qualified(THIRD)}
        container = self._run("three", wanted)
        nodes = {name: self._nodes[name] for name in THIRD}
        self._expect_nodes(container, {mock.CAMERA_NODE: camera, **nodes})
        name, value = mock.CAMERA_ENV
        found = self._in(container, "sh", "-c", f"echo ${name}")
        self._narration.expect(name, found, f"{value}\n")

    def _refuse(self) -> None:
        self._narration.step(f"Pod four asks for {MISSING}, which does not exist")
        name = _qualified([MISSING])
        try:
            self._run("four", {GPU_KEY: name})
        except CriError as error:
            self._narration.say("its container is refused, and the user reads:")
            self._narration.show(error.details)
            self._narration.expect(
                "the error has the name", name in error.details, True
            )
        else:
            self._narration.expect("the container", "was started", "an error")

    def _leave_alone(self) -> None:
        self._narration.step("Pod five asks for nothing, and gets nothing")
        container = self._run("five", {})
        found = self._in(container, "ls", mock.DEVICES)
        self._narration.expect(mock.DEVICES, found.endswith(f"{ABSENT}\n"), True)

    def _run(self, pod: str, annotations: Mapping[str, str]) -> str:
        """Start a pod with one container, and return the container's id."""
        for key, value in annotations.items():
            self._narration.say(f"{key}: {value}")
        pod_id = self._pods.enter_context(self._cri.pod(pod, annotations=annotations))
        container = self._cri.create_container(pod_id, "main")
        self._cri.start_container(container)
        self._containers[pod] = container
        return container

    def _in(self, container: str, *command: str) -> str:
        """Run a command in a container; show and return what it wrote."""
        self._narration.say(f"$ {shlex.join(command)}")
        done = self._cri.exec_sync(container, *command)
        self._narration.show(done.stdout + done.stderr)
        return done.stdout + done.stderr

    def _expect_nodes(self, container: str, nodes: Mapping[str, mock.Node]) -> None:
        listing = self._in(container, "ls", "-l", mock.DEVICES)
        wanted = {name: ("c", node.numbers) for name, node in nodes.items()}
        self._narration.expect(mock.DEVICES, dict(_listed_nodes(listing)), wanted)

    def _listed(self, name: str) -> str:
        """The line of list_device.sh for a GPU."""
        major, minor = self._nodes[name].numbers
        return f"{name}  {major}:{minor}  library of {name}"


def _qualified(names: Iterable[str]) -> str:
    """The annotation's value that asks for these GPUs."""
    return ",".join(f"{mock.GPU}={name}" for name in names)


def _listed_nodes(listing: str) -> Iterator[tuple[str, tuple[str, tuple[int, ...]]]]:
    """Name, type and numbers of each line of ``ls -l``, after its total."""
    for line in listing.splitlines()[1:]:
        numbers = DEVICE_NUMBERS.search(line)
        found = tuple(map(int, numbers.groups())) if numbers else ()
        yield line.split()[-1], (line[0], found)
