"""The bytes in docs/architecture/wire.md are those of a real conversation."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator

from google.protobuf.message import Message

from nri_cdi.nri import Plugin, api
from nri_cdi.nri.capabilities import NRI_VERSIONS
from nri_cdi.nri.events import EVENTS, PLUGIN_SERVICE
from nri_cdi.nri.mux import PLUGIN_SERVICE_CONN, RUNTIME_SERVICE_CONN, Mux
from nri_cdi.nri.stub import Stub
from nri_cdi.ttrpc.calls import Request, encode_request, encode_success
from nri_cdi.ttrpc.frames import MessageType, encode
from nri_cdi.ttrpc.status import Code
from tests.unit.docs.pages import ROOT, blocks, read, table

PAGE = read("docs/architecture/wire.md")

TIMEOUT_NS = 2_000_000_000

_HEX = re.compile(r"(?:[0-9a-f]{2} )*[0-9a-f]{2}(?=  |$)")


def documented() -> list[tuple[str, bytes]]:
    """The blocks of the page: who sends, and what."""
    conversation = []
    for block in blocks(PAGE, "wire"):
        sender, *lines = block.splitlines()
        found = [match[0] for line in lines if (match := _HEX.match(line))]
        assert len(found) == len(lines), block
        conversation.append((sender.partition(":")[0], bytes.fromhex(" ".join(found))))
    return conversation


def spoken() -> Iterator[tuple[str, bytes]]:
    """The conversation: the plugin's bytes are the stub's own."""
    stub = Stub(_pod_name(), _fail)
    stub.register()
    yield "plugin", _sent(stub)
    configure = api.ConfigureRequest(
        runtime_name="containerd",
        runtime_version="2.1.9",
        registration_timeout=5000,
        request_timeout=2000,
    )
    yield from _call(stub, 1, "Configure", configure)
    accepted = _message(
        RUNTIME_SERVICE_CONN, 1, MessageType.RESPONSE, encode_success(b"")
    )
    stub.receive_data(accepted)
    yield "runtime", accepted
    yield from _call(stub, 3, "Synchronize", api.SynchronizeRequest())
    create = api.CreateContainerRequest()
    create.pod.name = "web-1"
    create.container.name = "main"
    yield from _call(stub, 5, "CreateContainer", create)


def _pod_name() -> Plugin:
    """The plugin of docs/examples, which runs only as a program."""
    example = runpy.run_path(str(ROOT / "docs/examples/pod_name.py"))
    plugin: Plugin = example["PodName"]("pod-name", index="20")
    return plugin


def _fail(request: Request, error: Exception) -> None:
    raise AssertionError(request) from error


def _call(
    stub: Stub, stream_id: int, method: str, request: Message
) -> Iterator[tuple[str, bytes]]:
    payload = request.SerializeToString(deterministic=True)
    body = encode_request(PLUGIN_SERVICE, method, payload, TIMEOUT_NS, ())
    call = _message(PLUGIN_SERVICE_CONN, stream_id, MessageType.REQUEST, body)
    yield "runtime", call
    stub.receive_data(call)
    yield "plugin", _sent(stub)


def _message(conn_id: int, stream_id: int, kind: MessageType, body: bytes) -> bytes:
    """A message as a Go runtime sends it: a short one is in one frame as a whole."""
    return b"".join(Mux.encode(conn_id, [b"".join(encode(stream_id, kind, body))]))


def _sent(stub: Stub) -> bytes:
    return b"".join(stub.data_to_send())


def test_the_conversation_is_what_the_code_says() -> None:
    assert documented() == list(spoken())


def test_the_table_of_events_is_that_of_the_protocol() -> None:
    rows = [
        (int(number), rpc.strip("`"), int(mask.strip("`"), 16))
        for number, rpc, mask in (row[:3] for row in table(PAGE, "number"))
    ]
    assert rows == sorted((event.number, event.rpc, event.mask) for event in EVENTS)


def test_the_table_of_status_codes_has_the_codes_as_they_are() -> None:
    for row in table(PAGE, "code"):
        number, name = row[0].split()
        assert Code[name] == int(number)


def test_the_table_of_versions_has_every_release_that_the_code_knows() -> None:
    listed = {row[0]: row[1:3] for row in table(PAGE, "NRI")}
    for column, runtime in enumerate(("containerd", "cri-o")):
        for released, (major, minor) in NRI_VERSIONS[runtime]:
            release = ".".join(map(str, released)).removesuffix(".0")
            cell = listed[f"{major}.{minor}"][column]
            assert release in re.findall(r"[0-9.]+[0-9]", cell), (runtime, release)
