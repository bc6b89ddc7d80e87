"""CRI-O's configuration: crio.conf, the drop-ins behind it, and the command line.

Source: CRI-O internal/config/nri/nri.go, internal/criocli/criocli.go and
docs/crio.conf.5.md. No CRI-O could be run to try it.
"""

from __future__ import annotations

from posixpath import join

from nri_cdi.cdi.cache import DEFAULT_SPEC_DIRS
from nri_cdi.doctor.flags import Flags
from nri_cdi.doctor.node import Node
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

DEFAULT_FILE = "/etc/crio/crio.conf"
DROP_IN_DIR = "/etc/crio/crio.conf.d"
DROP_IN = "99-nri.conf"
"""What the doctor has one write: the last name wins, after what packages bring."""

# Source: CRI-O's release notes; reference of `enable_nri` in crio.conf(5).
_ON_BY_DEFAULT: Version = (1, 30, 0)

# Of its many flags, those that matter here, with the key that each stands for.
_NRI_FLAGS = {
    "nri-listen": "nri_listen",
    "nri-plugin-dir": "nri_plugin_dir",
    "nri-plugin-config-dir": "nri_plugin_config_dir",
    "nri-plugin-registration-timeout": "nri_plugin_registration_timeout",
    "nri-plugin-request-timeout": "nri_plugin_request_timeout",
}
_SWITCHES = {
    "enable-nri": "enable_nri",
    "nri-disable-connections": "nri_disable_connections",
}
FLAGS = Flags(
    with_value=frozenset(
        (*_NRI_FLAGS, "config", "c", "config-dir", "d", "cdi-spec-dirs", "log-level")
    )
)


def read_settings(
    node: Node, arguments: tuple[str, ...], release: Version | None
) -> Settings:
    """The settings of a CRI-O that was started with these arguments."""
    content: Table = {}
    read: list[str] = []
    problems: dict[str, str] = {}
    for path in _files(node, arguments):
        try:
            content = merge(content, read_toml(node, path))
            read.append(path)
        except FileNotFoundError:
            continue
        except SettingsError as error:
            problems[path] = str(error)
    nri = table(content, "crio", "nri") | _flagged(arguments)
    runtime = table(content, "crio", "runtime")
    enabled = None if release is None else release >= _ON_BY_DEFAULT
    given = nri.get("enable_nri")
    flagged_dirs = FLAGS.last(arguments, "cdi-spec-dirs")
    spec_dirs = tuple(flagged_dirs.split(",")) if flagged_dirs else None
    return Settings(
        nri=_nri(nri, enabled=given if isinstance(given, bool) else enabled),
        cdi=CdiSettings(
            enabled=True,
            spec_dirs=spec_dirs or texts(runtime, "cdi_spec_dirs") or DEFAULT_SPEC_DIRS,
        ),
        files=tuple(read),
        problems=tuple(problems.items()),
        imports=(join(_drop_in_dir(arguments), "*"),),
        nri_switch="[crio.nri] enable_nri = true in "
        + join(_drop_in_dir(arguments), DROP_IN),
    )


def _files(node: Node, arguments: tuple[str, ...]) -> list[str]:
    folder = _drop_in_dir(arguments)
    first = FLAGS.last(arguments, "config", "c") or DEFAULT_FILE
    return [first, *(join(folder, name) for name in node.names(folder))]


def _drop_in_dir(arguments: tuple[str, ...]) -> str:
    return FLAGS.last(arguments, "config-dir", "d") or DROP_IN_DIR


def _flagged(arguments: tuple[str, ...]) -> Table:
    """What the command line sets of the NRI table."""
    found: Table = {}
    for name, text in FLAGS.given(arguments):
        if name in _NRI_FLAGS:
            found[_NRI_FLAGS[name]] = text
        elif name in _SWITCHES:
            found[_SWITCHES[name]] = text.lower() in ("", "true", "1", "t")
    return found


def _nri(settings: Table, *, enabled: bool | None) -> NriSettings:
    default = NriSettings(enabled=None)
    validator = table(settings, "default_validator")

    def text(key: str, otherwise: str) -> str:
        # An empty text is as good as none. Source: nri.go, ToOptions.
        return value(settings, key, otherwise) or otherwise

    return NriSettings(
        enabled=enabled,
        connections=settings.get("nri_disable_connections") is not True,
        socket=text("nri_listen", default.socket),
        plugin_dir=text("nri_plugin_dir", default.plugin_dir),
        plugin_config_dir=text("nri_plugin_config_dir", default.plugin_config_dir),
        registration_timeout=text(
            "nri_plugin_registration_timeout", default.registration_timeout
        ),
        request_timeout=text("nri_plugin_request_timeout", default.request_timeout),
        validator=Validator(
            enabled=validator.get("nri_enable_default_validator") is True,
            required=texts(validator, "nri_validator_required_plugins") or (),
            tolerate=value(
                validator, "nri_validator_tolerate_missing_plugins_annotation", ""
            ),
            rejects_hooks=validator.get("nri_validator_reject_oci_hook_adjustment")
            is True,
        ),
    )
