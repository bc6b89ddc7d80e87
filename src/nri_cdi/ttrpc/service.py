"""Services: which handler answers which call, and what becomes of its mistakes.

A mistake in a handler fails one call; the connection and the other calls go on.

Source: ttrpc services.go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from nri_cdi.errors import LocalProtocolError
from nri_cdi.ttrpc.connection import Request, ServerConnection
from nri_cdi.ttrpc.status import Code, RpcError

Handler: TypeAlias = Callable[[Request], bytes | Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Service:
    """A service by its full name (``package.Service``); its methods by bare name."""

    name: str
    methods: Mapping[str, Handler]


class Server:
    """A connection whose calls are answered by handlers.

    ``on_exception`` is told of each exception of a handler that is not an RpcError: a
    mistake in the handler. It must not raise.
    """

    def __init__(
        self,
        services: Iterable[Service],
        on_exception: Callable[[Request, Exception], None],
    ) -> None:
        """Raises: LocalProtocolError if two services have the same name."""
        self._connection = ServerConnection()
        self._methods: dict[str, Mapping[str, Handler]] = {}
        self._on_exception = on_exception
        for service in services:
            if service.name in self._methods:
                raise LocalProtocolError(f"service {service.name!r} is there twice")
            self._methods[service.name] = service.methods

    def receive_data(self, data: bytes) -> list[tuple[Request, Awaitable[bytes]]]:
        """Take bytes as they come, and answer the calls that can be answered at once.

        The other calls are returned: each awaitable is to be awaited, and its result or
        its exception to be given to ``finish``.

        Raises:
            LocalProtocolError: called after ``receive_eof``.
        """
        waiting = []
        for request in self._connection.receive_data(data):
            result = self._handle(request)
            # The usual result first: to ask whether something is awaitable is slow.
            if isinstance(result, bytes) or not isinstance(result, Awaitable):
                self.finish(request, result)
            else:
                waiting.append((request, result))
        return waiting

    def receive_eof(self) -> None:
        """Take note of the connection's end; answers yet to come are dropped.

        Raises:
            RemoteProtocolError: it came within a message.
        """
        self._connection.receive_eof()

    def data_to_send(self) -> list[bytes]:
        """What is to be written; see ``ServerConnection.data_to_send``."""
        return self._connection.data_to_send()

    def finish(self, request: Request, result: bytes | BaseException) -> None:
        """Answer a call with what became of it.

        An RpcError is answered with its code and text. Any other Exception, and a
        result that isn't bytes, is answered with code 13 and is a mistake that
        ``on_exception`` hears of. What remains, as a cancellation, has code 1.

        Raises:
            LocalProtocolError: the call has been answered.
        """
        if isinstance(result, bytes):
            self._connection.respond(request.stream_id, result)
        elif isinstance(result, RpcError):
            self._connection.fail(request.stream_id, result.code, result.message)
        elif isinstance(result, Exception):
            self._connection.fail(request.stream_id, Code.INTERNAL, _describe(result))
            self._on_exception(request, result)
        elif isinstance(result, BaseException):
            self._connection.fail(request.stream_id, Code.CANCELLED, _describe(result))
        else:
            kind = type(result).__name__
            self.finish(request, TypeError(f"handler returned {kind}: must be bytes"))

    def _handle(self, request: Request) -> bytes | Awaitable[bytes] | Exception:
        methods = self._methods.get(request.service)
        if methods is None:
            return RpcError(Code.UNIMPLEMENTED, f"service {request.service}")
        handler = methods.get(request.method)
        if handler is None:
            return RpcError(Code.UNIMPLEMENTED, f"method {request.method}")
        try:
            return handler(request)
        except Exception as error:  # noqa: BLE001
            # A handler is someone else's code. Its mistake must not end the connection:
            # the runtime would drop the plugin, and start containers without devices.
            return error


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
