"""Where the status is served: on a Unix socket, or on a port of the loopback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

# The addresses that no other machine can reach, as they are written in an URL.
LOOPBACK_HOSTS = {"127.0.0.1": "127.0.0.1", "[::1]": "::1"}

# unix(7): sun_path has 108 bytes, one of them for the end.
SOCKET_PATH_LIMIT = 107
PORT_LIMIT = 65535


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


def parse_address(text: str) -> Address:
    """An address as a configuration has it.

    Raises: ValueError.
    """
    if text.startswith("/"):
        if "\0" in text or len(text.encode(errors="replace")) > SOCKET_PATH_LIMIT:
            raise ValueError(
                f"{text!r} is not the path of a socket: at most {SOCKET_PATH_LIMIT} "
                "bytes, and none of them NUL"
            )
        return UnixAddress(path=text)
    host, _, port = text.rpartition(":")
    if host not in LOOPBACK_HOSTS or not _is_port(port):
        raise ValueError(
            f"{text!r} is no status address: an absolute path of a socket, or "
            "127.0.0.1:PORT, or [::1]:PORT"
        )
    return LoopbackAddress(host=LOOPBACK_HOSTS[host], port=int(port))


def _is_port(text: str) -> bool:
    # int() takes digits of other scripts, spaces and signs, too.
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(PORT_LIMIT))
    return digits and 0 < int(text) <= PORT_LIMIT
