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
# Releases before 2.0 know files of version 1, in which plugins have bare names, and of
# version 2; the highest one of all their files counts. Tried with 1.7.24.
_BARE_NRI = "nri"
_BARE, _NEWEST_OF_OLD = 1, 2
# The CRI plugin's table by the version of the file: from 3 on it is split in two.
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
    files = _Files(node=node, release=release)
    files.load(path, must_exist=bool(given))
    on = None if release is None else release >= _ON_BY_DEFAULT
    nri = table(files.plugins, files.nri_name)
    cri = _cri(files)
    disabled = _switch(nri, "disable")
    enabled = on if disabled is None else not disabled
    if files.nri_name in files.disabled:
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
        nri_switch=files.nri_switch(),
    )


def _cri(files: _Files) -> Table:
    names = (*_CRI_TABLES.values(), _CRI_TABLE)
    if files.has_bare_names:
        names = (_CRI_TABLES[_BARE],)
    merged: Table = {}
    for name in names:
        merged = merge(merged, table(files.plugins, name))
    return merged


@dataclass(slots=True)
class _Files:
    """A file and all that it imports, one after the other, as containerd loads them.

    ``disabled`` has the plugins that are, and ``tables`` those that have a table; each
    with the last file that says so. ``version`` is the highest of the files.
    """

    node: Node
    release: Version | None
    version: int = 0
    plugins: Table = field(default_factory=dict)
    disabled: dict[str, str] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    imports: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)

    def load(self, path: str, *, must_exist: bool) -> None:
        """Load a file and its imports; those must exist, as containerd has it."""
        pending = deque([path])
        seen: set[str] = set()
        while pending and len(seen) < _MOST_FILES:
            path = pending.popleft()
            if path in seen:
                continue
            content = self._content(path, must_exist=must_exist or bool(seen))
            seen.add(path)
            if content is None:
                continue
            self._heed_version(path, value(content, "version", _BARE))
            self.read.append(path)
            self._take(path, content)
            pending.extend(self._imports(path, content))

    @property
    def is_old(self) -> bool:
        """Whether it is a release before 2.0."""
        return self.release is not None and self.release < _ON_BY_DEFAULT

    @property
    def has_bare_names(self) -> bool:
        """Whether the plugins' tables have their names without a type."""
        return self.is_old and self.version == _BARE

    @property
    def nri_name(self) -> str:
        """How the table of NRI is called."""
        return _BARE_NRI if self.has_bare_names else NRI_PLUGIN

    def nri_switch(self) -> str:
        """What to write, and where, to have NRI on."""
        name = self.nri_name
        if name in self.disabled:
            return f'remove "{name}" from disabled_plugins in {self.disabled[name]}'
        head = f'[plugins."{name}"]'
        if not self.read and self.is_old:
            # Without its version a new file would be one of version 1.
            head = f"version = {_NEWEST_OF_OLD}, and {head}"
        path = self.tables.get(name) or (self.read[0] if self.read else DEFAULT_FILE)
        return f"{head} disable = false in {path}"

    def _heed_version(self, path: str, version: int) -> None:
        self.version = max(self.version, version)
        if self.is_old and version > _NEWEST_OF_OLD:
            self.problems[path] = (
                f"its version is {version}, and this release knows {_NEWEST_OF_OLD} at "
                "most"
            )

    def _content(self, path: str, *, must_exist: bool) -> Table | None:
        try:
            return read_toml(self.node, path)
        except FileNotFoundError:
            if must_exist:
                self.problems[path] = "there is no such file"
        except SettingsError as error:
            self.problems[path] = str(error)
        return None

    def _take(self, path: str, content: Table) -> None:
        plugins = table(content, "plugins")
        self.tables |= dict.fromkeys(plugins, path)
        if self.release is None or self.release >= _MERGES_TABLES:
            self.plugins = merge(self.plugins, plugins)
        else:
            self.plugins |= plugins
        disabled = texts(content, "disabled_plugins") or ()
        self.disabled |= dict.fromkeys(disabled, path)

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
