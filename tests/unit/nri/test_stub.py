"""The stub against the runtime's end of the same wire, joined back to back."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence

import pytest
from google.protobuf.message import Message

from nri_cdi.errors import LocalProtocolError, RemoteProtocolError
from nri_cdi.nri import api
from nri_cdi.nri.capabilities import RuntimeInfo
from nri_cdi.nri.events import EVENTS, Event
from nri_cdi.nri.plugin import Plugin
from nri_cdi.nri.stub import (
    NRI_VERSION,
    PHASES,
    Deferred,
    Phase,
    RegistrationError,
    Step,
    Stub,
)
from nri_cdi.ttrpc.connection import Request, Response
from nri_cdi.ttrpc.status import Code, RpcError, Status
from testbed.standin import RuntimeEnd, containerd


class Creator(Plugin):
    """Handles CreateContainer alone, with a mark that shows the request got through."""

    def create_container(
        self, request: api.CreateContainerRequest
    ) -> api.CreateContainerResponse | None:
        if not request.container.name:
            return None
        response = api.CreateContainerResponse()
        response.adjust.env.add(key="CONTAINER", value=request.container.name)
        return response


class Pair:
    """A stub and a runtime, with nothing but bytes between them."""

    def __init__(self, plugin: Plugin) -> None:
        self.plugin = plugin
        self.exceptions: list[tuple[str, Exception]] = []
        self.stub = Stub(plugin, self._failed)
        self.runtime = RuntimeEnd()
        self.deferred: list[Deferred] = []
        self.answers: list[Response] = []
        self.responses: dict[int, Response] = {}
        self.stub.register()
        self.pump()

    def _failed(self, request: Request, error: Exception) -> None:
        self.exceptions.append((request.method, error))

    def pump(self) -> None:
        for _ in range(4):
            for response in self.runtime.receive_data(
                b"".join(self.stub.data_to_send())
            ):
                self.responses[response.stream_id] = response
            for item in self.stub.receive_data(self.runtime.data_to_send()):
                if isinstance(item, Deferred):
                    self.deferred.append(item)
                else:
                    self.answers.append(item)

    def call(self, method: str, request: Message, timeout_ms: int = 2000) -> Response:
        stream_id = self.runtime.call(method, request, timeout_ms)
        self.pump()
        return self.responses[stream_id]

    def configure(self, request: api.ConfigureRequest | None = None) -> int:
        response = self.call("Configure", request or containerd("2.1.9"))
        assert response.status is None, response.status
        return api.ConfigureResponse.FromString(response.payload).events

    def synchronize(self, request: api.SynchronizeRequest | None = None) -> Response:
        return self.call("Synchronize", request or api.SynchronizeRequest())

    def ready(self) -> Pair:
        self.configure()
        self.synchronize()
        return self


def test_a_plugin_introduces_itself_with_name_index_and_version() -> None:
    pair = Pair(Creator("creator", "05"))
    assert pair.runtime.registered == api.RegisterPluginRequest(
        plugin_name="creator", plugin_idx="05", NRI_version=NRI_VERSION
    )


def test_a_refused_registration_says_what_the_runtime_said() -> None:
    stub = Stub(Creator("creator", "5"), lambda _request, _error: None)
    runtime = RuntimeEnd()

    def refuse(_request: Request) -> bytes:
        raise RpcError(Code.UNKNOWN, 'invalid plugin index "5"')

    runtime._server._methods["nri.pkg.api.v1alpha1.Runtime"] = {
        "RegisterPlugin": refuse
    }
    stub.register()
    runtime.receive_data(b"".join(stub.data_to_send()))
    with pytest.raises(
        RegistrationError,
        match='^the runtime refused plugin 5-creator: invalid plugin index "5"$',
    ):
        stub.receive_data(runtime.data_to_send())


def test_a_plugin_without_handlers_is_refused_before_it_asks_for_everything() -> None:
    with pytest.raises(
        LocalProtocolError, match="^plugin 'plugin' handles no event: define"
    ):
        Stub(Plugin(), lambda _request, _error: None)


class Everything(Plugin):
    """Handles every event and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__("everything")
        self.asked: list[tuple[str, Message]] = []


def _remember(handler: str) -> object:
    def handle(self: Everything, request: Message) -> None:
        self.asked.append((handler, request))

    return handle


for _event in EVENTS:
    setattr(Everything, _event.handler, _remember(_event.handler))


class NewcomersOnly(Plugin):
    """Handles what only later runtimes have."""

    def validate_container_adjustment(
        self, request: api.ValidateContainerAdjustmentRequest
    ) -> api.ValidateContainerAdjustmentResponse:
        return api.ValidateContainerAdjustmentResponse(reject=True, reason="no")


@pytest.mark.parametrize(
    ("plugin", "configure", "events"),
    [
        (Creator(), containerd("2.1.9"), 0x8),
        (Creator(), containerd("2.3.0", "v0.12.0"), 0x8),
        (Everything(), containerd("1.7.24"), 0x7FF),
        (Everything(), containerd("2.1.9+unknown"), 0x7FF),
        (Everything(), containerd("2.2.0"), 0x3FFF),
        (Everything(), containerd("2.3.0", "v0.12.2"), 0x3FFF),
        (NewcomersOnly(), containerd("2.2.0"), 0x2000),
    ],
)
def test_a_plugin_subscribes_to_what_it_defines_and_the_runtime_knows(
    plugin: Plugin, configure: api.ConfigureRequest, events: int
) -> None:
    assert Pair(plugin).configure(configure) == events


def test_a_subscription_that_a_runtime_would_read_as_all_is_refused() -> None:
    response = Pair(NewcomersOnly()).call("Configure", containerd("2.1.9"))
    assert response.status == Status(
        Code.FAILED_PRECONDITION,
        "plugin newcomersonly handles only ValidateContainerAdjustment, which "
        "containerd 2.1.9 (NRI 0.8) doesn't have",
    )


class Configured(Creator):
    """Keeps what the runtime said."""

    said: tuple[RuntimeInfo, str] | None = None

    def configure(self, runtime: RuntimeInfo, config: str) -> None:
        self.said = (runtime, config)


def test_configure_tells_runtime_and_config_even_before_the_registration_is_over() -> (
    None
):
    plugin = Configured()
    stub = Stub(plugin, lambda _request, _error: None)
    stub.register()
    runtime = RuntimeEnd()
    request = api.ConfigureRequest(
        config="a: 1",
        runtime_name="cri-o",
        runtime_version="1.34.2",
        request_timeout=700,
    )
    runtime.call("Configure", request)
    stub.receive_data(runtime.data_to_send())
    assert plugin.said is not None
    assert str(plugin.said[0]) == "cri-o 1.34.2 (NRI 0.10)"
    assert plugin.said[0].request_timeout_s == 0.7
    assert plugin.said[1] == "a: 1"
    assert stub.info == plugin.said[0]
    assert stub.phase is Phase.CONFIGURED


class Listing(Creator):
    """Keeps what it was synchronized with, and updates the last container."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[list[str], list[str]]] = []

    def synchronize(
        self, pods: Sequence[api.PodSandbox], containers: Sequence[api.Container]
    ) -> Iterable[api.ContainerUpdate]:
        self.seen.append(([pod.id for pod in pods], [one.id for one in containers]))
        return [api.ContainerUpdate(container_id=containers[-1].id)]


def test_a_split_synchronization_reaches_the_plugin_as_one() -> None:
    plugin = Listing()
    pair = Pair(plugin)
    pair.configure()
    parts = [
        api.SynchronizeRequest(
            pods=[api.PodSandbox(id=f"p{part}")],
            containers=[api.Container(id=f"c{part}")],
            more=part < 3,
        )
        for part in (1, 2, 3)
    ]
    for part in parts[:2]:
        response = pair.synchronize(part)
        assert api.SynchronizeResponse.FromString(
            response.payload
        ) == api.SynchronizeResponse(more=True)
        assert pair.stub.phase is Phase.SYNCHRONIZING
        assert pair.stub.take_synchronize_timeout() is None
    last = pair.synchronize(parts[2])
    assert api.SynchronizeResponse.FromString(last.payload) == api.SynchronizeResponse(
        update=[api.ContainerUpdate(container_id="c3")]
    )
    assert plugin.seen == [(["p1", "p2", "p3"], ["c1", "c2", "c3"])]
    assert pair.stub.phase is Phase.READY
    assert pair.stub.take_synchronize_timeout() == 2.0
    assert pair.stub.take_synchronize_timeout() is None


def test_a_second_synchronization_starts_from_nothing() -> None:
    plugin = Listing()
    pair = Pair(plugin)
    pair.configure()
    for _ in range(2):
        pair.synchronize(api.SynchronizeRequest(containers=[api.Container(id="c")]))
    assert plugin.seen == [([], ["c"]), ([], ["c"])]


def test_every_phase_has_an_answer_to_every_step() -> None:
    assert {(phase, step) for phase in Phase for step in Step} - set(PHASES) == {
        (Phase.CONNECTED, Step.PART),
        (Phase.CONNECTED, Step.LAST_PART),
        (Phase.SYNCHRONIZING, Step.CONFIGURE),
    }


def test_a_step_out_of_order_is_answered_with_an_error() -> None:
    pair = Pair(Creator())
    assert pair.synchronize().status == Status(
        Code.FAILED_PRECONDITION, "unexpected last_part while connected"
    )
    assert pair.configure() == 0x8


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.rpc)
def test_an_event_reaches_its_handler_by_its_own_rpc(event: Event) -> None:
    plugin = Everything()
    request = event.request()
    request.pod.id = "pod"  # type: ignore[attr-defined]  # every event has a pod
    assert Pair(plugin).ready().call(event.rpc, request).status is None
    assert plugin.asked == [(event.handler, request)]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.rpc)
def test_an_event_reaches_its_handler_by_state_change(event: Event) -> None:
    plugin = Everything()
    change = api.StateChangeEvent(event=event.number)  # type: ignore[arg-type]
    change.pod.id = "pod"
    change.container.id = "container"
    response = Pair(plugin).ready().call("StateChange", change)
    assert (response.status, response.payload) == (None, b"")
    [(handler, request)] = plugin.asked
    assert handler == event.handler
    assert request.pod.id == "pod"  # type: ignore[attr-defined]
    if "container" in event.request.DESCRIPTOR.fields_by_name:
        assert request.container.id == "container"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("method", "request_", "code", "message"),
    [
        ("Nope", api.Empty(), Code.UNIMPLEMENTED, "method Nope"),
        ("Shutdown", api.Empty(), None, ""),
        ("StateChange", api.StateChangeEvent(event=99), None, ""),  # type: ignore[arg-type]
        ("StateChange", api.StateChangeEvent(), None, ""),
        ("RunPodSandbox", api.RunPodSandboxRequest(), None, ""),
    ],
)
def test_calls_that_nobody_handles(
    method: str, request_: Message, code: int | None, message: str
) -> None:
    status = Pair(Creator()).ready().call(method, request_).status
    assert status == (None if code is None else Status(code, message))


def test_an_answer_of_none_is_an_empty_response() -> None:
    response = (
        Pair(Creator()).ready().call("CreateContainer", api.CreateContainerRequest())
    )
    assert (response.status, response.payload) == (None, b"")


class Broken(Creator):
    """Answers with what it is told to: an exception, or a value of some type."""

    def __init__(self, result: object) -> None:
        super().__init__("broken")
        self.result = result

    def create_container(self, request: api.CreateContainerRequest) -> None:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("result", "status", "bug"),
    [
        (RpcError(Code.NOT_FOUND, "no such"), Status(Code.NOT_FOUND, "no such"), False),
        (
            ZeroDivisionError("division by zero"),
            Status(Code.INTERNAL, "ZeroDivisionError: division by zero"),
            True,
        ),
        (
            "text",
            Status(
                Code.INTERNAL,
                "TypeError: create_container returned str, not CreateContainerResponse",
            ),
            True,
        ),
    ],
)
def test_what_a_handler_does_wrong_fails_its_call_alone(
    result: object, status: Status, bug: bool
) -> None:
    pair = Pair(Broken(result)).ready()
    assert pair.call("CreateContainer", api.CreateContainerRequest()).status == status
    assert bool(pair.exceptions) is bug
    assert pair.synchronize().status is None


def test_a_payload_that_is_no_message_is_answered_with_an_error() -> None:
    pair = Pair(Creator()).ready()
    junk = api.RegisterPluginRequest(plugin_name="\x7f\x7f\x7f")
    status = pair.call("CreateContainer", junk).status
    assert status is not None
    assert status.code == Code.INTERNAL
    assert status.message.startswith("CreateContainer: the payload can't be decoded: ")
    assert pair.exceptions == []


class Later(Creator):
    """Answers with an awaitable."""

    def __init__(self, result: object) -> None:
        super().__init__("later")
        self.result = result

    async def create_container(  # type: ignore[override]
        self, request: api.CreateContainerRequest
    ) -> object:
        return self.result


def _run(awaitable: Awaitable[bytes]) -> bytes:
    """Drive an awaitable that waits for nothing."""
    step = awaitable.__await__()
    with pytest.raises(StopIteration) as stopped:
        next(step)
    return bytes(stopped.value.value)


def test_a_deferred_answer_leaves_when_it_is_there() -> None:
    response = api.CreateContainerResponse()
    response.adjust.env.add(key="A", value="b")
    pair = Pair(Later(response)).ready()
    stream_id = pair.runtime.call("CreateContainer", api.CreateContainerRequest(), 1500)
    pair.pump()
    [deferred] = pair.deferred
    assert deferred.timeout_s == 1.5
    assert stream_id not in pair.responses
    pair.stub.finish(deferred.request, _run(deferred.answer))
    pair.pump()
    assert pair.responses[stream_id].payload == response.SerializeToString()


def test_without_a_deadline_the_runtimes_usual_one_counts() -> None:
    pair = Pair(Later(None)).ready()
    pair.runtime.call("CreateContainer", api.CreateContainerRequest())
    pair.pump()
    [deferred] = pair.deferred
    assert deferred.timeout_s == 2.0
    assert _run(deferred.answer) == b""


def test_an_awaitable_of_something_else_is_a_bug() -> None:
    pair = Pair(Later("text")).ready()
    pair.runtime.call("CreateContainer", api.CreateContainerRequest())
    pair.pump()
    step = pair.deferred[0].answer.__await__()
    with pytest.raises(TypeError, match="^create_container returned str, not Create"):
        next(step)


def test_answers_to_calls_of_the_plugin_come_out() -> None:
    pair = Pair(Creator()).ready()
    update = api.ContainerUpdate(container_id="c", ignore_failure=True)
    stream_id = pair.stub.call(
        "UpdateContainers", api.UpdateContainersRequest(update=[update]), timeout_s=1
    )
    pair.pump()
    [answer] = pair.answers
    assert answer.stream_id == stream_id
    assert api.UpdateContainersResponse.FromString(answer.payload).failed == [update]
    assert pair.runtime.updates == [api.UpdateContainersRequest(update=[update])]


def test_a_forgotten_call_gets_no_answer() -> None:
    pair = Pair(Creator()).ready()
    stream_id = pair.stub.call("UpdateContainers", api.UpdateContainersRequest())
    pair.stub.forget(stream_id)
    pair.pump()
    assert pair.answers == []


def test_the_end_of_the_trunk_gives_the_calls_that_are_lost() -> None:
    pair = Pair(Creator()).ready()
    stream_id = pair.stub.call("UpdateContainers", api.UpdateContainersRequest())
    assert pair.stub.receive_eof() == (stream_id,)


def test_an_end_within_a_message_is_the_peers_mistake() -> None:
    stub = Stub(Creator(), lambda _request, _error: None)
    stub.receive_data(b"\0\0\0\1\0\0\0\x10abc")
    with pytest.raises(RemoteProtocolError):
        stub.receive_eof()


@pytest.mark.parametrize("size", [1, 7, 4096, 1 << 20])
def test_any_cut_of_the_trunk_gives_the_same_conversation(size: int) -> None:
    pair = Pair(Creator()).ready()
    big = api.CreateContainerRequest()
    big.container.name = "main"
    big.container.env.extend([f"V{number}={'x' * 1000}" for number in range(20)])
    stream_id = pair.runtime.call("CreateContainer", big)
    data = pair.runtime.data_to_send()
    for start in range(0, len(data), size):
        assert pair.stub.receive_data(data[start : start + size]) == []
    pair.pump()
    response = pair.responses[stream_id]
    adjust = api.CreateContainerResponse.FromString(response.payload).adjust
    assert adjust.env == [api.KeyValue(key="CONTAINER", value="main")]
