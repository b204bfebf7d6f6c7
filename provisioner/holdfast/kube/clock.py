"""The clock that leadership is measured by: seconds since the machine booted, suspend included.

CLOCK_MONOTONIC stands still while a machine is suspended; a leader that wakes up would count
on seconds in which another took its lease.
"""

from __future__ import annotations

import time


def boottime() -> float:
    """Seconds since boot; never goes back, whatever is done to the wall clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
