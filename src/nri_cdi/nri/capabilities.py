"""Which runtime is connected, and what it can do with an adjustment.

A runtime ignores, without a word, every field that it does not know. What a plugin may
rely on has therefore to be known beforehand: `SUPPORT` says it, release by release.

Source: NRI README.md, pkg/api/version.go; go.mod of containerd and CRI-O at their tags.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from nri_cdi._pb.nri.api_pb2 import ConfigureRequest

NriVersion = tuple[int, int]
Version = tuple[int, int, int]

CONTAINERD = "containerd"
CRI_O = "cri-o"
DOCKER = "docker"

# What a runtime waits when it doesn't say, as it can't before NRI 0.7.
# Source: NRI pkg/adaptation/plugin.go, the defaults of both timeouts.
DEFAULT_REQUEST_TIMEOUT_S = 2.0
DEFAULT_REGISTRATION_TIMEOUT_S = 5.0
_MS_PER_S = 1000

# The NRI version that each release of a runtime was first built with, newest first.
# Source: go.mod at the tags.
NRI_VERSIONS: Mapping[str, tuple[tuple[Version, NriVersion], ...]] = MappingProxyType(
    {
        CONTAINERD: (
            ((2, 3, 0), (0, 12)),
            ((2, 2, 1), (0, 11)),
            ((2, 2, 0), (0, 10)),
            ((1, 7, 26), (0, 8)),
            ((1, 7, 14), (0, 6)),
            ((1, 7, 7), (0, 4)),
            ((1, 7, 0), (0, 3)),
        ),
        CRI_O: (
            ((1, 35, 0), (0, 11)),
            ((1, 34, 0), (0, 10)),
            ((1, 32, 0), (0, 9)),
            ((1, 30, 0), (0, 6)),
            ((1, 29, 0), (0, 5)),
            ((1, 26, 2), (0, 3)),
            ((1, 26, 0), (0, 2)),
        ),
    }
)
OLDEST_NRI: NriVersion = (0, 2)
# ConfigureRequest has timeouts since 0.7 and NRI_version since 0.12.
_TELLS_TIMEOUTS: NriVersion = (0, 7)
_TELLS_VERSION: NriVersion = (0, 12)

# ValidEvents of NRI pkg/api/event.go. One bit more, and the plugin is dropped.
_EVENTS_0_2 = 0x7FF
_EVENTS_0_10 = 0x3FFF
_MORE_EVENTS: NriVersion = (0, 10)

_NO_GAPS: NriVersion = (0, 7)

# Releases start with their number, maybe behind a "v"; what follows it (+unknown, ~rc1,
# -dev, a Go pseudo-version's commit) says nothing about NRI. The digits are limited
# because the text comes from outside.
_VERSION = re.compile(r"v?([0-9]{1,6})\.([0-9]{1,6})(?:\.([0-9]{1,6}))?(?![0-9])")
_UNSTAMPED: Version = (0, 0, 0)
_SHOWN_CHARACTERS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeInfo:
    """A runtime as it introduced itself; ``nri_version`` is partly inferred.

    ``nri_version`` is the newest version that the runtime is known to have, so it may
    have a newer one.
    """

    name: str
    version: str
    nri_version: NriVersion
    request_timeout_s: float = DEFAULT_REQUEST_TIMEOUT_S
    registration_timeout_s: float = DEFAULT_REGISTRATION_TIMEOUT_S

    @classmethod
    def from_configure(cls, configure: ConfigureRequest) -> RuntimeInfo:
        """What a ``Configure`` call tells."""
        return cls(
            name=configure.runtime_name,
            version=configure.runtime_version,
            nri_version=_nri_version(configure),
            request_timeout_s=_seconds(
                configure.request_timeout, DEFAULT_REQUEST_TIMEOUT_S
            ),
            registration_timeout_s=_seconds(
                configure.registration_timeout, DEFAULT_REGISTRATION_TIMEOUT_S
            ),
        )

    @property
    def has_gaps(self) -> bool:
        """Whether containers come and go while it tells a plugin of all that exist.

        The plugin hears of neither. Source: NRI pkg/adaptation, BlockPluginSync, which
        containerd uses from 1.7.26 on, and CRI-O doesn't.
        """
        return self.name != CONTAINERD or self.nri_version < _NO_GAPS

    @property
    def capabilities(self) -> Capabilities:
        """What this runtime can do."""
        return Capabilities.of(self)

    def __str__(self) -> str:
        """The runtime in a log line: ``containerd 2.1.9 (NRI 0.8)``."""
        version = self.version.removeprefix("v").partition("+")[0]
        words = (_shown(self.name) or "unknown runtime", _shown(version))
        return f"{' '.join(filter(None, words))} (NRI {_dotted(self.nri_version)})"


# What stands for the runtime until it has said what it is.
OLDEST = RuntimeInfo(name="", version="", nri_version=OLDEST_NRI)


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """From which releases on something works; the text says it to a person.

    ``containerd`` has the first release of each branch that has it, the last of them
    being where all later branches start; ``cri_o`` None stands for no release yet. With
    ``by_release`` the runtime's own release decides, not the NRI version in it.
    """

    nri: NriVersion
    containerd: tuple[Version, ...]
    cri_o: Version | None
    docker: bool = False
    by_release: bool = False

    def covers(self, runtime: RuntimeInfo) -> bool:
        """Whether it works on ``runtime``; no, where that can't be known."""
        if runtime.nri_version < self.nri:
            return False
        if runtime.name == DOCKER and not self.docker:
            return False
        return not self.by_release or self._released_in(runtime)

    def _released_in(self, runtime: RuntimeInfo) -> bool:
        version = parse_version(runtime.version)
        if version is None:
            return False
        if runtime.name == CRI_O:
            return self.cri_o is not None and version >= self.cri_o
        if runtime.name == CONTAINERD:
            return version >= self.containerd[-1] or any(
                version[:2] == first[:2] and version >= first
                for first in self.containerd
            )
        return False

    def __str__(self) -> str:
        """The releases in words: ``NRI 0.11 (containerd 2.2.1, CRI-O 1.35)``."""
        words = [f"containerd {' or '.join(map(_dotted, self.containerd))}"]
        if self.cri_o is not None:
            words.append(f"CRI-O {_dotted(self.cri_o[:2])}")
        return f"NRI {_dotted(self.nri)} ({', '.join(words)})"


_FROM_THE_START = Support(nri=(0, 2), containerd=((1, 7, 0),), cri_o=(1, 26, 0))

# By field of `Capabilities`. Of an adjustment, Docker takes env alone as it comes: it
# refuses devices, hooks and most mount options, and drops the rest without a word.
# Source: NRI README.md; moby daemon/internal/nri/nri.go.
SUPPORT: Mapping[str, Support] = MappingProxyType(
    {
        "device_nodes": _FROM_THE_START,
        "mounts": _FROM_THE_START,
        "hooks": _FROM_THE_START,
        "rdt_class": _FROM_THE_START,
        "device_rules": Support(nri=(0, 10), containerd=((2, 2, 0),), cri_o=(1, 34, 0)),
        "net_devices": Support(nri=(0, 11), containerd=((2, 2, 1),), cri_o=(1, 35, 0)),
        "rdt": Support(nri=(0, 11), containerd=((2, 2, 1),), cri_o=(1, 35, 0)),
        # The field came with NRI 0.11; the runtimes fill it since these releases.
        "container_user": Support(
            nri=(0, 11), containerd=((2, 3, 0),), cri_o=(1, 36, 0), by_release=True
        ),
        # containerd 1.7 also wants enable_cdi = true in its configuration, and fails
        # the container with a message where that is missing.
        "delegated_cdi": Support(
            nri=(0, 7),
            containerd=((1, 7, 30), (2, 1, 0)),
            cri_o=(1, 34, 0),
            by_release=True,
        ),
        "dedicated_rpcs": Support(
            nri=(0, 12), containerd=((2, 3, 0),), cri_o=None, docker=True
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a runtime honours; but for the events, a field per row of `SUPPORT`.

    ``valid_events`` is the mask of the events that it knows. ``rdt_class`` is a lone
    class of Intel RDT, and ``rdt`` all of it. ``container_user``: containers come with
    their user. ``delegated_cdi``: CDI devices that a plugin names are injected.
    ``dedicated_rpcs``: every event has an RPC of its own.
    """

    valid_events: int
    device_nodes: bool
    mounts: bool
    hooks: bool
    rdt_class: bool
    device_rules: bool
    net_devices: bool
    rdt: bool
    container_user: bool
    delegated_cdi: bool
    dedicated_rpcs: bool

    @classmethod
    def of(cls, runtime: RuntimeInfo) -> Capabilities:
        """What ``runtime`` can do."""
        more_events = runtime.nri_version >= _MORE_EVENTS
        return cls(
            valid_events=_EVENTS_0_10 if more_events else _EVENTS_0_2,
            **{name: support.covers(runtime) for name, support in SUPPORT.items()},
        )


def runtime_named(text: str) -> RuntimeInfo:
    """The runtime that ``name`` or ``name:version`` stands for, of those for pods.

    Without a version it is the newest that is known to bring anything new.

    Raises:
        ValueError: none has that name, or its version is none, or is older than NRI.
    """
    name, colon, version = text.partition(":")
    if name not in NRI_VERSIONS:
        known = ", ".join(NRI_VERSIONS)
        raise ValueError(f"{name!r} is none of the known runtimes: {known}")
    newest, oldest = _newest(name), NRI_VERSIONS[name][-1][0]
    version = version if colon else _dotted(newest)
    release = parse_version(version)
    if release is None:
        raise ValueError(
            f"{version!r} is not a version of {name}, such as {_dotted(newest)}"
        )
    if release < oldest:
        raise ValueError(f"{name} has NRI since {_dotted(oldest)}, not in {version!r}")
    return RuntimeInfo.from_configure(
        ConfigureRequest(runtime_name=name, runtime_version=version)
    )


def _newest(name: str) -> Version:
    """The newest release that has something which the one before has not."""
    first = [
        support.cri_o if name == CRI_O else support.containerd[-1]
        for support in SUPPORT.values()
    ]
    return max(NRI_VERSIONS[name][0][0], *(each for each in first if each is not None))


def parse_version(text: str) -> Version | None:
    """The release that a version names, None if it names none.

    ``0.0.0-unknown`` and ``(devel)`` are what builds without a version stamp say.
    """
    match = _VERSION.match(text)
    if match is None:
        return None
    major, minor, patch = (int(digits or 0) for digits in match.groups())
    version = (major, minor, patch)
    return None if version == _UNSTAMPED else version


def _nri_version(configure: ConfigureRequest) -> NriVersion:
    told = parse_version(configure.NRI_version)
    if told is not None:
        return told[:2]
    released = parse_version(configure.runtime_version)
    if released is not None:
        for first, nri in NRI_VERSIONS.get(configure.runtime_name, ()):
            if released >= first:
                return nri
    if configure.NRI_version:
        return _TELLS_VERSION
    return _TELLS_TIMEOUTS if configure.request_timeout else OLDEST_NRI


def _seconds(milliseconds: int, default: float) -> float:
    return milliseconds / _MS_PER_S if milliseconds > 0 else default


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))


def _shown(text: str) -> str:
    """Text from outside, fit for a log line."""
    printable = "".join(c if c.isprintable() else "?" for c in text[:_SHOWN_CHARACTERS])
    return printable.strip()
