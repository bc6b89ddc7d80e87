"""The plugin's end of an NRI connection, without the connection.

Bytes of the trunk go in, bytes of the trunk come out; in between are the mux, the two
ttrpc connections that it carries (the runtime calls the plugin on one, the plugin calls
the runtime on the other), and the plugin.

Rule: nothing here waits. A call whose handler can't answer at once is handed out as
`Deferred` and comes back through `finish`.

Source: NRI pkg/stub/stub.go; docs/architecture/wire.md.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from nri_cdi._pb.nri import api_pb2 as api
from nri_cdi.errors import NriCdiError
from nri_cdi.nri.capabilities import OLDEST, RuntimeInfo
from nri_cdi.nri.events import (
    EVENTS,
    EVENTS_BY_NUMBER,
    PLUGIN_SERVICE,
    RUNTIME_SERVICE,
    Event,
    names,
)
from nri_cdi.nri.mux import PLUGIN_SERVICE_CONN, RUNTIME_SERVICE_CONN, Mux
from nri_cdi.nri.plugin import Plugin
from nri_cdi.ttrpc.connection import ClientConnection, Request, Response
from nri_cdi.ttrpc.service import Handler, Server, Service
from nri_cdi.ttrpc.status import Code, RpcError

# The release of the API that this package speaks, told to the runtime since NRI 0.12.
NRI_VERSION = "0.12.2"

# Bytes of pods and containers in a whole synchronization. A pod has some 10 KB at most,
# and a node hundreds of them.
SYNCHRONIZE_LIMIT = 64 * 1024 * 1024

# Characters of a runtime's text that an error shows.
_SHOWN = 1000

_NS_PER_S = 1_000_000_000

_M = TypeVar("_M", bound=Message)


class RegistrationError(NriCdiError):
    """The runtime refused the plugin."""


class Phase(Enum):
    """How far a connection has come."""

    CONNECTED = auto()
    CONFIGURED = auto()
    SYNCHRONIZING = auto()
    READY = auto()


class Step(Enum):
    """What takes a connection from one phase to the next."""

    CONFIGURE = auto()
    PART = auto()
    LAST_PART = auto()


# A step that isn't here is the runtime's mistake and is answered with an error. A
# runtime may configure and synchronize a plugin again.
PHASES: Mapping[tuple[Phase, Step], Phase] = MappingProxyType(
    {
        (Phase.CONNECTED, Step.CONFIGURE): Phase.CONFIGURED,
        (Phase.CONFIGURED, Step.CONFIGURE): Phase.CONFIGURED,
        (Phase.CONFIGURED, Step.PART): Phase.SYNCHRONIZING,
        (Phase.CONFIGURED, Step.LAST_PART): Phase.READY,
        (Phase.SYNCHRONIZING, Step.PART): Phase.SYNCHRONIZING,
        (Phase.SYNCHRONIZING, Step.LAST_PART): Phase.READY,
        (Phase.READY, Step.CONFIGURE): Phase.READY,
        (Phase.READY, Step.PART): Phase.SYNCHRONIZING,
        (Phase.READY, Step.LAST_PART): Phase.READY,
    }
)


@dataclass(frozen=True, slots=True)
class Deferred:
    """A call of the runtime that waits for ``answer``, and how long it may, in s."""

    request: Request
    answer: Awaitable[bytes]
    timeout_s: float


class Stub:
    """One connection's worth of conversation between a plugin and a runtime."""

    def __init__(
        self, plugin: Plugin, on_exception: Callable[[Request, Exception], None]
    ) -> None:
        self.phase = Phase.CONNECTED
        self.info: RuntimeInfo = OLDEST
        self._plugin = plugin
        # Raises if the plugin hears of nothing: before there is a connection.
        _ = plugin.subscription
        self._mux = Mux()
        self._client = ClientConnection()
        self._server = Server([self._service()], on_exception)
        self._registration: int | None = None
        self._pods: list[api.PodSandbox] = []
        self._containers: list[api.Container] = []
        self._synchronized_bytes = 0
        self._synchronize_timeout_s: float | None = None

    def register(self) -> None:
        """Introduce the plugin; the first thing on a connection."""
        self._registration = self.call(
            "RegisterPlugin",
            api.RegisterPluginRequest(
                plugin_name=self._plugin.name,
                plugin_idx=self._plugin.index,
                NRI_version=NRI_VERSION,
            ),
        )

    def call(self, method: str, request: Message, *, timeout_s: float = 0) -> int:
        """Call the runtime; the answer comes with the id that this returns."""
        return self._client.call(
            RUNTIME_SERVICE,
            method,
            request.SerializeToString(),
            timeout_ns=int(timeout_s * _NS_PER_S),
        )

    def forget(self, stream_id: int) -> None:
        """Give up on the answer to a call."""
        self._client.forget(stream_id)

    def receive_data(
        self, data: bytes | bytearray | memoryview
    ) -> list[Deferred | Response]:
        """Take bytes off the trunk; calls to wait for and answers to calls come out.

        Raises: RemoteProtocolError or RegistrationError, and the connection is over.
        """
        received: list[Deferred | Response] = []
        for conn_id, payload in self._mux.receive_data(data):
            if conn_id == PLUGIN_SERVICE_CONN:
                for request, answer in self._server.receive_data(payload):
                    timeout_s = self._timeout_s(request)
                    received.append(Deferred(request, answer, timeout_s))
            elif conn_id == RUNTIME_SERVICE_CONN:
                received += self._answers(payload)
        return received

    def receive_eof(self) -> tuple[int, ...]:
        """The trunk has ended; the calls whose answers are lost come out.

        Raises: RemoteProtocolError if it ended within a message.
        """
        self._mux.receive_eof()
        self._server.receive_eof()
        return self._client.receive_eof()

    def finish(self, request: Request, result: bytes | BaseException) -> None:
        """Answer a call that was deferred."""
        self._server.finish(request, result)

    def data_to_send(self) -> list[bytes]:
        """The frames to write to the trunk, in this order."""
        return [
            *self._mux.encode(PLUGIN_SERVICE_CONN, self._server.data_to_send()),
            *self._mux.encode(RUNTIME_SERVICE_CONN, self._client.data_to_send()),
        ]

    def take_synchronize_timeout(self) -> float | None:
        """How long the runtime waited for the synchronization just answered, in s.

        An answer that leaves later than that finds a runtime that has given up: up to
        NRI 0.6 it keeps such a connection open and never uses it again.
        """
        timeout_s, self._synchronize_timeout_s = self._synchronize_timeout_s, None
        return timeout_s

    def _answers(self, payload: bytes) -> Iterator[Response]:
        for response in self._client.receive_data(payload):
            if response.stream_id != self._registration:
                yield response
            elif response.status is not None:
                raise RegistrationError(
                    f"the runtime refused plugin {self._plugin.index}-"
                    f"{self._plugin.name}: {response.status.message[:_SHOWN]}"
                )

    def _timeout_s(self, request: Request) -> float:
        if request.timeout_ns > 0:
            return request.timeout_ns / _NS_PER_S
        return self.info.request_timeout_s

    def _after(self, step: Step) -> Phase:
        """The phase that a step leads to, once it has been taken."""
        following = PHASES.get((self.phase, step))
        if following is None:
            raise RpcError(
                Code.FAILED_PRECONDITION,
                f"unexpected {step.name.lower()} while {self.phase.name.lower()}",
            )
        return following

    def _service(self) -> Service:
        methods: dict[str, Handler] = {
            event.rpc: _handler(event, getattr(self._plugin, event.handler))
            for event in EVENTS
        }
        methods["Configure"] = self._configure
        methods["Synchronize"] = self._synchronize
        methods["StateChange"] = self._state_change
        methods["Shutdown"] = lambda _request: b""
        return Service(PLUGIN_SERVICE, methods)

    def _configure(self, request: Request) -> bytes:
        configure = _parse(api.ConfigureRequest, request)
        following = self._after(Step.CONFIGURE)
        self.info = RuntimeInfo.from_configure(configure)
        self._plugin.configure(self.info, configure.config)
        # Asked for only now: what the plugin hears of may be a matter of its settings.
        subscription = self._plugin.subscription
        events = subscription & self.info.capabilities.valid_events
        if not events:
            raise RpcError(
                Code.FAILED_PRECONDITION,
                f"plugin {self._plugin.name} handles only "
                f"{', '.join(names(subscription))}, which {self.info} "
                "doesn't have",
            )
        self.phase = following
        return api.ConfigureResponse(events=events).SerializeToString()

    def _synchronize(self, request: Request) -> bytes:
        part = _parse(api.SynchronizeRequest, request)
        following = self._after(Step.PART if part.more else Step.LAST_PART)
        self._count_part(len(request.payload))
        self._pods += part.pods
        self._containers += part.containers
        if part.more:
            self.phase = following
            return api.SynchronizeResponse(more=True).SerializeToString()
        pods, self._pods = self._pods, []
        containers, self._containers = self._containers, []
        self._synchronized_bytes = 0
        updates = self._plugin.synchronize(pods, containers)
        self.phase = following
        self._synchronize_timeout_s = self._timeout_s(request)
        return api.SynchronizeResponse(update=updates or ()).SerializeToString()

    def _count_part(self, size: int) -> None:
        """Raises: RpcError, if a synchronization has no end."""
        self._synchronized_bytes += size
        if self._synchronized_bytes > SYNCHRONIZE_LIMIT:
            self._pods, self._containers = [], []
            raise RpcError(
                Code.RESOURCE_EXHAUSTED,
                f"plugin {self._plugin.name} takes {SYNCHRONIZE_LIMIT} bytes of pods "
                "and containers at most in a synchronization",
            )

    def _state_change(self, request: Request) -> bytes | Awaitable[bytes]:
        change = _parse(api.StateChangeEvent, request)
        event = EVENTS_BY_NUMBER.get(change.event)
        if event is None:
            # A later runtime's event; its StateChange answers are all empty.
            return b""
        handle = getattr(self._plugin, event.handler)
        return _answer(event, handle(event.from_state_change(change)))


def _parse(message: type[_M], request: Request) -> _M:
    try:
        return message.FromString(request.payload)
    except DecodeError as error:
        # The code that a Go server gives: TTRPC services.go, unmarshal of the payload.
        raise RpcError(
            Code.INTERNAL, f"{request.method}: the payload can't be decoded: {error}"
        ) from error


def _handler(event: Event, handle: Callable[[Message], object]) -> Handler:
    def handler(request: Request) -> bytes | Awaitable[bytes]:
        return _answer(event, handle(_parse(event.request, request)))

    return handler


def _answer(event: Event, result: object) -> bytes | Awaitable[bytes]:
    # The usual case first: to ask whether something is awaitable takes longer.
    if type(result) is not event.response and isinstance(result, Awaitable):
        return _later(event, result)
    return _serialized(event, result)


async def _later(event: Event, result: Awaitable[object]) -> bytes:
    return _serialized(event, await result)


def _serialized(event: Event, result: object) -> bytes:
    if result is None:
        return b""
    if isinstance(result, event.response):
        return result.SerializeToString()
    raise TypeError(
        f"{event.handler} returned {type(result).__name__}, "
        f"not {event.response.__name__}"
    )
