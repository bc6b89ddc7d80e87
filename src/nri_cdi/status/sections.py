"""The sections of the page, each from the state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from nri_cdi.status.html import (
    BAD,
    GOOD,
    NOTE,
    QUIET,
    WARN,
    Column,
    badge,
    badges,
    card,
    day_and_time,
    facts,
    lines,
    moment,
    mono,
    sentence,
    soft,
    table,
    text,
)
from nri_cdi.status.verdict import (
    ability,
    after_restart,
    count,
    release,
    troubles,
    unnamed_rule,
    validation,
)

Plain: TypeAlias = "Mapping[str, Any]"

# Entries that a browser shows without effort; ``/status.json`` has all.
TROUBLES_LIMIT = 50

# Lines of one broken file, and holders or devices in one cell.
LINES_LIMIT = 5
LISTED_LIMIT = 8

_DEVICES = (Column("Device"), Column("Held by", "third"), Column("Spec", "quarter"))
_DRIFTED = (Column("Container"), Column("Lacks", "half"))
_DECISIONS = (
    Column("Time", "time"),
    Column("Result", "result"),
    Column("Container", "quarter"),
    Column("Devices", "fifth"),
    Column("Why"),
    Column("ms", "num"),
)

TONES = {
    "injected": GOOD,
    "nothing": QUIET,
    "refused": BAD,
    "denied": BAD,
    "held": WARN,
    "late": BAD,
    "rejected": BAD,
}


def runtime_card(state: Plain) -> str:
    runtime = state["runtime"]
    if not runtime["name"] and not runtime["connected"]:
        said = "No runtime has taken the plugin in yet."
        return card("Runtime", sentence(said), name="runtime")
    able = runtime["capabilities"].items()
    honoured = [badge(ability(key), GOOD) for key, has in able if has]
    dropped = [badge(ability(key)) for key, has in able if not has]
    pairs = (
        ("Runtime", text(f"{runtime['name']} {release(runtime['version'])}")),
        ("NRI", text(runtime["nriVersion"])),
        ("Connected", _connection(runtime)),
        ("Synchronized", day_and_time(runtime["synchronizedAt"])),
        ("Deadline", text(f"{runtime['requestTimeoutS']:g} s a request")),
        ("Can express", badges(honoured) if honoured else ""),
        ("Can't", badges(dropped) if dropped else ""),
    )
    return card("Runtime", facts(pairs), name="runtime")


def _connection(runtime: Plain) -> str:
    state = badge("yes", GOOD) if runtime["connected"] else badge("no", BAD)
    times = count(runtime["connections"], "connection")
    return f"{state} since {day_and_time(runtime['since'])} {soft(f'· {times} so far')}"


def configuration_card(state: Plain) -> str:
    used = state["configuration"]
    broken = used["error"]
    default = used["policyDefault"]
    is_closed = default == "deny"
    rules = count(used["rules"], "rule")
    rules = f"unless one of {rules} matches" if used["rules"] else "no rules"
    variables = (f"{name} → {kind}" for name, kind in used["environment"].items())
    pairs = (
        ("File", mono(used["path"]) or soft("none: defaults and flags")),
        ("Read", day_and_time(used["loadedAt"])),
        ("Error", f"{badge('broken', BAD)} {text(used['error'])}" if broken else ""),
        ("Injection", text(used["injection"])),
        ("Policy", f"{badge(default, NOTE if is_closed else QUIET)} {soft(rules)}"),
        ("Exclusive", lines(map(mono, used["exclusive"])) or soft("none")),
        ("Aliases", lines(map(mono, used["aliases"])) or soft("none")),
        ("Environment", lines(map(mono, variables)) or soft("none")),
        ("Validation", _validation(used)),
        ("After a restart", lines(map(mono, after_restart(used)))),
    )
    return card("Configuration", facts(pairs), name="configuration")


def _validation(used: Plain) -> str:
    said = text(validation(used))
    return f"{badge('no effect', BAD)} {said}" if used["validateError"] else said


def devices_card(state: Plain) -> str:
    devices = state["devices"]
    total = state["specs"]["devices"]
    if not devices:
        said = "No spec defines a device yet: nothing can be asked for."
        return card("Devices", sentence(said), name="devices")
    body = table(_DEVICES, map(_device, devices))
    more = total - len(devices)
    if more > 0:
        body += sentence(f"and {more:,} more, which /status.json has")
    note = f"{total:,} in {count(state['specs']['files'], 'spec file')}"
    return card("Devices", body, note=text(note), name="devices")


def _device(each: Plain) -> tuple[str, str, str]:
    flags = [badge("exclusive", NOTE)] if each["exclusive"] else []
    reasons = []
    if each["delegated"]:
        flags.append(badge("delegated", NOTE))
        reasons = [f"for {', '.join(each['delegated'])}"]
    elif each["unsupported"]:
        flags.append(badge("can't be given", WARN))
        reasons = each["unsupported"][:LINES_LIMIT]
    name = badges([mono(each["name"]), *flags])
    for reason in reasons:
        name += f"<div>{soft(reason)}</div>"
    holders = [_holder(holder) for holder in each["holders"][:LISTED_LIMIT]]
    more = len(each["holders"]) - len(holders)
    if more > 0:
        holders.append(soft(f"and {more} more"))
    path = mono(each["path"]) or badge("in no spec any more", WARN)
    return name, lines(holders) or soft("nobody"), path


def _holder(each: Plain) -> str:
    by = f" {soft('as')} {mono(each['as'])}" if "as" in each else ""
    return _pod(each) + by


def _pod(each: Plain) -> str:
    return f"{text(each['namespace'])}/{text(each['pod'])} {soft(each['container'])}"


def specs_card(specs: Plain) -> str:
    if not troubles(specs):
        fine = count(specs["files"], "spec file")
        said = "There is no spec file." if not specs["files"] else f"{fine}, all fine."
        return card("Specs", sentence(said), name="specs")
    body = "".join([*_broken(specs)][:TROUBLES_LIMIT])
    more = troubles(specs) - TROUBLES_LIMIT
    if more > 0:
        body += sentence(f"and {more} more, which /status.json has")
    return card("Specs", body, note=_trouble_badge(specs), name="specs")


def _trouble_badge(specs: Plain) -> str:
    return badge(count(troubles(specs), "trouble"), WARN)


def _broken(specs: Plain) -> Iterator[str]:
    for each in specs["directories"]:
        yield _trouble(each["path"], "can't be listed", [each["error"]])
    for each in specs["errors"]:
        said = [line.removeprefix(each["path"]).lstrip(":") for line in each["lines"]]
        yield _trouble(each["path"], "not used", said)
    for each in specs["conflicts"]:
        yield _trouble(each["device"], "nobody gets it", [_definers(each)])


def _definers(conflict: Plain) -> str:
    return f"defined by {' and by '.join(conflict['paths'])}"


def _trouble(name: str, what: str, said: Sequence[str]) -> str:
    shown = "".join(f"<div>{text(each)}</div>" for each in said[:LINES_LIMIT])
    more = len(said) - LINES_LIMIT
    if more > 0:
        shown += f"<div>{text(f'and {more} more')}</div>"
    return (
        f'<div class="trouble"><p>{mono(name)} {badge(what, BAD)}</p>'
        f'<div class="mono">{shown}</div></div>'
    )


def drifted_card(state: Plain) -> str:
    drifted = state["drifted"]
    if not drifted:
        said = "Every container has the devices that it asks for."
        if not state["runtime"]["synchronizedAt"]:
            said = "Not known: no runtime has told of its containers yet."
        return card("Drifted containers", sentence(said), name="drifted")
    rows = (
        (_pod(each), lines(map(mono, each["lacks"][:LISTED_LIMIT])))
        for each in drifted[:TROUBLES_LIMIT]
    )
    body = table(_DRIFTED, rows)
    more = len(drifted) - TROUBLES_LIMIT
    if more > 0:
        body += sentence(f"and {more} more, which /status.json has")
    note = badge(count(len(drifted), "container"), WARN)
    return card("Drifted containers", body, note=note, name="drifted")


def decisions_card(state: Plain) -> str:
    decisions = state["decisions"]
    if not decisions:
        said = "No container has asked for a device yet."
        return card("Decisions", sentence(said), name="decisions")
    body = table(_DECISIONS, map(_decision, decisions))
    note = f"the last {len(decisions)}, newest first"
    return card("Decisions", body, note=text(note), name="decisions")


def _decision(each: Plain) -> tuple[str, ...]:
    devices = [mono(device) for device in each["devices"][:LISTED_LIMIT]]
    more = len(each["devices"]) - len(devices)
    if more > 0:
        devices.append(soft(f"and {more} more"))
    return (
        moment(each["time"]),
        badge(each["result"], TONES.get(each["result"], QUIET)),
        _pod(each),
        lines(devices),
        _why(each),
        f"{each['ms']:.2f}",
    )


def _why(each: Plain) -> str:
    why = [text(each["reason"])] if each["reason"] else []
    if each["mode"]:
        why.append(soft(each["mode"]))
    rule = unnamed_rule(each)
    if rule:
        why.append(f"{soft('rule')} {mono(rule)}")
    return lines(why)


def counts_card(counts: Plain) -> str:
    groups = (
        ("Requests by result", counts["requests"], "None yet."),
        ("Injected devices by kind", counts["injectedByKind"], "None yet."),
        ("Rules that denied or audited", _by_rule(counts), "None has."),
    )
    made = "".join(
        f"<div><h3>{text(title)}</h3>{_numbers(values) or sentence(empty)}</div>"
        for title, values, empty in groups
    )
    body = f'<div class="counts">{made}</div>'
    return card("Counts", body, note="since the start", name="counts")


def _by_rule(counts: Plain) -> dict[str, int]:
    return {
        f"{rule or 'default'} ({done})": number
        for done, key in (("denied", "deniedByRule"), ("audited", "auditedByRule"))
        for rule, number in counts[key].items()
    }


def _numbers(values: Mapping[str, int]) -> str:
    rows = "".join(
        f'<tr><td>{text(name)}</td><td class="num">{number:,}</td></tr>'
        for name, number in values.items()
    )
    return f"<table>{rows}</table>" if rows else ""
