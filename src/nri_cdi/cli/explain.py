"""``nri-cdi explain``: what the containers of a pod would get."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nri_cdi.cdi.unresolved import alternatives
from nri_cdi.cli.output import TABLE, add_output, print_value
from nri_cdi.cli.process import EXIT_OK, EXIT_PROBLEMS, say
from nri_cdi.cli.sources import Source, sources
from nri_cdi.cli.specs import read_registry, say_errors, spec_dirs
from nri_cdi.quoting import quoted

if TYPE_CHECKING:
    from nri_cdi.cli.explanations import Premises
    from nri_cdi.cli.pluginstate import PluginState
    from nri_cdi.config import Config
    from nri_cdi.explanation import Explainer, PodExplanation
    from nri_cdi.manifests import Pod
    from nri_cdi.nri.capabilities import RuntimeInfo

DEFAULT_RUNTIME = "containerd"

# As kubectl has it, where nothing else is said.
DEFAULT_NAMESPACE = "default"

EPILOG = """\
The answer is the plugin's, with its configuration on this node (that of --config, else
/etc/nri-cdi/config.yaml if that is there; NRI_CDI_ variables win over it), and with the
specs and the device nodes of this host. Pods are read, and the pod templates of
Deployments, DaemonSets, StatefulSets, ReplicaSets, ReplicationControllers, Jobs,
CronJobs and PodTemplates, and lists of these. Each pod is explained on its own.

What a manifest doesn't have is not known here: devices that the kubelet asks the
runtime for by itself; variables of the image, or from envFrom; the handler of a runtime
class, which is taken to have its name. Who holds an exclusive device is asked of the
plugin, through the status socket of the configuration.

RUNTIME is containerd or cri-o, with a colon and its version, or without these for the
newest that brings anything new. It decides which edits can be carried out, and how.

The result of a container is injected, nothing (it asks for no devices) or refused. With
-o json or yaml, what is injected is in the words of the OCI runtime specification:
  {"runtime": {"name", "version", "nriVersion"},
   "configuration": {"path", "variables"},
   "pods": [{"path", "kind", "name", "namespace", "warnings",
     "containers": [{"name", "type", "result", "mode", "rule", "error", "kubeletError",
       "warnings", "unsupported",
       "requests": [{"device", "annotations", "variables", "delegated", "spec"}],
       "delegated": [{"device", "kind", "spec", "containerEdits"}],
       "annotations", "devices", "deviceRules", "mounts", "env", "hooks",
       "netDevices", "intelRdt", "rdtClass"}]}]}
"mode" (resolve, delegate or resolve+delegate), "rule" (of the policy, where one denies
or audits), "error", "kubeletError" (what the kubelet shows, as far as it is known:
containerd's), "spec", "intelRdt" and "rdtClass" are left out where there is none.
"deviceRules" has what a container may do with each device in the end. "delegated" has
the edits of devices that go to the runtime by name, for it to make. "annotations" are
the plugin's own marks on the container. "warnings" of a container that is injected say
what may refuse it or fail it all the same, as the errors of nri-cdi lint do. They don't
change the exit status.

exit status: 0 fine, 1 a container would be refused, or there is no pod, 2 usage, or a
wrong configuration

examples:
  nri-cdi explain pod.yaml
  nri-cdi explain deployment.yaml -c train --runtime containerd:1.7.24
  nri-cdi explain pod.yaml --namespace research --config config.yaml
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
        "-n",
        "--namespace",
        type=_namespace,
        default=DEFAULT_NAMESPACE,
        metavar="NAME",
        help="the namespace of pods whose manifest has none (default: default)",
    )
    parser.add_argument(
        "--runtime",
        type=_runtime,
        metavar="RUNTIME",
        help="the runtime of the node: containerd or cri-o, or with a version, such as "
        "containerd:1.7.24 or cri-o:1.34 (default: that of the plugin here, if its "
        "status can be asked, else the newest containerd)",
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
    from nri_cdi.explanation import Explainer

    config, premises = _premises(options)
    state = _state(options, config)
    if options.runtime is None and state is not None and state.runtime is not None:
        premises = replace(premises, runtime=state.runtime, is_plugins=True)
    told = getattr(options, "spec_dirs", None)
    registry = read_registry(spec_dirs(options) if told else config.spec_dirs)
    say_errors(registry)
    with _plugin_is_silent():
        holders = None if state is None else state.holders
        explainer = Explainer(registry, premises.runtime, config, holders)
        namespaced = [_with_namespace(pod, options.namespace) for pod in pods]
        explained = list(_explained(namespaced, explainer, options.container))
    if options.output == TABLE:
        print_tables(explained, premises)
    else:
        print_value(to_plain(explained, premises), options.output)
    refused = any(one.error for pod in explained for one in pod.containers)
    return EXIT_PROBLEMS if refused else EXIT_OK


def _runtime(text: str) -> RuntimeInfo:
    from nri_cdi.nri.capabilities import runtime_named  # protobuf: not for other verbs

    try:
        return runtime_named(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _namespace(text: str) -> str:
    from nri_cdi.config.globs import NAMESPACE, can_match, is_literal

    if not is_literal(text) or not can_match(text, NAMESPACE):
        raise argparse.ArgumentTypeError(f"{quoted(text)} can't be a namespace")
    return text


def _premises(options: argparse.Namespace) -> tuple[Config, Premises]:
    """The plugin's configuration, and what it was read from.

    Raises: ConfigError.
    """
    from nri_cdi.cli.explanations import Premises
    from nri_cdi.cli.settings import loader_of
    from nri_cdi.config import BY_KEY
    from nri_cdi.nri.capabilities import runtime_named

    # The flags of this verb are none of the plugin's: its directories may be relative.
    told = {key: value for key, value in vars(options).items() if key == "config"}
    loader = loader_of(argparse.Namespace(**told))
    loaded = loader.read()
    for error in loaded.errors:
        raise error
    if loaded.config.validate == "only":
        say(
            "the configuration has validate: only, so its plugin checks and gives "
            "nothing; what follows is what one that gives devices would do"
        )
    premises = Premises(
        runtime=options.runtime or runtime_named(DEFAULT_RUNTIME),
        configuration=loader.path,
        variables=tuple(
            source
            for key, source in loaded.sources.items()
            if source == BY_KEY[key].variable
        ),
    )
    return _here(loaded.config), premises


def _here(config: Config) -> Config:
    """The configuration as it holds where this program runs.

    The host's /dev is elsewhere only in the plugin's own container.
    """
    root = config.host_dev_root
    return (
        config if not root or Path(root).is_dir() else replace(config, host_dev_root="")
    )


def _state(options: argparse.Namespace, config: Config) -> PluginState | None:
    """What the plugin that is running says, if there is anything to ask."""
    if not config.status or (options.runtime is not None and not config.exclusive):
        return None
    from nri_cdi.cli.pluginstate import plugin_state

    return plugin_state(config.status)


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


def _with_namespace(pod: Pod, namespace: str) -> Pod:
    return pod if pod.namespace else replace(pod, namespace=namespace)


def _explained(
    pods: Iterable[Pod], explainer: Explainer, only: str | None
) -> Iterator[PodExplanation]:
    for pod in pods:
        explained = explainer.explain(pod)
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
