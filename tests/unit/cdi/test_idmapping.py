from __future__ import annotations

import pytest

from nri_cdi.cdi.idmapping import id_mapping
from nri_cdi.cdi.model import Mount


@pytest.mark.parametrize(
    ("type_", "options", "added"),
    [
        ("bind", (), ("idmap",)),
        ("", ("ro", "bind"), ("idmap",)),
        ("", ("rbind", "ro"), ("ridmap",)),
        ("bind", ("rbind",), ("ridmap",)),
        ("", ("rbind", "bind"), ("idmap",)),
        ("bind", ("idmap",), ()),
        ("", ("rbind", "ridmap"), ()),
        ("tmpfs", ("ro",), ()),
        ("", (), ()),
    ],
)
def test_a_bind_mount_gets_the_option_of_its_kind(
    type_: str, options: tuple[str, ...], added: tuple[str, ...]
) -> None:
    mount = Mount(host_path="/a", container_path="/b", type=type_, options=options)
    assert id_mapping(mount) == added
