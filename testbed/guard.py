"""Kills what its parent started when the parent is gone, however it went.

A program of its own (`python guard.py`, reading stdin), because a parent that was killed runs no
clean-up. PR_SET_PDEATHSIG was rejected: the kernel ties it to the *thread* that forked (prctl(2)),
so a program that a test starts from a short-lived thread would be killed with that thread.

Each line on stdin is `+PID` or `-PID`: the leader of a process group to look after, or no longer.
The end of input is the parent's end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterable


def guard(lines: Iterable[str]) -> None:
    """Read which groups live until the input ends, then kill those that are left."""
    groups: set[int] = set()
    for line in lines:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    guard(sys.stdin)
