"""From the names of devices to the answer that brings them into a container.

There are two ways. To resolve is to send the runtime the edits of the devices. To
delegate is to send it their names, for its own CDI support to resolve. Most runtimes
drop delegated names without a word, so to resolve is the rule. But there are edits that
no adjustment can carry and CDI support can, so ``auto`` delegates the devices that need
it, where the runtime is known to honour that.

An answer marks the container with an annotation that names its devices. By that a
second plugin, as there is during a rolling update, knows what it need not give again,
and a plugin that has been away knows what was given.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from enum import StrEnum

from nri_cdi.adjustment import CompiledAdjustment, compile_adjustment
from nri_cdi.adjustment.nodes import Lstat
from nri_cdi.cdi.edits import Resolution
from nri_cdi.cdi.registry import RegisteredDevice, Registry
from nri_cdi.errors import RequestError, UnsupportedEditError
from nri_cdi.nri import api
from nri_cdi.nri.capabilities import OLDEST, SUPPORT, RuntimeInfo
from nri_cdi.ttrpc.calls import MAX_PAYLOAD

RESOLVED_MARK = "nri-cdi/resolved"
DELEGATED_MARK = "nri-cdi/delegated"

# Device lists that are kept compiled: one for each kind of pod on a node.
COMPILED_LIMIT = 512

# Edits that one container's devices may have. To compile one takes some 6 µs, and the
# runtime waits for 2 s.
EDITS_LIMIT = 50_000

# Bytes of the answers that are kept; a GPU's has some 4 KB. What is larger than the
# second is not kept: nobody asks for such twice.
KEPT_LIMIT = 16 * 1024 * 1024
KEPT_ANSWER_LIMIT = 256 * 1024

# Characters of a mark. It says what was given, and is no place for thousands of names.
_MARK_LENGTH = 64 * 1024

_DEV = "/dev/"
_PARENT = ".."


class Injection(StrEnum):
    """How devices go to the runtime."""

    AUTO = "auto"
    RESOLVE = "resolve"
    DELEGATE = "delegate"


class TooLargeError(RequestError):
    """Edits that can't go to the runtime, for their size alone."""


class Compiled:
    """The answers for the devices ``names``; ``mode`` is how they go to the runtime.

    ``nodes`` has the host's paths of the device nodes of each device that has any.
    ``lstat`` is how the host's are looked at, and ``far`` are those of which that may
    take long.
    """

    def __init__(
        self,
        resolved: CompiledAdjustment | None,
        *,
        names: tuple[str, ...],
        delegated: tuple[str, ...],
        nodes: Mapping[str, frozenset[str]],
        lstat: Lstat,
    ) -> None:
        self.names = names
        self.nodes = nodes
        self.mode = _mode(resolved, delegated)
        self.lstat = lstat
        self.far = () if resolved is None else _far(resolved.host_paths)
        self._resolved = resolved
        self._marks = _marks(names, delegated)
        self._delegated = delegated
        self._adjustment: api.ContainerAdjustment | None = None
        self._response = api.CreateContainerResponse()

    @property
    def size(self) -> int:
        """Roughly how many bytes it takes."""
        names = sum(map(len, self._marks.values()))
        return names + (0 if self._resolved is None else self._resolved.size)

    def answer(
        self, container: api.Container, lstat: Lstat | None = None
    ) -> api.CreateContainerResponse:
        """The answer for a container, which the next one may get as well.

        ``lstat`` is another one to look at the host with.

        Raises: RequestError.
        """
        if self._resolved is None:
            if self._adjustment is None:
                self._take(api.ContainerAdjustment())
            return self._response
        adjustment = self._resolved.for_container(container, lstat or self.lstat)
        if adjustment is not self._adjustment:
            self._take(adjustment)
        return self._response

    def _take(self, adjustment: api.ContainerAdjustment) -> None:
        response = api.CreateContainerResponse(adjust=adjustment)
        response.adjust.annotations.update(self._marks)
        for name in self._delegated:
            response.adjust.CDI_devices.add(name=name)
        size = response.ByteSize()
        if size > MAX_PAYLOAD:
            raise TooLargeError(
                f"the adjustment has {size} bytes, and NRI carries {MAX_PAYLOAD} at "
                "most: the edits are too many or too long"
            )
        self._response = response
        self._adjustment = adjustment


class Injector:
    """Compiles answers for a runtime, and keeps them while nothing changes.

    ``host_dev_root`` is where the host's ``/dev`` is, "" if it is ``/dev``.
    """

    def __init__(
        self, injection: Injection = Injection.AUTO, host_dev_root: str = ""
    ) -> None:
        self._runtime: RuntimeInfo = OLDEST
        self._injection = injection
        self._lstat = host_lstat(host_dev_root)
        self._compiled: dict[tuple[tuple[str, ...], ...], Compiled] = {}
        self._version: object = None
        self._kept = 0

    def serve(self, runtime: RuntimeInfo) -> None:
        """Compile for this runtime from now on."""
        self._runtime = runtime
        self._forget()

    def compiled(
        self,
        registry: Registry,
        version: object,
        names: tuple[str, ...],
        present: tuple[str, ...] = (),
    ) -> Compiled:
        """The answers for these devices in a container that has those ``present``.

        ``version`` is another one after each change of the registry. The registry
        itself is not kept: to let go of an old one with many devices takes as long as
        some requests, and is not for this thread to do.

        Raises: RequestError.
        """
        if self._version != version:
            self._forget()
            self._version = version
        key = (names, present)
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compile(registry, names, present)
            self._remember(key, compiled)
        return compiled

    def delegating(
        self, registry: Registry, names: tuple[str, ...], error: UnsupportedEditError
    ) -> Compiled:
        """What to answer when the host turns out to have what can't be resolved.

        Raises: UnsupportedEditError, the one given, if that is not to be.
        """
        if not self._may_delegate():
            raise error
        return self._joined(registry, names, names, None)

    def _may_delegate(self) -> bool:
        honoured = self._runtime.capabilities.delegated_cdi
        return honoured and self._injection is not Injection.RESOLVE

    def _compile(
        self, registry: Registry, names: tuple[str, ...], present: tuple[str, ...]
    ) -> Compiled:
        resolution = registry.resolve(names, present=present)
        _limit(resolution)
        if self._injection is Injection.DELEGATE:
            self._require_delegation()
            return self._joined(registry, names, names, None)
        try:
            resolved = compile_adjustment(resolution, self._runtime)
        except UnsupportedEditError:
            if not self._may_delegate():
                raise
            return self._divided(registry, names, present)
        return self._joined(registry, names, (), resolved)

    def _require_delegation(self) -> None:
        if not self._runtime.capabilities.delegated_cdi:
            raise RequestError(
                f"the configuration has injection = {Injection.DELEGATE.value}, and "
                f"{self._runtime} drops delegated devices without a word; it takes "
                f"{SUPPORT['delegated_cdi']}"
            )

    def _divided(
        self, registry: Registry, names: tuple[str, ...], present: tuple[str, ...]
    ) -> Compiled:
        """Delegate what has to be, and resolve the others.

        The devices of one spec file stay together: they share the edits of the whole
        spec, which would come twice.
        """
        delegated: list[str] = []
        for group in _by_spec(registry, names):
            try:
                alone = registry.resolve(group, present=present)
                compile_adjustment(alone, self._runtime)
            except UnsupportedEditError:
                delegated += group
        others = tuple(name for name in names if name not in delegated)
        resolved = None
        if others:
            resolution = registry.resolve(others, present=present)
            resolved = compile_adjustment(resolution, self._runtime)
        return self._joined(registry, names, tuple(delegated), resolved)

    def _joined(
        self,
        registry: Registry,
        names: tuple[str, ...],
        delegated: tuple[str, ...],
        resolved: CompiledAdjustment | None,
    ) -> Compiled:
        return Compiled(
            resolved,
            names=names,
            delegated=delegated,
            nodes=nodes_of(registry, names),
            lstat=self._lstat,
        )

    def _remember(self, key: tuple[tuple[str, ...], ...], compiled: Compiled) -> None:
        if compiled.size > KEPT_ANSWER_LIMIT:
            return
        full = len(self._compiled) >= COMPILED_LIMIT
        if full or self._kept + compiled.size > KEPT_LIMIT:
            self._forget()
        self._compiled[key] = compiled
        self._kept += compiled.size

    def _forget(self) -> None:
        self._compiled.clear()
        self._kept = 0


def given_before(pod: api.PodSandbox, container: api.Container) -> tuple[str, ...]:
    """The devices that another plugin of this kind says it has given, in either way."""
    marks = container.annotations
    if RESOLVED_MARK not in marks and DELEGATED_MARK not in marks:
        return ()
    return marked(pod, container, RESOLVED_MARK) + marked(
        pod, container, DELEGATED_MARK
    )


def marked(pod: api.PodSandbox, container: api.Container, mark: str) -> tuple[str, ...]:
    """The devices that another plugin of this kind says it has given in one way.

    A runtime can be told to pass annotations of pods on to their containers. A mark
    that the pod has is its author's, and tells nothing.
    """
    value = container.annotations.get(mark, "")
    return tuple(value.split(",")) if value and mark not in pod.annotations else ()


def nodes_of(registry: Registry, names: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """The host's paths of the device nodes of each device that has any."""
    nodes = {name: _nodes(registry.devices.get(name)) for name in names}
    return {name: paths for name, paths in nodes.items() if paths}


def host_lstat(host_dev_root: str) -> Lstat:
    """``lstat`` of a path on the host, whose /dev is at ``host_dev_root``, "" for /dev.

    What is not below /dev is looked up where it is.
    """
    if not host_dev_root:
        return os.lstat
    root = host_dev_root.rstrip("/") + "/"

    def lstat(path: str) -> os.stat_result:
        if not path.startswith(_DEV):
            return os.lstat(path)
        if not _is_near(path):
            # It may lead out of the root: to somewhere of our own.
            raise FileNotFoundError(path)
        return os.lstat(root + path.removeprefix(_DEV))

    return lstat


def _is_near(path: str) -> bool:
    """Whether it is below /dev, which is in memory and answers at once.

    Unless the node's administrator has mounted or linked something else there.
    """
    return path.startswith(_DEV) and _PARENT not in path.split("/")


def _far(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple([path for path in dict.fromkeys(paths) if not _is_near(path)])


def _nodes(registered: RegisteredDevice | None) -> frozenset[str]:
    if registered is None:
        return frozenset()
    nodes = registered.device.container_edits.device_nodes
    return frozenset(node.host_path or node.path for node in nodes)


def _by_spec(registry: Registry, names: Iterable[str]) -> Iterable[list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(registry.devices[name].path, []).append(name)
    return groups.values()


def _limit(resolution: Resolution) -> None:
    count = sum(len(part.edits) for part in resolution.parts)
    if count > EDITS_LIMIT:
        raise TooLargeError(
            f"{len(resolution.devices)} devices come to {count} edits, and a container "
            f"may have {EDITS_LIMIT}"
        )


def _mode(resolved: CompiledAdjustment | None, delegated: tuple[str, ...]) -> str:
    modes = [Injection.RESOLVE.value] if resolved is not None else []
    if delegated:
        modes.append(Injection.DELEGATE.value)
    return "+".join(modes)


def _marks(names: tuple[str, ...], delegated: tuple[str, ...]) -> dict[str, str]:
    given = {
        RESOLVED_MARK: [name for name in names if name not in delegated],
        DELEGATED_MARK: list(delegated),
    }
    marks = {mark: ",".join(devices) for mark, devices in given.items() if devices}
    return {mark: text for mark, text in marks.items() if len(text) <= _MARK_LENGTH}
