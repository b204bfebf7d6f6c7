"""Which file system the export was on: fsync costs nothing on some."""

from __future__ import annotations

import os
from pathlib import Path


def describe(folder: Path) -> str:
    """The type and source of the file system that holds a folder, proc_pid_mountinfo(5)."""
    device = folder.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[2] == wanted:
            kind, source = after.split()[:2]
            return f"{kind} ({source})"
    return f"a file system that is not in mountinfo ({wanted})"
