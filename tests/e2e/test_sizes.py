"""Large answers: whole on the other side, or an error, but never lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e import specs
from tests.e2e.node import Node

MOUNTS = 20
OPTIONS = ["ro", "nosuid", "nodev", "rbind"]
FOLDER = "a-folder-with-a-name-that-takes-its-place-in-a-message"
MESSAGE_LIMIT = 4 << 20
"""What ttrpc takes for one message. Source: ttrpc channel.go, messageLengthMax."""

PAYLOAD_HEADER = 5
"""The tag and the length of the payload within the message."""

LONGEST_VALUE = 64 * 1024
"""Of a variable: half of what Linux takes for one. Source: execve(2)."""


def device_of(size: int, folder: str) -> dict[str, Any]:
    """The edits of a device, with texts of ``size`` bytes in them."""
    mounts = [
        {
            "hostPath": folder,
            "containerPath": f"/mnt/{FOLDER}/{number:03}",
            "options": OPTIONS,
        }
        for number in range(MOUNTS)
    ]
    texts = [text for mount in mounts for text in (folder, mount["containerPath"])]
    left = size - sum(len(text) for text in [*texts, *(OPTIONS * MOUNTS)])
    return {"mounts": mounts, "env": list(variables(left))}


def variables(size: int) -> Iterator[str]:
    """Variables whose values, of that size together, are all different."""
    for number, start in enumerate(range(0, size, LONGEST_VALUE)):
        length = min(LONGEST_VALUE, size - start)
        words = (f"{number:04}.{place:06} " for place in range(length // 12 + 1))
        yield f"LARGE_{number}={''.join(words)[:length]}"


@pytest.mark.parametrize(
    "size", [5_000, 100_000, 1_000_000], ids=["5 KB", "100 KB", "1 MB"]
)
def test_a_large_answer_arrives_whole(node: Node, size: int) -> None:
    source = node.folder / "source"
    specs.make_file(source / "file", "of the host")
    device = device_of(size, str(source))
    specs.write(node.spec_dir / "large.json", specs.spec({"large": device}))

    with node.running(f"{specs.KIND}=large") as container:
        env = container.env()
        files = container.shell(f"cat /mnt/{FOLDER}/*/file")

    assert [f"{key}={env[key]}" for key in env if key.startswith("LARGE_")] == device[
        "env"
    ]
    assert files == "of the host" * MOUNTS


def test_an_answer_beyond_the_limit_of_the_wire_is_refused(node: Node) -> None:
    small = {"env": ["SMALL=yes"]}
    devices = {"huge": {"env": list(variables(MESSAGE_LIMIT + 1))}, "small": small}
    specs.write(node.spec_dir / "huge.json", specs.spec(devices))

    refusal = node.refusal(f"{specs.KIND}=huge")
    with node.running(f"{specs.KIND}=small") as container:
        env = container.env()

    limit = MESSAGE_LIMIT - PAYLOAD_HEADER
    assert f"bytes, and NRI carries {limit} at most" in refusal
    assert "asked for by annotation" in refusal
    assert env["SMALL"] == "yes"
