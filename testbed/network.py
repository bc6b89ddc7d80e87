"""A network for pods that can't share the host's: a namespace with no way out.

containerd wants a network plugin (CNI) for such pods. This one does nothing, and
reports an address that nobody has.

Source: the CNI specification, version 1.0.0, sections 2 and 5.
"""

from __future__ import annotations

import json
from pathlib import Path

NAME = "isolated"
PLUGINS = (NAME, "loopback")
"""The programs that are called; containerd adds "loopback" by itself."""

CNI_VERSION = "0.3.1"
"""What containerd's own loopback network uses, in 1.7 and 2.1."""

ADDRESS = "192.0.2.1/32"  # reserved for documentation, RFC 5737

PLUGIN = f"""#!/bin/sh
case "$CNI_COMMAND" in
VERSION) echo '{{"cniVersion": "1.0.0", "supportedVersions": ["{CNI_VERSION}"]}}' ;;
ADD) cat <<END
{{
  "cniVersion": "{CNI_VERSION}",
  "interfaces": [{{"name": "$CNI_IFNAME", "sandbox": "$CNI_NETNS"}}],
  "ips": [{{"version": "4", "interface": 0, "address": "{ADDRESS}"}}]
}}
END
;;
esac
"""

EXECUTABLE = 0o755


def write(bin_dir: Path, conf_dir: Path) -> None:
    """Put the plugin and its configuration into containerd's two folders for them."""
    bin_dir.mkdir(parents=True)
    conf_dir.mkdir(parents=True)
    for name in PLUGINS:
        (bin_dir / name).write_text(PLUGIN)
        (bin_dir / name).chmod(EXECUTABLE)
    network = {"cniVersion": CNI_VERSION, "name": NAME, "plugins": [{"type": NAME}]}
    (conf_dir / f"{NAME}.conflist").write_text(json.dumps(network))
