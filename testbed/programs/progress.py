"""How far a download is, in lines that are not too many."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

_PAUSE: Final = 2.0  # seconds between two lines
_MB: Final = 1_000_000


def _silent(_: str) -> None:
    """Tell nobody."""


class Progress:
    """Counts the bytes of one file, and reports them every two seconds and at the end.

    Args:
        name: of the file, for the lines.
        report: told the lines.
        pause: seconds between two of them.

    Attributes:
        done: bytes so far.
    """

    def __init__(
        self, name: str = "", report: Callable[[str], None] = _silent, pause: float = _PAUSE
    ) -> None:
        self._name = name
        self._report = report
        self._pause = pause
        self._total: int | None = None
        self._told = self._started = time.monotonic()
        self.done = 0

    def begin(self, total: int | None) -> None:
        """The transfer begins; `total` is its size in bytes, where the server says it."""
        self._total = total

    def add(self, size: int) -> None:
        """So many bytes more have arrived."""
        self.done += size
        now = time.monotonic()
        if now - self._told >= self._pause:
            self._told = now
            self._report(f"{self._name}: {self._amount()}")

    def end(self) -> None:
        """Nothing more arrives.

        Raises:
            OSError: less than the server said.
        """
        if self._total is not None and self.done < self._total:
            raise OSError(f"the connection ended after {self._amount()}")
        seconds = time.monotonic() - self._started
        self._report(f"{self._name}: {self._amount()} in {seconds:.0f} s")

    def _amount(self) -> str:
        if self._total is None:
            return f"{_megabytes(self.done)} MB"
        return f"{_megabytes(self.done)} of {_megabytes(self._total)} MB"


def _megabytes(size: int) -> str:
    """Whole ones, and of a small file what there is of one."""
    return f"{size / _MB:.0f}" if size >= 10 * _MB else f"{size / _MB:.3g}"
