"""``nri-cdi doctor``: this node on one screen, and how to mend what is wrong."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nri_cdi.cdi.lint import Severity
from nri_cdi.cli.checking import STYLES, counted
from nri_cdi.cli.output import (
    TABLE,
    Style,
    Styled,
    add_output,
    print_table,
    print_value,
    styled,
)
from nri_cdi.cli.process import EXIT_OK, EXIT_PROBLEMS, say
from nri_cdi.cli.specs import DEFAULT_CONFIG
from nri_cdi.quoting import printable, quoted_path

if TYPE_CHECKING:
    from nri_cdi.config.reloading import Loaded
    from nri_cdi.doctor import Facts, Finding, Node, Plugin, Report, Runtime

EPILOG = """\
It looks at the runtimes that run here, their configuration and their NRI sockets, at
the spec directories and what the specs need of this host, at the plugin, and at limits
of the node. Nothing is changed, and no runtime's socket is connected to. Of other
programs only `containerd --version` and `crio --version` are run, and these only where
nobody but root can have written them. It needs to be root to see all of it; what it
could not look at is a finding, too.

Each finding has a severity, and the line that mends it. An error keeps containers from
their devices. docs/doctor.md has all of them.

With --root the host's root is DIR, and all other paths are the host's own. The programs
of such a host are not run, so the version of its runtime is known only where the plugin
tells it.

exit status: 0 fine, warnings included; 1 there are errors; 2 usage

examples:
  nri-cdi doctor
  nri-cdi doctor -o json
  nri-cdi doctor --root /host
"""

STATUS_S = 3
"""A plugin that serves answers within milliseconds."""

_YES, _NO, _UNKNOWN = "yes", "no", "?"
_LAUNCHED = "none, as the runtime starts it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the verb."""
    parser.epilog = EPILOG
    parser.add_argument(
        "--root",
        metavar="DIR",
        type=_directory,
        default="/",
        help="where the root of the host is (default: /)",
    )
    add_output(parser)


def main(options: argparse.Namespace) -> int:
    """Look at the node; the status is 1 if something is wrong."""
    from nri_cdi.doctor import Node, examine, to_plain  # takes protobuf along

    report = examine(facts_of(Node(options.root), options))
    if options.output == TABLE:
        _print_report(report)
    else:
        print_value(to_plain(report), options.output)
    return EXIT_OK if report.is_fine else EXIT_PROBLEMS


def facts_of(node: Node, options: argparse.Namespace) -> Facts:
    """What is known of a node, its plugin being as these options have it.

    One that a runtime started has its configuration from there.
    """
    from nri_cdi.doctor import Facts

    facts = Facts(node, plugin_of(node, options))
    if getattr(options, "config", None) is None and (launched := facts.launched):
        facts = facts.with_plugin(_asked(node, options, launched))
    return facts


def plugin_of(node: Node, options: argparse.Namespace) -> Plugin:
    """The plugin as these options and its configuration have it."""
    read = _ours(options) if node.is_ours else _theirs(node, options)
    return _asked(node, options, read)


def _asked(node: Node, options: argparse.Namespace, plugin: Plugin) -> Plugin:
    """The plugin with what it says of itself, and with what only these options say."""
    snapshot, silence = None, ""
    if plugin.config.status and node.is_ours:
        snapshot, silence = _ask(plugin.config.status)
    spec_dirs = tuple(getattr(options, "spec_dirs", None) or ())
    return replace(plugin, spec_dirs=spec_dirs, snapshot=snapshot, silence=silence)


def _ours(options: argparse.Namespace) -> Plugin:
    """A plugin that is started here, which reads variables, too."""
    from nri_cdi.cli.settings import loader_of
    from nri_cdi.doctor import Plugin

    # The flags of this verb are none of the plugin's: its directories may be relative.
    told = {key: value for key, value in vars(options).items() if key == "config"}
    loader = loader_of(argparse.Namespace(**told))
    loaded = loader.read()
    return Plugin(
        config=loader.legible(),
        config_path=loader.path or None,
        broken=next(iter(loaded.errors), None),
        unknown=_unknown(loaded, loader.path),
    )


def _unknown(loaded: Loaded, path: str) -> frozenset[str]:
    """The settings that a broken file, or variables, may have otherwise."""
    from nri_cdi.config import OPTIONS
    from nri_cdi.config.reading import legible_settings
    from nri_cdi.config.reloading import DEFAULT
    from nri_cdi.doctor import unknown_settings

    unknown: frozenset[str] = frozenset()
    known = {key for key, source in loaded.sources.items() if source != DEFAULT}
    for error in loaded.errors:
        if error.path == path:
            unknown |= unknown_settings(error, known.union(legible_settings(path)))
        else:
            unknown |= {each.key for each in OPTIONS if os.environ.get(each.variable)}
    return unknown


def _theirs(node: Node, options: argparse.Namespace) -> Plugin:
    """The plugin of another root; the variables here are none of its."""
    from nri_cdi.doctor import Plugin, read_plugin

    path = _config_path(node, options)
    return Plugin() if path is None else read_plugin(node, path)


def _ask(address: str) -> tuple[dict[str, Any] | None, str]:
    """The plugin's own state, or why it can't be had."""
    from nri_cdi.address import parse_address
    from nri_cdi.status.client import StatusUnavailableError
    from nri_cdi.status.state import fetch_state

    try:
        return fetch_state(parse_address(address), STATUS_S), ""
    except StatusUnavailableError as error:
        return None, str(error)


def _config_path(node: Node, options: argparse.Namespace) -> str | None:
    given: str | None = getattr(options, "config", None)
    if given is not None:
        return given
    return DEFAULT_CONFIG if node.status(DEFAULT_CONFIG) is not None else None


def _directory(text: str) -> str:
    # What is left of an unset variable would mean the present directory.
    if not text or not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{quoted_path(text)} is not a directory")
    return text


def _print_report(report: Report) -> None:
    _print_runtimes(report)
    print()
    _print_plugin(report)
    if report.abilities:
        print()
        _print_abilities(report)
    if report.findings:
        print()
    for found in report.findings:
        _print_finding(found)
    given = [found.severity for found in report.findings]
    say(", ".join(counted(given.count(each), str(each)) for each in Severity))


def _print_runtimes(report: Report) -> None:
    rows = [
        (
            Styled(str(runtime), Style.NAME),
            _switch(runtime.settings.nri.enabled),
            _socket(runtime),
            _switch(runtime.settings.cdi.enabled),
            ", ".join(runtime.settings.files) or "defaults",
        )
        for runtime in report.facts.runtimes
    ]
    print_table(("RUNTIME", "NRI", "SOCKET", "CDI", "CONFIGURATION"), rows)


def _socket(runtime: Runtime) -> str:
    if runtime.listens:
        return runtime.settings.nri.socket
    return Styled(f"{runtime.settings.nri.socket} (nobody listens)", Style.FAINT)


def _print_plugin(report: Report) -> None:
    facts = report.facts
    pids = [f"pid {each.process.pid}" for each in facts.serving]
    registry = facts.registry
    devices, files = len(registry.devices), len(registry.specs)
    counts = f"{counted(devices, 'device')} in {counted(files, 'file')}"
    specs = f"{counts} of {', '.join(facts.spec_dirs)}"
    rows = (
        ("plugin", ", ".join(pids) or Styled("not running", Style.BAD)),
        ("configuration", facts.plugin.config_path or "defaults"),
        ("socket", _socket_of(facts)),
        ("injection", facts.injection or _UNKNOWN),
        ("runtime", str(facts.info) if facts.info is not None else _UNKNOWN),
        ("specs", specs if facts.spec_dirs else _UNKNOWN),
    )
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        print(f"{styled(name.ljust(width), Style.HEADING)}  {printable(text)}")


def _socket_of(facts: Facts) -> str:
    if facts.plugin.launcher_pid is not None:
        return _LAUNCHED
    return facts.config.socket if facts.knows("socket") else _UNKNOWN


def _print_abilities(report: Report) -> None:
    from nri_cdi.doctor import WORDS

    rows = [
        (
            WORDS[ability.name],
            _switch(ability.possible),
            Styled(ability.needs, Style.FAINT),
        )
        for ability in report.abilities
    ]
    print_table(("THE RUNTIME CAN TAKE", "", "SINCE"), rows)


def _print_finding(found: Finding) -> None:
    label = styled(found.severity, STYLES[found.severity])
    subject, message = printable(found.subject), printable(found.message)
    print(f"{label}: {subject}: {message} [{found.rule}]")
    if found.remedy:
        print(f"  {printable(found.remedy)}")


def _switch(state: bool | None) -> str:  # noqa: FBT001  # a cell's content
    if state is None:
        return Styled(_UNKNOWN, Style.WARNING)
    return Styled(_YES, Style.GOOD) if state else Styled(_NO, Style.FAINT)
