"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(
    condition: Callable[[], bool],
    deadline: float = 20.0,
    what: str = "",
    *,
    pause: float = 0.05,
) -> None:
    """Return as soon as `condition` holds; it is asked anew `pause` seconds after each no.

    Raises:
        TimeoutError: it did not hold within `deadline` seconds; the message is `what`.
    """
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {deadline} s: {what or condition}")
        time.sleep(pause)
