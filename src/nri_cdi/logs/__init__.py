"""Log lines that never hold up a container: see `nri_cdi.logs.writer`."""

from __future__ import annotations

from nri_cdi.logs.process import logging_to_stderr, set_log_format, set_log_level

__all__ = ["logging_to_stderr", "set_log_format", "set_log_level"]
