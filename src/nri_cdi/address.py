"""Paths, sockets and addresses: what the text of a setting may be.

The status is served on a Unix socket or on a port of the loopback, never elsewhere.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TypeAlias

from nri_cdi.quoting import quoted, quoted_path

# The addresses that no other machine can reach, as they are written in an URL.
LOOPBACK_HOSTS = {"127.0.0.1": "127.0.0.1", "[::1]": "::1"}

# unix(7): sun_path has 108 bytes, one of them for the end.
SOCKET_PATH_LIMIT = 107

_PORTS = range(1, 2**16)
_LOOPBACK = re.compile(
    rf"(?P<host>{'|'.join(map(re.escape, LOOPBACK_HOSTS))}):(?P<port>[0-9]{{1,5}})"
)
_TCP = re.compile(r"[^/]*:[^/:]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnixAddress:
    """A socket in the file system, at an absolute path."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopbackAddress:
    """A TCP port of this machine alone; ``host`` is an IP address."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


Address: TypeAlias = "UnixAddress | LoopbackAddress"


def check_path(text: str) -> str:
    """The text, if it is an absolute path. Raises: ValueError."""
    if not text.startswith("/") or "\0" in text:
        raise ValueError(f"{quoted_path(text)} is not an absolute path")
    return text


def check_socket(text: str) -> str:
    """The text, if it can be the path of a Unix socket. Raises: ValueError."""
    path = check_path(text)
    if len(os.fsencode(path)) > SOCKET_PATH_LIMIT:
        raise ValueError(
            f"{quoted_path(text)} is longer than the {SOCKET_PATH_LIMIT} bytes that "
            "the path of a socket may have"
        )
    return path


def parse_address(text: str) -> Address:
    """An address of the status, as a configuration or a command line has it.

    Raises: ValueError.
    """
    if text.startswith("/") and not text.endswith("/"):
        return UnixAddress(path=check_socket(text))
    loopback = _LOOPBACK.fullmatch(text)
    if loopback is not None and int(loopback["port"]) in _PORTS:
        host = LOOPBACK_HOSTS[loopback["host"]]
        return LoopbackAddress(host=host, port=int(loopback["port"]))
    if loopback is None and _TCP.fullmatch(text):
        raise ValueError(
            f"{quoted(text)} is not 127.0.0.1:PORT or [::1]:PORT; the status names "
            "pods to whoever asks, so it stays on this host: to show it elsewhere put "
            "a proxy that checks who asks in front, such as kube-rbac-proxy"
        )
    raise ValueError(
        f"{quoted_path(text)} is not an address of the status: the absolute path of a "
        "socket, 127.0.0.1:PORT or [::1]:PORT, with a port from 1 to 65535"
    )
