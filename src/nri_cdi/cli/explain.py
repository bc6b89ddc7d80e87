"""``nri-cdi explain``: what the containers of a pod would get."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from nri_cdi.cdi.unresolved import alternatives
from nri_cdi.cli.output import TABLE, add_output, print_value
from nri_cdi.cli.process import EXIT_OK, EXIT_PROBLEMS, say
from nri_cdi.cli.sources import Source, sources
from nri_cdi.cli.specs import load_registry, say_errors
from nri_cdi.quoting import quoted

if TYPE_CHECKING:
    from nri_cdi.cdi.registry import Registry
    from nri_cdi.explanation import PodExplanation
    from nri_cdi.manifests import Pod
    from nri_cdi.nri.capabilities import RuntimeInfo

DEFAULT_RUNTIME = "containerd"

EPILOG = """\
The answer is the plugin's, with the specs and the device nodes of this host. Pods are
read, and the pod templates of Deployments, DaemonSets, StatefulSets, ReplicaSets,
ReplicationControllers, Jobs, CronJobs and PodTemplates, and lists of these. Devices
that the kubelet asks the runtime for by itself are not known here.

RUNTIME is containerd or cri-o, with a colon and its version, or without these for the
newest that brings anything new. It decides which edits can be carried out.

The result of a container is injected, nothing (it asks for no devices) or refused. With
-o json or yaml, what is injected is in the words of the OCI runtime specification:
  {"runtime": {"name", "version", "nriVersion"},
   "pods": [{"path", "kind", "name", "namespace", "warnings",
     "containers": [{"name", "type", "result", "error", "kubeletError", "warnings",
       "unsupported", "requests": [{"device", "annotations", "spec"}],
       "devices", "deviceRules", "mounts", "env", "hooks", "netDevices",
       "intelRdt", "rdtClass"}]}]}
"error", "kubeletError" (what the kubelet shows, as far as it is known: containerd's),
"spec", "intelRdt" and "rdtClass" are left out where there is none. "deviceRules" has
what a container may do with each device in the end. "warnings" of a container that is
injected say why it would fail on this host all the same, as the errors of nri-cdi lint
do. They don't change the exit status.

exit status: 0 fine, 1 a container would be refused, or there is no pod, 2 usage

examples:
  nri-cdi explain pod.yaml
  nri-cdi explain deployment.yaml -c train --runtime containerd:1.7.24
  kubectl get pod train -o yaml | nri-cdi explain - -o json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the verb."""
    parser.epilog = EPILOG
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="Kubernetes manifests, YAML or JSON; - for standard input",
    )
    parser.add_argument(
        "-c", "--container", metavar="CONTAINER", help="this container alone"
    )
    parser.add_argument(
        "--runtime",
        type=_runtime,
        default=DEFAULT_RUNTIME,
        metavar="RUNTIME",
        help="the runtime of the node: containerd or cri-o, or with a version, such as "
        "containerd:1.7.24 or cri-o:1.34 (default: the newest containerd)",
    )
    add_output(parser)


def main(options: argparse.Namespace) -> int:
    """Say what containers would get."""
    pods = [pod for source in sources(options.files) for pod in _read(source)]
    if not pods:
        say("there is no pod in what was given")
        return EXIT_PROBLEMS
    if options.container is not None and not _has(pods, options.container):
        return EXIT_PROBLEMS
    from nri_cdi.cli.explanations import print_tables, to_plain  # takes protobuf along

    registry = load_registry(options)
    say_errors(registry)
    explained = list(_explain(pods, registry, options.runtime, options.container))
    if options.output == TABLE:
        print_tables(explained, options.runtime)
    else:
        print_value(to_plain(explained, options.runtime), options.output)
    refused = any(one.error for pod in explained for one in pod.containers)
    return EXIT_PROBLEMS if refused else EXIT_OK


def _runtime(text: str) -> RuntimeInfo:
    from nri_cdi.nri.capabilities import runtime_named  # protobuf: not for other verbs

    try:
        return runtime_named(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _read(source: Source) -> Sequence[Pod]:
    from nri_cdi.manifests import parse_manifests

    manifests = parse_manifests(source.read(), source.path)
    for words in manifests.skipped:
        reason = "neither a pod nor a known kind of workload"
        say(f"skipped: {source.path}: {words}: {reason}")
    return manifests.pods


def _has(pods: Iterable[Pod], name: str) -> bool:
    names = {container.name for pod in pods for container in pod.containers}
    if name in names:
        return True
    hint = alternatives(name, sorted(names), len(names))
    say(f"no pod has a container {quoted(name)}{hint}")
    return False


def _explain(
    pods: Iterable[Pod], registry: Registry, runtime: RuntimeInfo, only: str | None
) -> Iterator[PodExplanation]:
    from nri_cdi.explanation import explain

    for pod in pods:
        with _plugin_is_silent():
            explained = explain(pod, registry, runtime)
        wanted = tuple(
            one for one in explained.containers if only in (None, one.container.name)
        )
        if wanted:
            yield replace(explained, containers=wanted)


@contextmanager
def _plugin_is_silent() -> Iterator[None]:
    """What the plugin would log is in the explanation."""
    logger, handler = logging.getLogger("nri_cdi.plugin"), logging.NullHandler()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
