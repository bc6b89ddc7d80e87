"""``nri-cdi doctor``: this node on one screen, and how to mend what is wrong."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from nri_cdi.cdi.lint import Severity
from nri_cdi.cli.checking import STYLES, counted, reason_of
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
from nri_cdi.errors import ConfigError
from nri_cdi.quoting import printable, quoted_path

if TYPE_CHECKING:
    from nri_cdi.config import Config
    from nri_cdi.doctor import Finding, Node, Plugin, Report, Runtime

    _Read: TypeAlias = "tuple[str | None, Config, ConfigError | None]"

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
    from nri_cdi.doctor import Facts, Node, examine, to_plain  # takes protobuf along

    node = Node(options.root)
    report = examine(Facts(node, plugin_of(node, options)))
    if options.output == TABLE:
        _print_report(report)
    else:
        print_value(to_plain(report), options.output)
    return EXIT_OK if report.is_fine else EXIT_PROBLEMS


def plugin_of(node: Node, options: argparse.Namespace) -> Plugin:
    """The plugin as these options and its configuration have it."""
    from nri_cdi.doctor import Plugin

    path, config, broken = (_ours if node.is_ours else _theirs)(node, options)
    snapshot, silence = None, ""
    if config.status and node.is_ours:
        snapshot, silence = _ask(config.status)
    return Plugin(
        config=config,
        config_path=path,
        broken=broken,
        spec_dirs=tuple(getattr(options, "spec_dirs", None) or config.spec_dirs),
        snapshot=snapshot,
        silence=silence,
    )


def _ours(_node: Node, options: argparse.Namespace) -> _Read:
    """The configuration as a plugin reads it that is started here."""
    from nri_cdi.cli.settings import loader_of

    # The flags of this verb are none of the plugin's: its directories may be relative.
    told = {key: value for key, value in vars(options).items() if key == "config"}
    loader = loader_of(argparse.Namespace(**told))
    loaded = loader.read()
    return loader.path or None, loader.legible(), next(iter(loaded.errors), None)


def _theirs(node: Node, options: argparse.Namespace) -> _Read:
    """The configuration of another root; the variables here are none of its."""
    from nri_cdi.config import Config, load_config

    path = _config_path(node, options)
    try:
        if path is not None:
            return path, load_config(node.host.locate(path)), None
    except ConfigError as error:
        return path, Config(), ConfigError(path or "", error.problems)
    except OSError as error:
        say(f"{path}: {reason_of(error)}")
    return path, Config(), None


def _ask(address: str) -> tuple[dict[str, Any] | None, str]:
    """The plugin's own state, or why it can't be had."""
    from nri_cdi.status.address import parse_address
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
    directories = facts.plugin.spec_dirs or facts.config.spec_dirs
    devices, files = len(registry.devices), len(registry.specs)
    counts = f"{counted(devices, 'device')} in {counted(files, 'file')}"
    rows = (
        ("plugin", ", ".join(pids) or Styled("not running", Style.BAD)),
        ("configuration", facts.plugin.config_path or "defaults"),
        ("socket", facts.config.socket),
        ("injection", facts.config.injection),
        ("runtime", str(facts.info) if facts.info is not None else _UNKNOWN),
        ("specs", f"{counts} of {', '.join(directories)}"),
    )
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        print(f"{styled(name.ljust(width), Style.HEADING)}  {printable(text)}")


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
