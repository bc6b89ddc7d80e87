"""The Unix sockets at which somebody listens, as the kernel lists them.

Nothing is connected to: a runtime waits 5 s for a plugin that connects to register, and
for that time no other plugin can.

Source: proc_pid_net(5); Linux net/unix/af_unix.c, unix_seq_show.
"""

from __future__ import annotations

from nri_cdi.doctor.node import TABLE_LIMIT, Node

# __SO_ACCEPTCON, in the fourth column.
_LISTENS = 0x10000
_FLAGS, _PATH = 3, 7


def listening(node: Node, pid: int) -> frozenset[str]:
    """The paths of the sockets that listen in the network namespace of a process.

    Paths are as they were bound, with links on their way, but without doubled slashes.
    """
    lines = node.text(f"/proc/{pid}/net/unix", TABLE_LIMIT).splitlines()[1:]
    rows = (line.split(maxsplit=_PATH) for line in lines)
    return frozenset(
        node.canonical(row[_PATH])
        for row in rows
        if len(row) > _PATH
        and int(row[_FLAGS], 16) & _LISTENS
        and row[_PATH].startswith("/")
    )
