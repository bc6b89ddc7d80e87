"""containerd's configuration: its file, what that imports, and the defaults.

Source: containerd cmd/containerd/server/config/config.go; internal/nri/config.go, and
in 1.7 pkg/nri/config.go. How imports are merged was tried with 1.7.24 and 2.1.9.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from posixpath import join, normpath

from nri_cdi.cdi.cache import DEFAULT_SPEC_DIRS
from nri_cdi.doctor.flags import Flags
from nri_cdi.doctor.node import Node, folder_of
from nri_cdi.doctor.settings import (
    CdiSettings,
    NriSettings,
    Settings,
    SettingsError,
    Table,
    Validator,
    merge,
    read_toml,
    table,
    texts,
    value,
)
from nri_cdi.nri.capabilities import Version

DEFAULT_FILE = "/etc/containerd/config.toml"

NRI_PLUGIN = "io.containerd.nri.v1.nri"
# The CRI plugin's table by the version of the file: 1 has bare names, and from 3 on the
# plugin is split in two.
_CRI_TABLES = {1: "cri", 2: "io.containerd.grpc.v1.cri"}
_CRI_TABLE = "io.containerd.cri.v1.runtime"
_CRI_PLUGINS = frozenset(
    (*_CRI_TABLES.values(), _CRI_TABLE, "io.containerd.cri.v1.images")
)

# Both came on by default then. Source: the files above, and the release notes of 2.0.
_ON_BY_DEFAULT: Version = (2, 0, 0)
# Before, the table of a plugin in an import replaces the plugin's whole table.
# Source: containerd#5837.
_MERGES_TABLES: Version = (2, 1, 0)

# An import may be a pattern, and have imports of its own.
_MOST_FILES = 256

FLAGS = Flags(
    with_value=frozenset(
        ("config", "c", "log-level", "l", "address", "a", "root", "state")
    )
)


def read_settings(
    node: Node, arguments: tuple[str, ...], cwd: str, release: Version | None
) -> Settings:
    """The settings of a containerd that was started with these arguments."""
    given = FLAGS.last(arguments, "config", "c")
    path = normpath(join(cwd, given)) if given else DEFAULT_FILE
    files = _Files(node=node, deep=release is None or release >= _MERGES_TABLES)
    files.load(path, must_exist=bool(given))
    on = None if release is None else release >= _ON_BY_DEFAULT
    nri = table(files.plugins, NRI_PLUGIN)
    cri = merge(
        merge(
            table(files.plugins, _CRI_TABLES[1]), table(files.plugins, _CRI_TABLES[2])
        ),
        table(files.plugins, _CRI_TABLE),
    )
    disabled = _switch(nri, "disable")
    enabled = on if disabled is None else not disabled
    if NRI_PLUGIN in files.disabled:
        enabled = False
    enable_cdi = _switch(cri, "enable_cdi")
    return Settings(
        nri=_nri(nri, enabled=enabled),
        cdi=CdiSettings(
            enabled=on if enable_cdi is None else enable_cdi,
            spec_dirs=texts(cri, "cdi_spec_dirs") or DEFAULT_SPEC_DIRS,
        ),
        files=tuple(files.read),
        problems=tuple(files.problems.items()),
        cri=_CRI_PLUGINS.isdisjoint(files.disabled),
        imports=tuple(files.imports),
    )


@dataclass(slots=True)
class _Files:
    """A file and all that it imports, one after the other, as containerd loads them."""

    node: Node
    deep: bool
    plugins: Table = field(default_factory=dict)
    disabled: set[str] = field(default_factory=set)
    imports: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)

    def load(self, path: str, *, must_exist: bool) -> None:
        """Load a file and its imports; those must exist, as containerd has it."""
        pending = deque([path])
        seen: set[str] = set()
        version = 0
        while pending and len(seen) < _MOST_FILES:
            path = pending.popleft()
            if path in seen:
                continue
            content = self._content(path, must_exist=must_exist or bool(seen))
            seen.add(path)
            if content is None:
                continue
            own = value(content, "version", 1)
            version = version or own
            if own > version:
                self.problems[path] = (
                    f"its version is {own}, above the {version} of {self.read[0]}"
                )
            self.read.append(path)
            self._take(content)
            pending.extend(self._imports(path, content))

    def _content(self, path: str, *, must_exist: bool) -> Table | None:
        try:
            return read_toml(self.node, path)
        except FileNotFoundError:
            if must_exist:
                self.problems[path] = "there is no such file"
        except SettingsError as error:
            self.problems[path] = str(error)
        return None

    def _take(self, content: Table) -> None:
        plugins = table(content, "plugins")
        if self.deep:
            self.plugins = merge(self.plugins, plugins)
        else:
            self.plugins |= plugins
        self.disabled.update(texts(content, "disabled_plugins") or ())

    def _imports(self, path: str, content: Table) -> list[str]:
        found: list[str] = []
        for pattern in texts(content, "imports") or ():
            absolute = normpath(join(folder_of(path), pattern))
            self.imports.append(absolute)
            is_pattern = "*" in absolute
            found += self.node.glob(absolute) if is_pattern else [absolute]
        return found


def _nri(settings: Table, *, enabled: bool | None) -> NriSettings:
    default = NriSettings(enabled=None)
    validator = table(settings, "default_validator")
    return NriSettings(
        enabled=enabled,
        connections=_switch(settings, "disable_connections") is not True,
        socket=value(settings, "socket_path", default.socket),
        plugin_dir=value(settings, "plugin_path", default.plugin_dir),
        plugin_config_dir=value(
            settings, "plugin_config_path", default.plugin_config_dir
        ),
        registration_timeout=value(
            settings, "plugin_registration_timeout", default.registration_timeout
        ),
        request_timeout=value(
            settings, "plugin_request_timeout", default.request_timeout
        ),
        validator=Validator(
            enabled=_switch(validator, "enable") or False,
            required=texts(validator, "required_plugins") or (),
            tolerate=value(validator, "tolerate_missing_plugins_annotation", ""),
            rejects_hooks=_switch(validator, "reject_oci_hook_adjustment") or False,
        ),
    )


def _switch(of: Mapping[str, object], key: str) -> bool | None:
    found = of.get(key)
    return found if isinstance(found, bool) else None
