"""The status of the plugin, for a terminal: what the page shows, in its order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from nri_cdi.cli.output import Style, Styled, print_table, styled
from nri_cdi.quoting import printable
from nri_cdi.status.verdict import (
    Tone,
    ability,
    after_restart,
    count,
    release,
    unnamed_rule,
    validation,
    verdict,
)

Plain: TypeAlias = "Mapping[str, Any]"

# What a terminal shows without a flood; JSON has all.
DEVICES_LIMIT = 50
LINES_LIMIT = 5
DECISIONS_LIMIT = 20
LISTED_LIMIT = 4

_TONES = MappingProxyType(
    {Tone.GOOD: Style.GOOD, Tone.WARN: Style.WARNING, Tone.BAD: Style.BAD}
)
_RESULTS = MappingProxyType(
    {
        "injected": Style.GOOD,
        "nothing": Style.FAINT,
        "held": Style.WARNING,
    }
)


def print_state(state: Plain) -> None:
    """Print the state that ``/status.json`` has."""
    tone, headline, detail = verdict(state)
    print(f"{styled(headline, _TONES[tone])}: {printable(detail)}")
    _print_facts(_facts(state))
    _print_devices(state)
    _print_specs(state["specs"])
    _print_drifted(state["drifted"])
    _print_decisions(state["decisions"])
    _print_counts(state["counts"])


def _print_facts(facts: Iterable[tuple[str, str]]) -> None:
    shown = [(name, value) for name, value in facts if value]
    width = max(len(name) for name, _ in shown)
    for name, value in shown:
        style = value.style if isinstance(value, Styled) else Style.PLAIN
        shown_value = styled(printable(value), style)
        print(f"  {styled(name.ljust(width), Style.FAINT)}  {shown_value}")


def _facts(state: Plain) -> Iterator[tuple[str, str]]:
    runtime, used = state["runtime"], state["configuration"]
    yield "plugin", f"{state['index']}-{state['name']} {state['version']}"
    yield "running since", _moment(state["startedAt"])
    yield "runtime", _runtime(runtime)
    yield (
        ("connected since" if runtime["connected"] else "not connected since"),
        (_moment(runtime["since"])),
    )
    yield "synchronized", _moment(runtime["synchronizedAt"])
    yield "can't express", ", ".join(_lacks(runtime["capabilities"]))
    yield from _configuration(used)


def _configuration(used: Plain) -> Iterator[tuple[str, str]]:
    yield "configuration", used["path"] or "none: defaults and flags"
    # Where there is no other in force, the headline has it.
    if not used["refusing"]:
        yield "error", Styled(used["error"], Style.BAD)
    yield "injection", used["injection"]
    yield (
        "policy",
        f"{used['policyDefault']} by default, {count(used['rules'], 'rule')}",
    )
    yield "exclusive", ", ".join(used["exclusive"])
    yield "aliases", ", ".join(used["aliases"])
    variables = (f"{name}={kind}" for name, kind in used["environment"].items())
    yield "environment", ", ".join(variables)
    style = Style.BAD if used["validateError"] else Style.PLAIN
    yield "validation", Styled(validation(used), style)
    yield "after a restart", ", ".join(after_restart(used))


def _runtime(runtime: Plain) -> str:
    if not runtime["name"]:
        return ""
    words = (runtime["name"], release(runtime["version"]))
    return f"{' '.join(filter(None, words))} (NRI {runtime['nriVersion']})"


def _lacks(capabilities: Mapping[str, bool]) -> list[str]:
    return [ability(name) for name, has in capabilities.items() if not has]


def _moment(stamp: str | None) -> str:
    return stamp.partition(".")[0].replace("T", " ") + " UTC" if stamp else ""


def _heading(title: str) -> None:
    print(f"\n{styled(title, Style.HEADING)}")


def _print_devices(state: Plain) -> None:
    devices = state["devices"]
    _heading(f"devices: {state['specs']['devices']}")
    if not devices:
        print("  no spec defines a device: nothing can be asked for")
        return
    print_table(
        ("NAME", "HELD BY", "SPEC", "NOTE"), map(_device, devices[:DEVICES_LIMIT])
    )
    _print_more(len(devices) - DEVICES_LIMIT)


def _device(each: Plain) -> Sequence[str]:
    notes = ["exclusive"] if each["exclusive"] else []
    if each["delegated"]:
        notes.append(f"delegated: {', '.join(each['delegated'])}")
    elif each["unsupported"]:
        notes.append(f"can't be given: {each['unsupported'][0]}")
    if not each["path"]:
        notes.append("in no spec any more")
    holders = [_holder(holder) for holder in each["holders"]]
    return (
        Styled(each["name"], Style.NAME),
        _listed(holders) or Styled("nobody", Style.FAINT),
        each["path"],
        "; ".join(notes),
    )


def _holder(each: Plain) -> str:
    by = f" (as {each['as']})" if "as" in each else ""
    return _pod(each) + by


def _pod(each: Plain) -> str:
    return f"{each['namespace']}/{each['pod']}/{each['container']}"


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - LISTED_LIMIT
    return ", ".join(texts[:LISTED_LIMIT]) + (f" and {more} more" if more > 0 else "")


def _print_more(more: int) -> None:
    if more > 0:
        print(f"and {more} more: see -o json")


def _print_specs(specs: Plain) -> None:
    _heading(f"spec files: {specs['files']}")
    lines = list(_troubles(specs))
    for line in lines:
        print(f"  {printable(line)}")
    if not lines:
        print("  all fine")


def _troubles(specs: Plain) -> Iterator[str]:
    for each in specs["directories"]:
        yield f"{each['path']} can't be listed: {each['error']}"
    for each in specs["errors"]:
        yield from each["lines"][:LINES_LIMIT]
        more = len(each["lines"]) - LINES_LIMIT
        if more > 0:
            yield f"{each['path']}: and {more} more"
    for each in specs["conflicts"][:DEVICES_LIMIT]:
        yield f"nobody gets {each['device']}: defined by {' and '.join(each['paths'])}"
    if len(specs["conflicts"]) > DEVICES_LIMIT:
        yield f"and {len(specs['conflicts']) - DEVICES_LIMIT} more devices"


def _print_drifted(drifted: Sequence[Plain]) -> None:
    if not drifted:
        return
    _heading(f"containers without devices that they ask for: {len(drifted)}")
    rows = ((_pod(each), _listed(each["lacks"])) for each in drifted[:DEVICES_LIMIT])
    print_table(("CONTAINER", "LACKS"), rows)
    _print_more(len(drifted) - DEVICES_LIMIT)


def _print_decisions(decisions: Sequence[Plain]) -> None:
    _heading("last decisions, newest first")
    if not decisions:
        print("  no container has asked for a device yet")
        return
    headings = ("TIME (UTC)", "RESULT", "MS", "CONTAINER", "DEVICES", "WHY")
    print_table(headings, map(_decision, decisions[:DECISIONS_LIMIT]))
    _print_more(len(decisions) - DECISIONS_LIMIT)


def _decision(each: Plain) -> Sequence[str]:
    rule = unnamed_rule(each)
    reasons = (each["reason"], each["mode"], f"rule {rule}" if rule else "")
    return (
        each["time"].partition("T")[2].partition(".")[0],
        Styled(each["result"], _RESULTS.get(each["result"], Style.BAD)),
        f"{each['ms']:.2f}",
        _pod(each),
        _listed(each["devices"]),
        "; ".join(filter(None, reasons)),
    )


def _print_counts(counts: Plain) -> None:
    _heading("counts since the start")
    for name, values in (
        ("requests", counts["requests"]),
        ("injected", counts["injectedByKind"]),
        ("denied by", counts["deniedByRule"]),
        ("audited by", counts["auditedByRule"]),
    ):
        words = ", ".join(f"{key} {number}" for key, number in values.items() if number)
        print(f"  {name}: {printable(words) or 'none'}")
