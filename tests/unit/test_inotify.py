from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from inotify_simple import flags

from nri_cdi.inotify import open_inotify


def test_an_instance_tells_of_a_file(tmp_path: Path) -> None:
    with open_inotify() as inotify:
        inotify.add_watch(tmp_path, flags.CREATE)
        assert inotify.read(timeout=0) == []
        (tmp_path / "a").touch()
        assert [event.name for event in inotify.read(timeout=5000)] == ["a"]


def test_no_other_program_is_run() -> None:
    code = (
        "import sys\n"
        "def refuse(event, arguments):\n"
        "    assert event not in ('subprocess.Popen', 'os.exec', 'os.posix_spawn'), "
        "arguments\n"
        "sys.addaudithook(refuse)\n"
        "from nri_cdi.inotify import open_inotify\n"
        "open_inotify().close()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
