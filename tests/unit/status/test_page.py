from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from nri_cdi.config import Config
from nri_cdi.holders import Holder
from nri_cdi.ledger import Decision, Drifted, Result
from nri_cdi.status.page import STYLE, STYLE_HASH, render
from nri_cdi.status.sections import LISTED_LIMIT, TONES
from nri_cdi.status.verdict import ABILITIES, Tone, unnamed_rule, verdict
from tests.unit.status.living import KIND, NOW, Living, write_spec

HOSTILE = "<script>alert(1)</script>\"'&\u202e\x1b[31m\n</td><img src=x>"
NO_END = ("meta", "br", "img", "link", "input")


class Reader(HTMLParser):
    """Reads a page as strictly as XML, and keeps its text by section."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.sections: dict[str, str] = {"": ""}
        self._section = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in NO_END:
            self.open.append(tag)
        if tag == "section":
            self._section = dict(attrs)["id"] or ""
            self.sections[self._section] = ""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.sections[self._section] += data + " "


def read(living: Living) -> dict[str, str]:
    """The text of each section, in one line."""
    sections = Reader(render(living.state())).sections
    return {name: " ".join(text.split()) for name, text in sections.items()}


def test_the_policy_names_the_style_as_it_is() -> None:
    digest = hashlib.sha256(STYLE.encode()).digest()
    assert base64.b64encode(digest).decode() == STYLE_HASH


def test_the_page_is_whole_and_has_no_script(living: Living) -> None:
    page = Reader(render(living.state()))
    assert page.tags.isdisjoint({"script", "img", "iframe", "form", "link", "object"})
    assert not any(name.startswith("on") for name in page.attributes)
    assert "style" not in page.attributes


def test_the_style_is_in_the_page_and_loads_nothing() -> None:
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert "<" not in STYLE
    assert (Path(__file__).parents[3] / "src/nri_cdi/status/page.css").exists()


def test_every_section_says_what_it_is_for(living: Living) -> None:
    sections = read(living)
    assert "Serving, with troubles" in sections["verdict"]
    assert "1 thing wrong with the specs" in sections["verdict"]
    assert "containerd 2.1.9 " in sections["runtime"]
    assert "network devices" in sections["runtime"]
    assert "unless one of 2 rules matches" in sections["configuration"]
    assert f"{KIND}=0 exclusive default/trainer" in sections["devices"]
    assert "broken.yaml" in sections["specs"]
    assert "Every container has the devices" in sections["drifted"]
    assert "held by pod default/trainer" in sections["decisions"]
    assert "no-miners (denied)" in sections["counts"]


def test_a_version_is_as_short_as_in_the_log(living: Living) -> None:
    runtime = living.plugin.ledger.link.runtime
    assert runtime is not None
    living.plugin.ledger.link.runtime = replace(runtime, version="v2.1.9+unknown")
    assert living.state()["runtime"]["version"] == "v2.1.9+unknown"
    said = read(living)["runtime"]
    assert "containerd 2.1.9 " in said
    assert "unknown" not in said


def test_a_rule_is_named_once(living: Living) -> None:
    said = read(living)["decisions"]
    assert said.count("no-miners") == 1
    assert "rule notebooks" in said


RULES = (
    ("no-miners", "the policy's rule 'no-miners' denies a=b", ""),
    ("(default)", "no rule of the policy allows a=b", ""),
    ("one, (default)", "the policy's rule 'one' denies a; no rule allows b", ""),
    ("one, two", "the policy's rule 'one' denies a long list …", "one, two"),
    ("notebooks", "", "notebooks"),
    ("(default)", "", "(default)"),
    ("", "in no spec", ""),
    ("", "", ""),
)


@pytest.mark.parametrize(("rule", "reason", "apart"), RULES)
def test_a_rule_stands_apart_where_the_reason_does_not_name_it(
    rule: str, reason: str, apart: str
) -> None:
    assert unnamed_rule({"rule": rule, "reason": reason}) == apart


def test_every_capability_has_words(living: Living) -> None:
    assert list(ABILITIES) == list(living.state()["runtime"]["capabilities"])


def test_a_device_that_is_delegated_says_what_for(
    living: Living, spec_dir: Path
) -> None:
    write_spec(spec_dir, "0", additionalGids=[44])
    living.specs.refresh()
    said = read(living)["devices"]
    assert f"{KIND}=0 exclusive delegated for additionalGids default/trainer" in said
    living.config = replace(living.config, injection="resolve")
    said = read(living)["devices"]
    assert f"{KIND}=0 exclusive can't be given device {KIND}=0 (" in said


def test_a_device_that_is_held_by_another_name_says_by_which(
    living: Living, spec_dir: Path
) -> None:
    write_spec(spec_dir, "0", "uuid", deviceNodes=[{"path": "/dev/null"}])
    living.specs.refresh()
    living.plugin.use(living.config)
    living.ask(f"{KIND}=0", pod="trainer")
    by = f"{KIND}=uuid default/trainer main as {KIND}=0"
    assert by in read(living)["devices"]
    # The trainer's and the notebook's two: another name is no other device.
    assert "<b>3</b><span>held</span>" in render(living.state())


def test_validation_without_effect_is_bad_news(spec_dir: Path) -> None:
    config = Config(spec_dirs=(str(spec_dir),), validate="true")
    living = Living(config).connect("2.1.9")
    sections = read(living)
    words = "true, but this runtime asks no plugin (it takes NRI 0.10)"
    assert f"no effect {words}" in sections["configuration"]
    assert "nothing is validated" in sections["verdict"]
    living.connect("2.2.1")
    assert "no effect" not in read(living)["configuration"]


def test_what_waits_for_a_restart_is_shown(living: Living) -> None:
    assert "After a restart" not in read(living)["configuration"]
    wanted = replace(living.config, index="20", status="")
    living.config = replace(living.config, status="/run/x.sock")
    living.reading = replace(living.reading, wanted=wanted)
    said = read(living)["configuration"]
    assert "After a restart index: 20 status: none" in said


def test_empty_sections_say_so_in_words() -> None:
    sections = read(Living(Config(spec_dirs=("/nowhere",))))
    assert "Not connected" in sections["verdict"]
    assert "No runtime has taken the plugin in yet." in sections["runtime"]
    assert "No spec defines a device yet" in sections["devices"]
    assert "There is no spec file." in sections["specs"]
    assert "no runtime has told of its containers" in sections["drifted"]
    assert "No container has asked for a device yet." in sections["decisions"]
    assert "None has." in sections["counts"]


def test_foreign_text_is_text_wherever_it_stands(living: Living) -> None:
    plain = Reader(render(living.state()))
    ledger = living.plugin.ledger
    names: dict[str, Any] = {
        "namespace": HOSTILE,
        "pod": HOSTILE,
        "container": HOSTILE,
        "container_id": HOSTILE,
    }
    ledger.record(
        Decision(
            time=NOW,
            result=Result.REFUSED,
            devices=(HOSTILE,),
            mode=HOSTILE,
            rule=HOSTILE,
            reason=HOSTILE,
            **names,
        )
    )
    ledger.found_drifted((Drifted(devices=(HOSTILE,), lacks=(HOSTILE,), **names),))
    living.plugin.holders.add(Holder(pod_uid="x", devices=(HOSTILE,), **names))
    ledger.injected_by_kind[HOSTILE] += 1
    ledger.denied_by_rule[HOSTILE] += 1
    assert ledger.link.runtime is not None
    ledger.link.runtime = replace(ledger.link.runtime, name=HOSTILE, version=HOSTILE)
    living.config = replace(
        living.config,
        exclusive=(HOSTILE,),
        aliases=(HOSTILE,),
        environment=((HOSTILE, HOSTILE),),
    )
    wanted = replace(living.config, name=HOSTILE)
    living.reading = replace(living.reading, path=HOSTILE, wanted=wanted)
    state = living.state()
    state["devices"][0]["holders"][0]["as"] = HOSTILE
    state["devices"][1]["delegated"] = [HOSTILE]

    page = render(state)

    assert Reader(page).tags <= plain.tags | {"table"}
    assert Reader(page).attributes == plain.attributes
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert page.count("alert(1)") > 15


VERDICTS = (
    ("as it is", Tone.WARN, "Serving, with troubles"),
    ("mended", Tone.GOOD, "Serving"),
    ("drifted", Tone.WARN, "Serving, with troubles"),
    ("not synchronized", Tone.WARN, "Not synchronized yet"),
    ("disconnected", Tone.BAD, "Not connected"),
    ("broken", Tone.BAD, "Configuration broken"),
    ("not taken over", Tone.WARN, "Serving, with troubles"),
)


@pytest.mark.parametrize(("case", "tone", "headline"), VERDICTS)
def test_the_verdict_says_how_it_stands(
    living: Living, spec_dir: Path, case: str, tone: Tone, headline: str
) -> None:
    ledger = living.plugin.ledger
    if case != "as it is":
        (spec_dir / "broken.yaml").unlink()
        living.specs.refresh()
    if case == "drifted":
        drifted = Drifted(
            namespace="a",
            pod="b",
            container="c",
            container_id="d",
            devices=("x",),
            lacks=("x",),
        )
        ledger.found_drifted((drifted,))
    if case == "not synchronized":
        ledger.link.synchronized = False
    if case == "disconnected":
        living.plugin.disconnected("gone")
    if case == "broken":
        living.reading = replace(living.reading, error="bad", refusing=True)
    if case == "not taken over":
        living.reading = replace(living.reading, error="bad")
    assert verdict(living.state())[:2] == (tone, headline)


def test_every_result_has_a_tone() -> None:
    assert set(TONES) == {result.value for result in Result}


def test_long_lists_are_cut_and_counted(living: Living, spec_dir: Path) -> None:
    names = [str(number) for number in range(LISTED_LIMIT + 3)]
    write_spec(spec_dir, *names)
    (spec_dir / "broken.yaml").write_text("a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\ng: 7\n")
    living.specs.refresh()
    living.ask(*(f"{KIND}={name}" for name in names[1:]), pod="greedy")
    for number in range(LISTED_LIMIT + 5):
        living.ask(f"{KIND}=1", pod=f"pod-{number}")
    sections = read(living)
    assert "and 2 more" in sections["decisions"]
    assert re.search(r"and [0-9]+ more", sections["devices"])
    assert re.search(r"and [0-9]+ more", sections["specs"])


def test_devices_that_are_not_shown_are_counted(living: Living) -> None:
    state = living.state()
    state["devices"] = state["devices"][:1]
    page = Reader(render(state)).sections["devices"]
    assert "and 2 more, which /status.json has" in page
