"""The page: the state as plain HTML and CSS, in one piece.

There is no script and nothing to load. It renders what `nri_cdi.status.snapshot` made,
so it says what ``/status.json`` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from nri_cdi.status.html import BAD, QUIET, WARN, day_and_time, moment, text
from nri_cdi.status.sections import (
    configuration_card,
    counts_card,
    decisions_card,
    devices_card,
    drifted_card,
    runtime_card,
    specs_card,
)
from nri_cdi.status.verdict import troubles, verdict

Plain: TypeAlias = "Mapping[str, Any]"

REFRESH_S = 5

# Rows that a browser shows without effort; ``/status.json`` has all.
DEVICES_LIMIT = 500

STYLE = (Path(__file__).with_name("page.css")).read_text()

# The policy of the answer names the style by this. It stands here because to compute it
# loads all of libcrypto: 4 MB. A test says what it has to be.
STYLE_HASH = "mjX3C6pB1UXR3AbEpwt1J0WIbkQYg3BnOK4BZRpcJew="

_FAILED = ("refused", "denied", "held", "late", "rejected")


def render(state: Plain) -> str:
    """The page of a state; it has at most `DEVICES_LIMIT` devices of it."""
    tone, headline, detail = verdict(state)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="refresh" content="{REFRESH_S}">\n'
        f"<title>{text(headline)} · nri-cdi</title>\n<style>{STYLE}</style></head>\n"
        f"<body>\n{_header(state)}<main>\n"
        f'<section class="card verdict {tone}" id="verdict"><span class="dot"></span>'
        f"<div><strong>{text(headline)}</strong>{text(detail)}</div></section>\n"
        f"{''.join(_sections(state))}</main>\n{_footer()}</body></html>\n"
    )


def _header(state: Plain) -> str:
    name = f"{state['index']}-{state['name']} · {state['version']}"
    return (
        f'<header><h1>nri-cdi</h1><span class="sub">{text(name)}</span>'
        f'<span class="sub now">as of {moment(state["now"])} UTC, running since '
        f"{day_and_time(state['startedAt'])}</span></header>\n"
    )


def _footer() -> str:
    paths = ("/status.json", "/metrics", "/healthz", "/readyz")
    links = "".join(f'<a href="{path}">{path}</a>' for path in paths)
    times = f"<span>all times UTC; refreshes every {REFRESH_S} s</span>"
    return f"<footer>{links}{times}</footer>\n"


def _sections(state: Plain) -> Iterator[str]:
    yield _tiles(state)
    yield f'<div class="pair">{runtime_card(state)}{configuration_card(state)}</div>\n'
    yield devices_card(state)
    yield f'<div class="pair">{specs_card(state["specs"])}{drifted_card(state)}</div>\n'
    yield decisions_card(state)
    yield counts_card(state["counts"])


def _is_held(device: Plain) -> bool:
    """Whether it is held by its own name: others are no devices of their own."""
    return any("as" not in holder for holder in device["holders"])


def _tiles(state: Plain) -> str:
    requests = state["counts"]["requests"]
    failed = sum(requests[result] for result in _FAILED)
    held = sum(map(_is_held, state["devices"]))
    wrong = troubles(state["specs"])
    made = (
        (state["specs"]["devices"], "devices", QUIET),
        (held, "held", QUIET),
        (requests["injected"], "injections", QUIET),
        (failed, "refusals", BAD if failed else QUIET),
        (wrong, "spec troubles", WARN if wrong else QUIET),
        (len(state["drifted"]), "drifted", WARN if state["drifted"] else QUIET),
    )
    tiles = "".join(
        f'<div class="tile {tone}"><b>{number:,}</b><span>{name}</span></div>'
        for number, name, tone in made
    )
    return f'<div class="tiles" id="tiles">{tiles}</div>\n'
