from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from testbed._pb.cri import api_pb2 as api
from testbed.cri import Cri, CriError, Executed

LOG = """\
2026-01-01T00:00:00.0Z stdout F first line
2026-01-01T00:00:00.1Z stderr P a long
2026-01-01T00:00:00.2Z stderr F  line
2026-01-01T00:00:00.3Z stdout P the end
"""


class Runtime(grpc.GenericRpcHandler):
    """A runtime with one pod and one container, which has ended."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self.created: list[api.CreateContainerRequest] = []

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        method = handler_call_details.method.rpartition("/")[2]
        answer = getattr(self, f"_{method}", None)
        return answer and grpc.unary_unary_rpc_method_handler(answer)

    def _RunPodSandbox(self, request: bytes, _: grpc.ServicerContext) -> bytes:
        self.pod = api.RunPodSandboxRequest.FromString(request).config
        return api.RunPodSandboxResponse(pod_sandbox_id="pod").SerializeToString()

    def _CreateContainer(self, request: bytes, _: grpc.ServicerContext) -> bytes:
        self.created.append(api.CreateContainerRequest.FromString(request))
        return api.CreateContainerResponse(container_id="c").SerializeToString()

    def _StartContainer(self, _: bytes, context: grpc.ServicerContext) -> bytes:
        context.abort(grpc.StatusCode.UNKNOWN, "no such device")
        raise AssertionError

    def _ExecSync(self, _: bytes, __: grpc.ServicerContext) -> bytes:
        reply = api.ExecSyncResponse(stdout=b"out\xff", stderr=b"err", exit_code=3)
        return reply.SerializeToString()

    def _ContainerStatus(self, _: bytes, __: grpc.ServicerContext) -> bytes:
        status = api.ContainerStatus(
            state=api.CONTAINER_EXITED, exit_code=5, log_path=str(self._log)
        )
        return api.ContainerStatusResponse(status=status).SerializeToString()


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    log = tmp_path / "log"
    log.write_text(LOG)
    made = Runtime(log)
    with ThreadPoolExecutor(1) as executor:
        server = grpc.server(executor, [made])
        server.add_insecure_port(f"unix:{tmp_path}/socket")
        server.start()
        yield made
        server.stop(None).wait()


@pytest.fixture
def cri(runtime: Runtime, tmp_path: Path) -> Iterator[Cri]:
    assert runtime.created == []
    with Cri(tmp_path / "socket", logs=tmp_path, cgroup_parent="/x") as client:
        yield client


def test_a_pod_has_the_hosts_network(cri: Cri, runtime: Runtime) -> None:
    assert cri.run_pod("p", annotations={"a": "b"}) == "pod"
    assert runtime.pod.metadata.name == "p"
    assert runtime.pod.annotations == {"a": "b"}
    assert runtime.pod.linux.cgroup_parent == "/x"
    namespaces = runtime.pod.linux.security_context.namespace_options
    assert (namespaces.network, namespaces.pid) == (api.NODE, api.CONTAINER)


def test_a_pod_with_a_user_namespace_has_a_network_of_its_own(
    cri: Cri, runtime: Runtime
) -> None:
    cri.run_pod("p", user_namespace=100_000)
    namespaces = runtime.pod.linux.security_context.namespace_options
    mapping = api.IDMapping(host_id=100_000, container_id=0, length=65536)
    assert namespaces.network == api.POD
    assert list(namespaces.userns_options.uids) == [mapping]
    assert list(namespaces.userns_options.gids) == [mapping]


def test_a_container_is_created_as_its_pod_was(cri: Cri, runtime: Runtime) -> None:
    pod = cri.run_pod("p", user_namespace=100_000)
    cri.create_container(pod, "c", env={"A": "b"}, run_as_user=0, cdi_devices=["v/c=d"])
    (created,) = runtime.created
    assert created.sandbox_config == runtime.pod
    security = created.config.linux.security_context
    pods = runtime.pod.linux.security_context.namespace_options
    assert security.namespace_options == pods
    assert (security.HasField("run_as_user"), security.run_as_user.value) == (True, 0)
    assert not security.HasField("run_as_group")
    assert list(created.config.envs) == [api.KeyValue(key="A", value=b"b")]
    assert list(created.config.CDI_devices) == [api.CDIDevice(name="v/c=d")]


def test_a_refusal_has_the_runtimes_words(cri: Cri) -> None:
    with pytest.raises(CriError) as caught:
        cri.start_container("c")
    assert str(caught.value) == "StartContainer: UNKNOWN: no such device"
    assert caught.value.details == "no such device"
    assert caught.value.code == grpc.StatusCode.UNKNOWN


def test_output_that_is_no_text_is_shown_as_far_as_it_is(cri: Cri) -> None:
    expected = Executed(
        stdout="out\N{REPLACEMENT CHARACTER}", stderr="err", exit_code=3
    )
    assert cri.exec_sync("c", "ls") == expected


def test_the_exit_code_of_a_container(cri: Cri) -> None:
    assert cri.wait_exit("c") == 5


def test_pieces_of_a_line_in_a_log_are_put_together(cri: Cri) -> None:
    assert cri.logs("c") == "first line\na long line\nthe end"
