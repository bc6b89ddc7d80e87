"""Sessions and reconnecting, on real unix sockets against the runtime's end."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import time
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest

from nri_cdi.errors import LocalProtocolError
from nri_cdi.nri import api
from nri_cdi.nri.launch import launched
from nri_cdi.nri.plugin import Plugin, Runtime
from nri_cdi.nri.session import serve, serve_launched
from nri_cdi.ttrpc.connection import Request
from nri_cdi.ttrpc.status import Code, RpcError, Status
from testbed.standin import Connection, StandIn, container_request, containerd

DEADLINE_S = 10.0


class Recorder(Plugin):
    """Answers with the container's name, and keeps what happened to the connection."""

    def __init__(self) -> None:
        super().__init__("recorder", "42")
        self.happened: list[str] = []
        self.runtime: Runtime | None = None

    def synchronized(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.happened.append(f"synchronized with {runtime.info}")

    def disconnected(self, reason: str) -> None:
        self.happened.append(f"disconnected: {reason}")

    def create_container(
        self, request: api.CreateContainerRequest
    ) -> api.CreateContainerResponse | Awaitable[api.CreateContainerResponse]:
        response = api.CreateContainerResponse()
        response.adjust.env.add(key="CONTAINER", value=request.container.name)
        return response


@contextmanager
def serving(plugin: Plugin, path: str) -> Iterator[Callable[[], None]]:
    """Serve a plugin in a thread of its own; what is given stops it."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(serve(plugin, path))

    def run() -> None:
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()

    thread = Thread(target=run)
    thread.start()

    def stop() -> None:
        if thread.is_alive():
            loop.call_soon_threadsafe(task.cancel)
        thread.join(DEADLINE_S)
        assert not thread.is_alive()

    try:
        yield stop
    finally:
        stop()


@pytest.fixture
def socket_path(tmp_path: Path) -> str:
    return str(tmp_path / "nri.sock")


def created(connection: Connection, name: str = "main") -> str:
    response = connection.create_container(container_request({}, name))
    [variable] = response.adjust.env
    return variable.value


def test_a_plugin_registers_and_answers(socket_path: str) -> None:
    plugin = Recorder()
    with (
        StandIn(socket_path) as runtime,
        serving(plugin, socket_path),
        runtime.accept() as connection,
    ):
        assert connection.start().events == 0x8
        registered = connection.end.registered
        assert registered is not None
        assert (registered.plugin_idx, registered.plugin_name) == ("42", "recorder")
        assert created(connection, "main") == "main"
        assert plugin.happened == ["synchronized with containerd 2.1.9 (NRI 0.8)"]


def test_a_plugin_finds_a_runtime_that_starts_later(socket_path: str) -> None:
    plugin = Recorder()
    with serving(plugin, socket_path):
        for number in range(3):
            with StandIn(socket_path) as runtime, runtime.accept() as connection:
                connection.start()
                assert created(connection, f"c{number}") == f"c{number}"
    assert [happened.split()[0] for happened in plugin.happened] == [
        "synchronized",
        "disconnected:",
    ] * 3


def test_a_plugin_that_is_dropped_comes_back(
    socket_path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with StandIn(socket_path) as runtime, serving(Recorder(), socket_path):
        with runtime.accept() as connection:
            connection.start()
        with runtime.accept() as connection:
            connection.start()
            assert created(connection) == "main"
    assert "the runtime closed the connection; trying again" in caplog.text


def test_the_same_complaint_is_logged_once(
    socket_path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(Recorder(), socket_path):
        time.sleep(0.5)  # attempts are 0.05 s apart and more
    complaints = [
        record for record in caplog.records if "can't connect" in record.message
    ]
    assert [record.getMessage() for record in complaints] == [
        (
            f"can't connect to the runtime at {socket_path}: No such file or "
            "directory; trying again until it works"
        )
    ]


def test_junk_on_the_trunk_ends_the_connection_and_a_new_one_works(
    socket_path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with StandIn(socket_path) as runtime, serving(Recorder(), socket_path):
        with runtime.accept() as connection:
            connection.trunk.sendall(b"\xff" * 64)
            with pytest.raises(ConnectionError):
                connection.call("Configure", containerd("2.1.9"))
        with runtime.accept() as connection:
            connection.start()
            assert created(connection) == "main"
    assert "must be at most" in caplog.text


class Slow(Recorder):
    """Answers some time later, or never, and may say why."""

    def __init__(self, delay_s: float, why: str = "") -> None:
        super().__init__()
        self.delay_s = delay_s
        self.why = why
        self.cancelled = False

    def why_late(self) -> str:
        return self.why

    def create_container(
        self, request: api.CreateContainerRequest
    ) -> Awaitable[api.CreateContainerResponse]:
        return self._answer(request)

    async def _answer(
        self, request: api.CreateContainerRequest
    ) -> api.CreateContainerResponse:
        try:
            await asyncio.sleep(self.delay_s)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        response = api.CreateContainerResponse()
        response.adjust.env.add(key="CONTAINER", value=request.container.name)
        return response


def test_a_deferred_answer_does_not_hold_up_others(socket_path: str) -> None:
    with (
        StandIn(socket_path) as runtime,
        serving(Slow(0.2), socket_path),
        runtime.accept() as connection,
    ):
        connection.start()
        first = connection.send("CreateContainer", container_request({}, "first"))
        assert connection.call("StateChange", api.StateChangeEvent()).status is None
        response = api.CreateContainerResponse.FromString(
            connection.wait(first).payload
        )
        assert response.adjust.env[0].value == "first"


@pytest.mark.parametrize(
    ("why", "end"), [("", ""), ("the disk is slow", ": the disk is slow")]
)
def test_an_answer_that_would_be_late_is_an_error_in_time(
    socket_path: str, why: str, end: str
) -> None:
    plugin = Slow(60, why)
    with (
        StandIn(socket_path) as runtime,
        serving(plugin, socket_path),
        runtime.accept() as connection,
    ):
        connection.start()
        response = connection.call(
            "CreateContainer", container_request({}), timeout_ms=300
        )
        assert response.status == Status(
            Code.DEADLINE_EXCEEDED,
            "plugin recorder had no answer to CreateContainer within the 0.3 s that "
            f"the runtime waits{end}",
        )
        assert plugin.cancelled
        assert connection.call("StateChange", api.StateChangeEvent()).status is None


def test_answers_under_way_end_with_the_connection(socket_path: str) -> None:
    plugin = Slow(60)
    with StandIn(socket_path) as runtime, serving(plugin, socket_path) as stop:
        with runtime.accept() as connection:
            connection.start()
            connection.send("CreateContainer", container_request({}))
            connection.call("StateChange", api.StateChangeEvent())
        with runtime.accept() as connection:
            connection.start()
        stop()
    assert plugin.cancelled


class Sleepy(Recorder):
    """Takes longer for a synchronization than the runtime waits."""

    def synchronize(
        self, pods: Sequence[api.PodSandbox], containers: Sequence[api.Container]
    ) -> None:
        if not self.happened:
            time.sleep(0.25)


def test_a_synchronization_answered_too_late_is_done_over(socket_path: str) -> None:
    """NRI up to 0.6 keeps such a connection open, and never uses it again."""
    plugin = Sleepy()
    with StandIn(socket_path) as runtime, serving(plugin, socket_path):
        with runtime.accept() as connection:
            connection.await_registration()
            connection.call("Configure", containerd("1.7.24"))
            connection.send("Synchronize", api.SynchronizeRequest(), timeout_ms=100)
            with pytest.raises(ConnectionError):
                connection.wait(-1)
        with runtime.accept() as connection:
            connection.start(containerd("1.7.24"))
            assert created(connection) == "main"
    assert plugin.happened[:2] == [
        (
            "disconnected: the answer to Synchronize took more than the 0.1 s that the "
            "runtime waits, so it may have given up on the plugin"
        ),
        "synchronized with containerd 1.7.24 (NRI 0.6)",
    ]


class Updater(Recorder):
    """Updates a container as soon as it is synchronized."""

    def __init__(self) -> None:
        super().__init__()
        self.outcome: Sequence[api.ContainerUpdate] | Exception | None = None
        self.task: asyncio.Task[None] | None = None

    def synchronized(self, runtime: Runtime) -> None:
        self.task = asyncio.get_running_loop().create_task(self._update(runtime))

    async def _update(self, runtime: Runtime) -> None:
        update = api.ContainerUpdate(container_id="c1", ignore_failure=True)
        try:
            self.outcome = await runtime.update_containers([update])
        except (RpcError, ConnectionError) as error:
            self.outcome = error


def test_a_plugin_updates_containers(socket_path: str) -> None:
    plugin = Updater()
    with StandIn(socket_path) as runtime, serving(plugin, socket_path) as stop:
        with runtime.accept() as connection:
            connection.start()
            while not connection.end.updates:
                connection._read()
            connection.call("StateChange", api.StateChangeEvent())
        stop()
    assert plugin.outcome == [
        api.ContainerUpdate(container_id="c1", ignore_failure=True)
    ]


class Never:
    """An answer that does not come."""

    def __await__(self) -> Generator[None, None, bytes]:
        yield
        return b""


def test_an_update_fails_when_the_runtime_goes_away(socket_path: str) -> None:
    plugin = Updater()
    with StandIn(socket_path) as runtime, serving(plugin, socket_path) as stop:
        with runtime.accept() as connection:
            connection.end.answer_updates_with(lambda _request: Never())
            connection.start()
        with runtime.accept() as connection:
            connection.await_registration()
        stop()
    assert isinstance(plugin.outcome, ConnectionError)


def test_a_bug_in_a_handler_is_logged_and_fails_the_call(
    socket_path: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Buggy(Recorder):
        def create_container(
            self, request: api.CreateContainerRequest
        ) -> api.CreateContainerResponse:
            raise KeyError(request.container.name)

    with (
        caplog.at_level(logging.ERROR),
        StandIn(socket_path) as runtime,
        serving(Buggy(), socket_path),
        runtime.accept() as connection,
    ):
        connection.start()
        response = connection.call("CreateContainer", container_request({}))
        assert response.status == Status(Code.INTERNAL, "KeyError: 'main'")
    assert "CreateContainer failed with a bug in the plugin: 'main'" in caplog.text


@pytest.mark.parametrize(
    ("name", "registered"), [("given", "given"), ("07-given", "given")]
)
def test_a_launched_plugin_serves_the_runtime_that_started_it(
    name: str, registered: str
) -> None:
    plugin = Recorder()
    ours, theirs = socket.socketpair()
    environ = {
        "NRI_PLUGIN_SOCKET": str(theirs.detach()),
        "NRI_PLUGIN_NAME": name,
        "NRI_PLUGIN_IDX": "07",
    }
    assert launched(environ)
    thread = Thread(target=lambda: asyncio.run(serve_launched(plugin, environ)))
    thread.start()
    with Connection(ours) as connection:
        connection.start()
        assert created(connection) == "main"
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
    assert (plugin.name, plugin.index) == (registered, "07")
    assert plugin.happened[-1] == "disconnected: the runtime closed the connection"


@pytest.mark.parametrize("text", ["", "three", "-1", "99999"])
def test_a_launched_plugin_says_when_its_connection_is_none(text: str) -> None:
    with pytest.raises(
        LocalProtocolError, match=f"^NRI_PLUGIN_SOCKET is '{text}', which is no conn"
    ):
        asyncio.run(serve_launched(Recorder(), {"NRI_PLUGIN_SOCKET": text}))


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_SEQPACKET])
def test_a_launched_plugin_takes_no_other_kind_of_socket(kind: int) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    with ours, theirs:
        environ = {"NRI_PLUGIN_SOCKET": str(theirs.fileno())}
        with pytest.raises(LocalProtocolError, match="not a Unix stream socket$"):
            asyncio.run(serve_launched(Recorder(), environ))


@pytest.mark.parametrize("variable", ["NRI_PLUGIN_NAME", "NRI_PLUGIN_IDX"])
def test_a_launched_plugin_takes_no_name_that_is_none(variable: str) -> None:
    environ = {"NRI_PLUGIN_SOCKET": "3", variable: "\udcff"}
    with pytest.raises(LocalProtocolError, match="which is no name$"):
        asyncio.run(serve_launched(Recorder(), environ))


def test_no_descriptor_is_left_behind(socket_path: str) -> None:
    def cycle() -> int:
        with StandIn(socket_path) as runtime, serving(Recorder(), socket_path):
            for _ in range(4):  # the pauses between them grow
                with runtime.accept() as connection:
                    connection.start()
        return len(list(Path("/proc/self/fd").iterdir()))

    assert cycle() == cycle()


def test_an_answer_lost_before_it_began_leaves_nothing_behind(
    socket_path: str,
) -> None:
    plugin = Slow(60)
    with StandIn(socket_path) as runtime, serving(plugin, socket_path):
        with runtime.accept() as connection:
            connection.start()
            connection.send("CreateContainer", container_request({}))
        with runtime.accept() as connection:
            connection.start()


def test_without_inotify_attempts_find_the_runtime_too(
    socket_path: str, caplog: pytest.LogCaptureFixture
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Path("/dev/null").open() as lowest:
        free = lowest.fileno()
    plugin = Recorder()
    loop = asyncio.new_event_loop()

    async def test() -> None:
        # No descriptor is left at first.
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
        try:
            task = loop.create_task(serve(plugin, socket_path))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        with StandIn(socket_path) as runtime:
            connection = await loop.run_in_executor(None, runtime.accept)
            with connection:
                await loop.run_in_executor(None, connection.start)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    loop.run_until_complete(test())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    assert f"can't watch for {socket_path} to appear: " in caplog.text
    assert plugin.happened[0] == "synchronized with containerd 2.1.9 (NRI 0.8)"


def test_an_update_that_the_runtime_refuses_is_an_error(socket_path: str) -> None:
    plugin = Updater()

    def refuse(_request: Request) -> bytes:
        raise RpcError(Code.NOT_FOUND, "no such container")

    with StandIn(socket_path) as runtime, serving(plugin, socket_path) as stop:
        with runtime.accept() as connection:
            connection.end.answer_updates_with(refuse)
            connection.start()
            connection.call("StateChange", api.StateChangeEvent())
            connection.call("StateChange", api.StateChangeEvent())
        with runtime.accept() as connection:
            connection.await_registration()
        stop()
    assert isinstance(plugin.outcome, RpcError)
    assert str(plugin.outcome) == "status 5 NOT_FOUND: no such container"


def test_an_update_without_an_answer_ends_at_the_deadline(socket_path: str) -> None:
    plugin = Updater()
    configure = containerd("2.1.9")
    configure.request_timeout = 100
    with StandIn(socket_path) as runtime, serving(plugin, socket_path) as stop:
        with runtime.accept() as connection:
            connection.end.answer_updates_with(lambda _request: Never())
            connection.start(configure)
            while plugin.outcome is None:
                time.sleep(0.01)
            connection.call("StateChange", api.StateChangeEvent())
        stop()
    assert isinstance(plugin.outcome, RpcError)
    assert plugin.outcome.message == (
        "the runtime did not answer UpdateContainers within 0.1 s"
    )


def test_a_mistake_in_a_notice_is_logged_and_ends_nothing(
    socket_path: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Clumsy(Recorder):
        def synchronized(self, runtime: Runtime) -> None:
            raise KeyError("synchronized")

        def disconnected(self, reason: str) -> None:
            raise KeyError("disconnected")

    with StandIn(socket_path) as runtime, serving(Clumsy(), socket_path):
        for _ in range(2):
            with runtime.accept() as connection:
                connection.start()
                assert created(connection) == "main"
    assert "synchronized failed with a bug in the plugin" in caplog.text
    assert "disconnected failed with a bug in the plugin" in caplog.text


def test_a_synchronization_that_fails_is_none(socket_path: str) -> None:
    class Failing(Recorder):
        def synchronize(
            self, pods: Sequence[api.PodSandbox], containers: Sequence[api.Container]
        ) -> None:
            raise ValueError("no")

    plugin = Failing()
    with (
        StandIn(socket_path) as runtime,
        serving(plugin, socket_path),
        runtime.accept() as connection,
    ):
        connection.await_registration()
        connection.call("Configure", containerd("2.1.9"))
        response = connection.call("Synchronize", api.SynchronizeRequest())
        assert response.status == Status(Code.INTERNAL, "ValueError: no")
    assert not [what for what in plugin.happened if what.startswith("synchronized")]


def test_a_handlers_own_timeout_is_its_own_mistake(
    socket_path: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Impatient(Recorder):
        async def create_container(
            self, request: api.CreateContainerRequest
        ) -> api.CreateContainerResponse:
            raise TimeoutError("its own")

    with (
        StandIn(socket_path) as runtime,
        serving(Impatient(), socket_path),
        runtime.accept() as connection,
    ):
        connection.start()
        response = connection.call("CreateContainer", container_request({}))
        assert response.status == Status(Code.INTERNAL, "TimeoutError: its own")
    assert "CreateContainer failed with a bug in the plugin: its own" in caplog.text


def test_a_plugin_that_stops_refuses_what_it_still_works_on(socket_path: str) -> None:
    with (
        StandIn(socket_path) as runtime,
        serving(Slow(60), socket_path) as stop,
        runtime.accept() as connection,
    ):
        connection.start()
        waiting = connection.send("CreateContainer", container_request({}))
        connection.call("StateChange", api.StateChangeEvent())
        stop()
        assert connection.wait(waiting).status == Status(
            Code.UNAVAILABLE, "plugin recorder: the plugin is stopping"
        )
