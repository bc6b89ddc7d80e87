"""``python -m demo``: exit status 0 if all was as it should be, 1 if not."""

from __future__ import annotations

import os
import sys

from demo.narration import Narration
from demo.plugin import PluginError
from demo.story import tell
from testbed import interrupts
from testbed.containerd import ContainerdError
from testbed.cri import CriError
from testbed.packages import PackageError

# TimeoutError: something refuses to be cleaned up.
FAILURES = (PackageError, ContainerdError, PluginError, CriError, TimeoutError)

EXIT_DIFFERS = 1
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def main() -> int:
    if os.geteuid() != 0:
        print("demo: needs root, as containers do")
        return EXIT_DIFFERS
    interrupts.raise_interrupts()
    narration = Narration()
    try:
        tell(narration)
    except FAILURES as error:
        print(f"\ndemo: failed: {error}")
        return EXIT_DIFFERS
    except KeyboardInterrupt:
        interrupts.ignore_interrupts()
        print("\ndemo: interrupted; all is cleaned up")
        return EXIT_INTERRUPTED
    if narration.differences:
        print("\ndemo: differs:\n  " + "\n  ".join(narration.differences))
        return EXIT_DIFFERS
    print("\ndemo: ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
