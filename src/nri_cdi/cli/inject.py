"""``nri-cdi inject``: devices into an OCI runtime specification."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from nri_cdi.cdi.apply import inject_devices
from nri_cdi.cdi.registry import Registry
from nri_cdi.cdi.unresolved import explain_unresolved, suspects
from nri_cdi.cli.inplace import rewrite
from nri_cdi.cli.process import EXIT_OK, EXIT_PROBLEMS, say_unwritten
from nri_cdi.cli.sources import STANDARD_INPUT, source_of
from nri_cdi.cli.specs import asked_for, is_pattern, load_registry, say_errors
from nri_cdi.errors import ResolveError
from nri_cdi.oci import EnvMode, format_oci_spec, parse_oci_spec

EPILOG = """\
The new specification goes to standard output, as JSON and alone. If anything is wrong,
nothing does: standard error has the reason on one line, and the exit status is 1.

Names may be patterns with the wildcards * ? [ ] of the shell; quote these.

A variable that the container has already gets the device's value. With --env append the
old one stays in front of it, as Docker, Podman and CRI-O do it.

With --in-place several commands may change one FILE at the same time: each waits for
the others. Whatever else changes it meanwhile is kept, and the exit status is 1.

examples:
  nri-cdi inject --oci-spec config.json nvidia.com/gpu=0 > new.json
  nri-cdi inject --oci-spec config.json --in-place nvidia.com/gpu=0 nvidia.com/gpu=1
  runc spec && nri-cdi inject --oci-spec config.json --in-place 'vendor.com/*'
  echo '{}' | nri-cdi inject --oci-spec - nvidia.com/gpu=0
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the verb."""
    parser.epilog = EPILOG
    parser.add_argument(
        "names",
        nargs="+",
        metavar="NAME",
        help="a device, vendor/class=name, or a pattern of devices",
    )
    parser.add_argument(
        "--oci-spec",
        required=True,
        metavar="FILE",
        help="the specification, such as config.json; - is standard input",
    )
    parser.add_argument(
        "--in-place",
        action="store_true",
        help="put the new specification into FILE, and nothing on standard output",
    )
    modes = [mode.value for mode in EnvMode]
    parser.add_argument(
        "--env",
        choices=modes,
        default=modes[0],
        help="what becomes of a variable that is there already (default: replace)",
    )


def main(options: argparse.Namespace) -> int:
    """Print the OCI spec with the devices, or write it back."""
    from_stdin = options.oci_spec == STANDARD_INPUT
    if from_stdin and options.in_place:
        options.parser.error("--in-place needs a file, and - is standard input")
    source = source_of(options.oci_spec)
    path = source.path
    registry = load_registry(options)
    names = _names(options.names, registry)

    def inject() -> bytes:
        spec = parse_oci_spec(source.read(), path)
        env = EnvMode(options.env)
        injected = inject_devices(registry, spec, names, env=env, path=path)
        return format_oci_spec(injected, path)

    if not options.in_place:
        # JSON is UTF-8, whatever the terminal's encoding is.
        sys.stdout.buffer.write(inject())
    elif not _write_back(path, inject):
        return EXIT_PROBLEMS
    say_errors(registry)
    return EXIT_OK


def _names(arguments: Sequence[str], registry: Registry) -> tuple[str, ...]:
    """The devices that are meant. Raises: ResolveError, one for all that aren't."""
    try:
        return asked_for(arguments, registry)
    except ResolveError as error:
        unmatched = error.names
        reasons = [str(error)]
    names = dict.fromkeys(name for name in arguments if not is_pattern(name))
    missing = [name for name in names if name not in registry.devices]
    if missing:
        reasons.append(explain_unresolved(missing, registry, unmatched))
    else:
        reasons += suspects(unmatched, registry)
    raise ResolveError("; ".join(reasons), (*unmatched, *missing))


def _write_back(path: str, make: Callable[[], bytes]) -> bool:
    """Write to the file itself where ``path`` is a symbolic link."""
    try:
        rewrite(path, make)
    except OSError as error:
        say_unwritten(path, error)
        return False
    return True
