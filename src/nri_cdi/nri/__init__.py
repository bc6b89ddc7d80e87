"""NRI plugins in Python: subclass `Plugin`, then `run` it.

Source: https://github.com/containerd/nri
"""

from __future__ import annotations

from nri_cdi.nri import api
from nri_cdi.nri.capabilities import RuntimeInfo
from nri_cdi.nri.plugin import Plugin, Runtime
from nri_cdi.nri.session import DEFAULT_SOCKET, run, serve, serve_launched
from nri_cdi.nri.stub import RegistrationError
from nri_cdi.ttrpc.status import Code, RpcError

__all__ = [
    "DEFAULT_SOCKET",
    "Code",
    "Plugin",
    "RegistrationError",
    "RpcError",
    "Runtime",
    "RuntimeInfo",
    "api",
    "run",
    "serve",
    "serve_launched",
]
