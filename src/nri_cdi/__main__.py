"""``python -m nri_cdi`` is ``nri-cdi``."""

from __future__ import annotations

import sys

from nri_cdi.cli import main

if __name__ == "__main__":
    sys.exit(main())
