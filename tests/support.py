"""What tests of every kind need."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_PAUSE = 0.05


class Clock:
    """Tells the time in place of a system clock; only the test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def eventually(look: Callable[[], T | None], within: float = 45.0, what: str = "") -> T:
    """The first true value that `look` gives; fails when none came within so many seconds."""
    end = time.monotonic() + within
    while not (seen := look()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {within:g} s: {what or look}")
        time.sleep(_PAUSE)
    return seen
