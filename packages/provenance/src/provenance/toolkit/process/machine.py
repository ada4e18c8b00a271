"""Facts about the machine that this process runs on."""

from __future__ import annotations

import os


def processors() -> int:
    """Processors that this process may use, which on a shared machine may be a few of many.

    Example:
        >>> processors() >= 1
        True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
