"""The keeper on real directories, a real inotify and a real event loop."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from nri_cdi.speckeeper import LINES_LIMIT, SpecKeeper
from tests.unit.cdi.shortage import no_descriptor_left

DEADLINE_S = 10.0


def write(path: Path, *devices: str, value: str = "1") -> None:
    """Write a spec in one step, as careful vendors do."""
    spec = {
        "cdiVersion": "0.5.0",
        "kind": "vendor.com/gpu",
        "devices": [
            {"name": device, "containerEdits": {"env": [f"{device}={value}"]}}
            for device in devices
        ],
    }
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(spec))
    temporary.rename(path)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await test()

    asyncio.run(main())


def names(keeper: SpecKeeper) -> list[str]:
    return sorted(keeper.registry.devices)


def test_what_is_there_at_the_start_is_read(tmp_path: Path) -> None:
    write(tmp_path / "a.json", "a0", "a1")

    async def test() -> None:
        async with SpecKeeper([str(tmp_path)]) as keeper:
            await keeper.rescan()
            assert names(keeper) == ["vendor.com/gpu=a0", "vendor.com/gpu=a1"]

    run(test)


def test_a_change_is_read_without_asking(tmp_path: Path) -> None:
    async def test() -> None:
        async with SpecKeeper([str(tmp_path / "later")]) as keeper:
            await keeper.rescan()
            (tmp_path / "later").mkdir()
            write(tmp_path / "later" / "a.json", "a0")
            await until(lambda: names(keeper) == ["vendor.com/gpu=a0"])
            (tmp_path / "later" / "a.json").unlink()
            await until(lambda: names(keeper) == [])

    run(test)


def test_a_rescan_sees_whatever_was_written_before_it(tmp_path: Path) -> None:
    async def test() -> None:
        async with SpecKeeper([str(tmp_path)]) as keeper:
            for number in range(100):
                write(tmp_path / "a.json", f"d{number}")
                await keeper.rescan()
                assert names(keeper) == [f"vendor.com/gpu=d{number}"]

    run(test)


def test_a_request_just_after_a_change_is_told_to_wait_for_it(tmp_path: Path) -> None:
    async def test() -> None:
        async with SpecKeeper([str(tmp_path)]) as keeper:
            write(tmp_path / "a.json", "a0")
            await keeper.rescan()
            await until(lambda: keeper.settling() is None)
            write(tmp_path / "a.json", "a0", value="2")
            settling = keeper.settling()
            assert settling is not None
            await settling
            await until(lambda: keeper.settling() is None)
            [part] = keeper.registry.resolve(["vendor.com/gpu=a0"]).parts
            assert part.edits.env == ("a0=2",)

    run(test)


def test_nobody_waits_long_for_a_long_scan(tmp_path: Path) -> None:
    write(tmp_path / "a.json", *(f"d{number}" for number in range(20000)))

    async def test() -> None:
        async with SpecKeeper([str(tmp_path)]) as keeper:
            settling = keeper.settling()
            assert settling is not None
            await settling
            assert names(keeper) == []
            assert keeper.settling() is None
            scanning = keeper.scanning()
            assert scanning is not None
            await scanning
            assert len(names(keeper)) == 20000
            assert keeper.scanning() is None

    run(test)


def test_other_directories_can_be_kept_instead(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "a.json", name)

    async def test() -> None:
        async with SpecKeeper([str(tmp_path / "one")]) as keeper:
            await until(lambda: names(keeper) == ["vendor.com/gpu=one"])
            keeper.use([str(tmp_path / "two")])
            await until(lambda: names(keeper) == ["vendor.com/gpu=two"])
            write(tmp_path / "two" / "b.json", "more")
            await until(lambda: len(names(keeper)) == 2)
            keeper.use([str(tmp_path / "two")])
            assert len(names(keeper)) == 2

    run(test)


def test_who_waits_for_a_scan_when_the_directories_change_sees_the_new_ones(
    tmp_path: Path,
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "a.json", name)

    async def test() -> None:
        async with SpecKeeper([str(tmp_path / "one")]) as keeper:
            waiting = [keeper.scanning(), keeper.rescan(), keeper.settling()]
            keeper.use([str(tmp_path / "two")])
            for each in waiting:
                assert each is not None
                await each
            assert names(keeper) == ["vendor.com/gpu=two"]

    run(test)


def test_what_happens_to_specs_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path / "a.json", "a0")
    write(tmp_path / "b.json", "a0", "b0")
    (tmp_path / "c.json").write_text('{"kind": 1')

    async def test() -> None:
        async with SpecKeeper([str(tmp_path)]) as keeper:
            await keeper.rescan()
            await keeper.rescan()
            (tmp_path / "c.json").unlink()
            await keeper.rescan()

    with caplog.at_level(logging.INFO):
        run(test)
    lines = [record.getMessage() for record in caplog.records]
    broken = [line for line in lines if line.startswith("spec not used: ")]
    assert len(broken) == 1
    assert broken[0].startswith(f"spec not used: {tmp_path}/c.json:")
    assert [line for line in lines if not line.startswith("spec not used: ")] == [
        (
            f"nobody gets vendor.com/gpu=a0: defined by {tmp_path}/a.json and by "
            f"{tmp_path}/b.json"
        ),
        "specs: 1 usable devices (1 added, 0 changed, 0 removed)",
        f"spec is fine again, or gone: {tmp_path}/c.json",
        "specs: 1 usable devices (0 added, 0 changed, 0 removed)",
    ]


def test_a_thousand_problems_take_a_few_lines(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = [f"d{number}" for number in range(1000)]
    write(tmp_path / "a.json", *names)
    write(tmp_path / "b.json", *names)
    write(tmp_path / "c.json", *(["again"] * 1000))

    async def test() -> None:
        async with SpecKeeper([str(tmp_path)]) as keeper:
            await keeper.rescan()

    with caplog.at_level(logging.WARNING):
        run(test)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == LINES_LIMIT + 2
    assert lines[LINES_LIMIT].startswith("spec not used: and ")
    assert lines[-1] == (
        f"nobody gets vendor.com/gpu=d0 and 999 more: defined by {tmp_path}/a.json "
        f"and by {tmp_path}/b.json"
    )


def test_no_descriptor_is_left_behind(tmp_path: Path) -> None:
    def cycle() -> int:
        async def test() -> None:
            for _ in range(20):
                async with SpecKeeper([str(tmp_path)]) as keeper:
                    await keeper.rescan()
                    keeper.use([str(tmp_path), str(tmp_path / "more")])

        run(test)
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    assert cycle() == cycle()


def test_after_a_shortage_of_descriptors_the_next_request_sees_what_changed(
    tmp_path: Path,
) -> None:
    """Until then what was known stays: a shortage says nothing of the files."""
    write(tmp_path / "a.json", "a0")

    async def test() -> None:
        async with SpecKeeper([str(tmp_path)]) as keeper:
            await keeper.rescan()
            write(tmp_path / "a.json", "a1")
            with no_descriptor_left():
                await keeper.rescan()
            assert names(keeper) == ["vendor.com/gpu=a0"]
            settling = keeper.settling()
            assert settling is not None
            await settling
            assert names(keeper) == ["vendor.com/gpu=a1"]

    run(test)
