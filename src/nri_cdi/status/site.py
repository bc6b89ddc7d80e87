"""What is at which path: requests in, answers out, no I/O.

Paths are compared, never looked up: nothing is read from the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

from nri_cdi.address import LOOPBACK_HOSTS
from nri_cdi.status.inventory import Inventory
from nri_cdi.status.metrics import expose
from nri_cdi.status.page import DEVICES_LIMIT, STYLE_HASH, render
from nri_cdi.status.snapshot import Observation, build
from nri_cdi.status.streaming import encode

# Source: RFC 9110, section 15.
OK = 200
BAD_REQUEST = 400
NOT_FOUND = 404
METHOD_NOT_ALLOWED = 405
MISDIRECTED = 421
HEAD_TOO_LARGE = 431
UNAVAILABLE = 503
VERSION_NOT_SUPPORTED = 505

TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
JSON = "application/json"

METHODS = (b"GET", b"HEAD")

# What any name may be asked for: a proxy that checks who asks, such as kube-rbac-proxy,
# hands on the name that it was asked by. Nothing of pods is in it. Source: Go
# net/http/httputil, NewSingleHostReverseProxy.
_METRICS = b"/metrics"

# Of absolute-form, in which a proxy asks. Source: RFC 9112, section 3.2.2.
_SCHEME = b"http://"

# The page has no script, loads nothing, and is no part of another page.
POLICY = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", POLICY),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What of a request matters; ``host`` is None where it has no such header."""

    method: bytes
    target: bytes
    version: bytes = b"1.1"
    host: bytes | None = None
    accept: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status code, a type, and a body in pieces."""

    status: int = OK
    type: str = TEXT
    body: tuple[bytes, ...] = field(repr=False)
    allow: str = ""


Work: TypeAlias = "Callable[[], Answer]"
"""What makes an answer, and takes too long for the event loop."""


def line(status: int, text: str) -> Answer:
    """An answer of one line."""
    return Answer(status=status, body=(f"{text}\n".encode(),))


class Site:
    """The answers about the plugin; ``observe`` looks at it.

    ``over_tcp`` makes it refuse other names of this machine than those of the loopback,
    but for the metrics: a page of somebody else's may have a browser here ask, under a
    name of its own that it makes an address of ours (DNS rebinding).
    """

    def __init__(
        self, observe: Callable[[], Observation], *, over_tcp: bool = False
    ) -> None:
        self._observe = observe
        self._over_tcp = over_tcp
        self._inventory = Inventory()

    def answer(self, request: Request) -> Answer | Work:
        """The answer, or the work that makes it."""
        if request.version not in (b"1.0", b"1.1"):
            return line(VERSION_NOT_SUPPORTED, "HTTP/1.1 is spoken here")
        if request.method not in METHODS:
            text = "there is nothing here but to GET"
            return Answer(
                status=METHOD_NOT_ALLOWED,
                body=(f"{text}\n".encode(),),
                allow="GET, HEAD",
            )
        host, path = _parts(request)
        if self._over_tcp and not _may_be_asked(host, path):
            return line(
                MISDIRECTED, "no such host here: ask for 127.0.0.1 or localhost"
            )
        return self._at(path, request.accept)

    def _at(self, path: bytes, accept: str) -> Answer | Work:
        if path == b"/healthz":
            return line(OK, "ok")
        if path == b"/readyz":
            trouble = self._observe().trouble
            return line(UNAVAILABLE, trouble) if trouble else line(OK, "ready")
        if path == _METRICS:
            return self._metrics(accept)
        if path == b"/status.json":
            return self._json()
        if path == b"/":
            return self._page()
        return line(
            NOT_FOUND,
            "nothing here: there are / /status.json /metrics /healthz /readyz",
        )

    def _metrics(self, accept: str) -> Work:
        seen = self._observe()

        def work() -> Answer:
            text, type_ = expose(seen, accept)
            return Answer(type=type_, body=(text,))

        return work

    def _json(self) -> Work:
        seen = self._observe()
        return lambda: Answer(type=JSON, body=encode(build(seen, self._inventory)))

    def _page(self) -> Work:
        seen = self._observe()

        def work() -> Answer:
            state = build(seen, self._inventory)
            state["devices"] = list(islice(state["devices"], DEVICES_LIMIT))
            return Answer(type=HTML, body=(render(state).encode(),))

        return work


def _parts(request: Request) -> tuple[bytes | None, bytes]:
    """The host that is asked for, if any, and the path without its query."""
    host, target = request.host, request.target
    if target[: len(_SCHEME)].lower() == _SCHEME:
        # The target goes before the header.
        host, slash, rest = target[len(_SCHEME) :].partition(b"/")
        target = slash + rest or b"/"
    return host, target.partition(b"?")[0]


def _may_be_asked(host: bytes | None, path: bytes) -> bool:
    return host is None or path == _METRICS or _is_loopback(host)


def _is_loopback(host: bytes) -> bool:
    name, colon, port = host.lower().rpartition(b":")
    if not colon or not port.isdigit():
        name = host.lower()
    return name == b"localhost" or name.decode("latin-1") in LOOPBACK_HOSTS
