"""ttrpc: remote calls over a byte stream, without any I/O."""

from nri_cdi.ttrpc.calls import MAX_PAYLOAD, Request, Response
from nri_cdi.ttrpc.connection import ClientConnection, ServerConnection
from nri_cdi.ttrpc.service import Handler, Server, Service
from nri_cdi.ttrpc.status import Code, RpcError, Status

__all__ = [
    "MAX_PAYLOAD",
    "ClientConnection",
    "Code",
    "Handler",
    "Request",
    "Response",
    "RpcError",
    "Server",
    "ServerConnection",
    "Service",
    "Status",
]
