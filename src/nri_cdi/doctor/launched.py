"""The plugin that a runtime started, with the configuration that the runtime gave it.

Source: NRI pkg/adaptation/plugin.go, getPluginConfig.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from posixpath import join

from nri_cdi.doctor.instances import Instance, own_arguments
from nri_cdi.doctor.node import Node
from nri_cdi.doctor.plugin import Plugin, read_plugin
from nri_cdi.doctor.runtimes import Runtime

# The runtime has these from the file's name, and the plugin has no use for a socket.
_FROM_RUNTIME = frozenset({"socket", "name", "index"})


def launched_plugin(
    node: Node, instances: Sequence[Instance], runtimes: Sequence[Runtime]
) -> Plugin | None:
    """The plugin that one of the runtimes started; None if there is none.

    It does not count where the runtime's socket has one that was not launched: that is
    the one to look at.
    """
    running = {each.pid: each for each in runtimes}
    taken = {
        node.canonical(each.socket)
        for each in instances
        if not each.launched and not each.validator
    }
    for instance in instances:
        runtime = running.get(instance.process.parent)
        if not instance.launched or runtime is None:
            continue
        if node.canonical(runtime.settings.nri.socket) not in taken:
            return _plugin(node, instance, runtime)
    return None


def _plugin(node: Node, instance: Instance, runtime: Runtime) -> Plugin:
    index, _, name = _file_name(instance).partition("-")
    plugin = _configured(node, runtime.settings.nri.plugin_config_dir, index, name)
    return replace(
        plugin,
        config=replace(plugin.config, name=name, index=index),
        unknown=plugin.unknown - _FROM_RUNTIME,
        launcher_pid=instance.process.parent,
    )


def _file_name(instance: Instance) -> str:
    arguments = own_arguments(instance.process.arguments)
    assert arguments is not None  # or it were no instance
    return Path(arguments[0]).name


def _configured(node: Node, folder: str, index: str, name: str) -> Plugin:
    for path in (join(folder, f"{index}-{name}.conf"), join(folder, f"{name}.conf")):
        if node.status(path) is not None:
            return read_plugin(node, path, may_be_empty=True)
    return Plugin()
