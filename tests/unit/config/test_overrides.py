"""Settings from flags and from the environment."""

from __future__ import annotations

from typing import Any

import pytest

from nri_cdi.config import check_settings
from nri_cdi.config.overrides import environment_settings
from nri_cdi.errors import ConfigError


def test_flags_are_checked_by_the_same_rules() -> None:
    assert check_settings({"index": "07", "spec_dirs": ["/a"]}, "command line") == {
        "index": "07",
        "spec_dirs": ("/a",),
    }
    with pytest.raises(ConfigError) as raised:
        check_settings({"index": "7", "spec_dirs": ["/a", "b"]}, "command line")
    assert str(raised.value) == (
        "command line: --index: '7' is not an index: two digits, such as '10'\n"
        "command line: --spec-dir: 'b' is not an absolute path"
    )


@pytest.mark.parametrize(
    ("environ", "settings"),
    [
        ({}, {}),
        ({"NRI_CDI_INDEX": "05"}, {"index": "05"}),
        ({"NRI_CDI_INDEX": "", "NRI_CDI_POLICY": ""}, {}),
        ({"NRI_CDI_SPEC_DIRS": "/a:/b,c"}, {"spec_dirs": ("/a", "/b,c")}),
        (
            {"NRI_CDI_EXCLUSIVE": "a/b=*, c.d/e=f:0"},
            {"exclusive": ("a/b=*", "c.d/e=f:0")},
        ),
        ({"NRI_CDI_VALIDATE": "only"}, {"validate": "only"}),
        ({"NRI_CDI_STATUS": "[::1]:9090"}, {"status": "[::1]:9090"}),
        # Of the services "nri-cdi" and "nri-cdi-status", and of no meaning to us.
        (
            {
                "NRI_CDI_SERVICE_HOST": "10.0.0.1",
                "NRI_CDI_PORT_80_TCP_PORT": "80",
                "NRI_CDI_STATUS_SERVICE_PORT": "80",
                "NRI_CDI_STATUS_PORT": "tcp://10.0.0.1:80",
                "NRI_CDI_COLOUR": "blue",
                "SOCKET": "x",
            },
            {},
        ),
    ],
)
def test_the_environment_has_settings(
    environ: dict[str, str], settings: dict[str, Any]
) -> None:
    assert environment_settings(environ) == settings


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"NRI_CDI_INDEX": "5"},
            "environment: NRI_CDI_INDEX: '5' is not an index: two digits, such as '10'",
        ),
        (
            {"NRI_CDI_SPEC_DIRS": "/a::/b"},
            "environment: NRI_CDI_SPEC_DIRS: '' is not an absolute path",
        ),
        (
            {"NRI_CDI_EXCLUSIVE": "a/b=*,"},
            "environment: NRI_CDI_EXCLUSIVE: the glob is empty; '*' matches any, such "
            "as 'nvidia.com/gpu=*'",
        ),
        (
            {"NRI_CDI_POLICY": "deny"},
            "environment: NRI_CDI_POLICY: 'policy' can be set in the configuration "
            "file alone",
        ),
        (
            {"NRI_CDI_CONFIG": "/etc/c.yaml"},
            "environment: NRI_CDI_CONFIG: there is no such setting; name the file with "
            "--config",
        ),
        (
            {"NRI_CDI_EXCLUSIV": "a/b=*"},
            "environment: NRI_CDI_EXCLUSIV: there is no such setting; did you mean "
            "'NRI_CDI_EXCLUSIVE'?",
        ),
        (
            {"NRI_CDI_spec_dirs": "/a"},
            "environment: NRI_CDI_spec_dirs: there is no such setting; did you mean "
            "'NRI_CDI_SPEC_DIRS'?",
        ),
        (
            {"NRI_CDI_VALIDATE": "yes", "NRI_CDI_NAME": "a b"},
            "environment: NRI_CDI_NAME: 'a b' is not a plugin name: letters, digits "
            "and the characters _ . + -\n"
            "environment: NRI_CDI_VALIDATE: 'yes' is not a value of validate: one of "
            "false, true, only",
        ),
    ],
)
def test_what_is_wrong_names_the_variable(
    environ: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        environment_settings(environ)
    assert str(raised.value) == message
