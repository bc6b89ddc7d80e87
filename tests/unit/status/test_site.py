from __future__ import annotations

import json

import pytest

from nri_cdi.status.site import HEADERS, Answer, Request, Site
from tests.unit.status.living import Living


def answer(site: Site, request: Request) -> Answer:
    made = site.answer(request)
    return made if isinstance(made, Answer) else made()


def get(target: bytes, method: bytes = b"GET", host: bytes | None = None) -> Request:
    return Request(method=method, target=target, host=host)


PATHS = (
    (b"/", 200, "text/html; charset=utf-8"),
    (b"/status.json", 200, "application/json"),
    (b"/metrics", 200, "text/plain; version=0.0.4; charset=utf-8"),
    (b"/healthz", 200, "text/plain; charset=utf-8"),
    (b"/readyz", 200, "text/plain; charset=utf-8"),
    (b"/metrics?name[]=up", 200, "text/plain; version=0.0.4; charset=utf-8"),
    (b"/?", 200, "text/html; charset=utf-8"),
    (b"HTTP://localhost/healthz", 200, "text/plain; charset=utf-8"),
    (b"http://localhost", 200, "text/html; charset=utf-8"),
)

NOWHERE = (
    b"",
    b"*",
    b"//",
    b"/index.html",
    b"/metrics/",
    b"/Metrics",
    b"/../metrics",
    b"/metrics/../healthz",
    b"/../../../../etc/passwd",
    b"/%2e%2e/%2e%2e/etc/passwd",
    b"/%68ealthz",
    b"/metrics%00",
    b"/metrics;a=b",
    b"/\\..\\..\\etc\\passwd",
    b"/page.css",
    b"/etc/cdi/vendor.yaml",
    b"file:///etc/passwd",
    b"https://localhost/healthz",
    b"x" * 16_000,
)


@pytest.mark.parametrize(("target", "status", "type_"), PATHS)
def test_a_path_has_its_page(
    living: Living, target: bytes, status: int, type_: str
) -> None:
    made = answer(Site(living.observe), get(target))
    assert (made.status, made.type) == (status, type_)
    assert made.body[0]


@pytest.mark.parametrize("target", NOWHERE)
def test_there_is_nothing_at_other_paths(living: Living, target: bytes) -> None:
    made = answer(Site(living.observe), get(target))
    assert made.status == 404
    assert made.body == (
        b"nothing here: there are / /status.json /metrics /healthz /readyz\n",
    )


@pytest.mark.parametrize(
    "method", [b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"get"]
)
def test_there_is_nothing_to_do_but_to_read(living: Living, method: bytes) -> None:
    made = answer(Site(living.observe), get(b"/", method))
    assert (made.status, made.allow) == (405, "GET, HEAD")


@pytest.mark.parametrize("version", [b"0.9", b"2.0", b"1.2", b"3.0"])
def test_other_versions_of_http_are_not_spoken(living: Living, version: bytes) -> None:
    request = Request(method=b"GET", target=b"/healthz", version=version)
    assert answer(Site(living.observe), request).status == 505


HOSTS = (
    (b"localhost", True),
    (b"LocalHost:9464", True),
    (b"127.0.0.1", True),
    (b"127.0.0.1:9464", True),
    (b"[::1]", True),
    (b"[::1]:9464", True),
    (None, True),
    (b"", False),
    (b"evil.example", False),
    (b"evil.example:9464", False),
    (b"localhost.evil.example", False),
    (b"127.0.0.1.evil.example", False),
    (b"127.0.0.1:9464:x", False),
    (b"localhost:evil", False),
    (b"[::1]evil", False),
    (b"\xff", False),
)


@pytest.mark.parametrize(("host", "is_ours"), HOSTS)
def test_over_tcp_only_the_loopback_is_answered_for(
    living: Living, host: bytes | None, is_ours: bool
) -> None:
    site = Site(living.observe, over_tcp=True)
    status = 200 if is_ours else 421
    assert answer(site, get(b"/healthz", host=host)).status == status
    if host is not None:
        # The target of absolute-form goes before the header.
        absolute = get(b"http://" + host + b"/healthz", host=b"localhost")
        assert answer(site, absolute).status == status
    assert answer(Site(living.observe), get(b"/healthz", host=host)).status == 200


@pytest.mark.parametrize("host", [b"10.244.0.7:9465", b"node-1.example", b"\xff"])
def test_a_proxy_gets_the_metrics_by_whatever_name_it_was_asked(
    living: Living, host: bytes
) -> None:
    site = Site(living.observe, over_tcp=True)
    assert answer(site, get(b"/metrics", host=host)).status == 200
    for path in (b"/", b"/status.json", b"/readyz", b"/metrics/../status.json"):
        assert answer(site, get(path, host=host)).status == 421


def test_it_is_ready_or_says_why_not(living: Living) -> None:
    site = Site(living.observe)
    assert answer(site, get(b"/readyz")).body == (b"ready\n",)
    living.plugin.disconnected("the runtime has gone")
    made = answer(site, get(b"/readyz"))
    assert made.status == 503
    assert made.body == (b"not connected to a runtime: the runtime has gone\n",)
    assert answer(site, get(b"/healthz")).status == 200


def test_the_json_is_the_state(living: Living) -> None:
    made = answer(Site(living.observe), get(b"/status.json"))
    assert json.loads(b"".join(made.body)) == living.state()


def test_the_headers_allow_the_page_nothing() -> None:
    headers = dict(HEADERS)
    policy = headers["Content-Security-Policy"].split("; ")
    assert policy[0] == "default-src 'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
