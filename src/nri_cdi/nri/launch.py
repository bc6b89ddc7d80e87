"""How a runtime starts a plugin of its own, and what the plugin finds then.

A runtime launches the executables of its plugin directory, named ``NN-name``, with
three environment variables and nothing else: no arguments, no PATH, and /dev/null for
stdout and stderr. One of the variables has the number of the descriptor that is the
connection.

Source: NRI pkg/adaptation/plugin.go, newLaunchedPlugin.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

from nri_cdi.errors import LocalProtocolError

SOCKET_VARIABLE = "NRI_PLUGIN_SOCKET"
NAME_VARIABLE = "NRI_PLUGIN_NAME"
INDEX_VARIABLE = "NRI_PLUGIN_IDX"


def launched(environ: Mapping[str, str]) -> bool:
    """Whether a runtime started this process."""
    return SOCKET_VARIABLE in environ


def identity(environ: Mapping[str, str], name: str, index: str) -> tuple[str, str]:
    """The name and the index that the runtime gave, or else these.

    Raises: LocalProtocolError if one of them can't be one.
    """
    index = environ.get(INDEX_VARIABLE) or index
    name = environ.get(NAME_VARIABLE) or name
    for variable, text in ((NAME_VARIABLE, name), (INDEX_VARIABLE, index)):
        if not text.isprintable():
            raise LocalProtocolError(f"{variable} is {text!r}, which is no name")
    # NRI 0.3 gives NN-name for the name.
    return name.removeprefix(f"{index}-"), index


def connection(environ: Mapping[str, str]) -> socket.socket:
    """The connection to the runtime, not blocking and not inherited by children.

    Raises: LocalProtocolError if the variable names no open socket.
    """
    text = environ[SOCKET_VARIABLE]
    try:
        trunk = socket.socket(fileno=int(text))
    except (ValueError, OSError) as error:
        raise _no_connection(text, str(error)) from error
    if (trunk.family, trunk.type) != (socket.AF_UNIX, socket.SOCK_STREAM):
        trunk.detach()
        raise _no_connection(text, "not a Unix stream socket")
    trunk.settimeout(0)
    trunk.set_inheritable(False)
    return trunk


def _no_connection(text: str, reason: str) -> LocalProtocolError:
    return LocalProtocolError(
        f"{SOCKET_VARIABLE} is {text!r}, which is no connection to a runtime: {reason}"
    )
