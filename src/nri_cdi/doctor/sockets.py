"""The Unix sockets at which somebody listens, as the kernel lists them.

Nothing is connected to: a runtime waits 5 s for a plugin that connects to register, and
for that time no other plugin can.

Source: proc_pid_net(5); Linux net/unix/af_unix.c, unix_seq_show.
"""

from __future__ import annotations

import re

from nri_cdi.doctor.node import TABLE_LIMIT, Node

# A socket's path may have line breaks in it: what is behind them is no line of the
# table, though whoever makes sockets can write one that looks so.
_LINE = re.compile(
    r"[0-9a-f]+: [0-9A-F]{8} [0-9A-F]{8} (?P<flags>[0-9A-F]{8}) [0-9A-F]{4} "
    r"[0-9A-F]{2} +[0-9]+ (?P<path>/.*)",
    re.DOTALL,
)

# __SO_ACCEPTCON.
_LISTENS = 0x10000


def listening(node: Node, pid: int) -> frozenset[str]:
    """The paths of the sockets that listen in the network namespace of a process.

    Paths are as they were bound, with links on their way, but without doubled slashes.
    """
    lines = node.text(f"/proc/{pid}/net/unix", TABLE_LIMIT).split("\n")
    sockets = filter(None, map(_LINE.fullmatch, lines))
    return frozenset(
        node.canonical(each["path"])
        for each in sockets
        if int(each["flags"], 16) & _LISTENS
    )
