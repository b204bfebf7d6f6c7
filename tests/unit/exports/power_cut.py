"""A real file system on a disk of its own, whose power is cut after each operation.

Run by `test_power_cut.py` in a process and a mount namespace of its own: `python power_cut.py
FOLDER`. The disk is a file: what ext4 has not yet given to the disk is in memory only, so a copy
of that file is the disk as a power cut would leave it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from holdfast.claims.objects import ClaimRef
from holdfast.claims.parameters import Action
from tests.unit.exports.given import ID, Leading, adopted, listing, plan


@contextmanager
def mounted(disk: Path, folder: Path) -> Iterator[Path]:
    folder.mkdir()
    # No commit by itself within the test: only what is synced reaches the disk.
    subprocess.run(["mount", "-o", "loop,commit=3600", str(disk), str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def tree(root: Path) -> dict[str, tuple[str, ...]]:
    return {path: what for path, what in listing(root).items() if path != "lost+found"}


def after_power_cut(disk: Path, folder: Path) -> dict[str, tuple[str, ...]]:
    """What is on the disk, had its power been cut now."""
    copy = disk.with_name("copy")
    shutil.copyfile(disk, copy)
    with mounted(copy, folder) as root:
        return tree(root)


def operations(export: Leading) -> Iterator[tuple[str, Callable[[], object]]]:
    """A life of several volumes, each step of which is acknowledged."""
    yield "initialise", lambda: export.exports.initialise(ID)
    yield "begin", lambda: export.takeover
    for uid, directory in (("1", "team/data"), ("2", "team/other"), ("3", "alone"), ("4", "d/e/f")):
        yield f"create {uid}", partial(export.create, plan(uid, directory))
        yield f"confirm {uid}", partial(export.confirm, f"pvc-{uid}")
    yield "create 5", lambda: export.create(plan("5", "undone/x"))
    yield "undo 5", lambda: export.undo("pvc-5")
    yield "adopt 6", lambda: export.adopt(adopted("6", "team/inherited"))
    claim = ClaimRef("team", "another", "uid")
    yield (
        "update_record 3",
        lambda: export.exports.update_record(export.grant, "pvc-3", claim, "2Gi", "Retain"),
    )
    yield "delete 1", lambda: export.reclaim("pvc-1", "1", Action.DELETE)
    yield "archive 2", lambda: export.reclaim("pvc-2", "2", Action.ARCHIVE)
    yield "retain 4", lambda: export.reclaim("pvc-4", "4", Action.RETAIN)
    yield "reuse 7", lambda: export.create(plan("7", "d/e/f"), ["pvc-4"])
    yield "confirm 7", lambda: export.confirm("pvc-7")


def main(folder: Path) -> None:
    disk, root = folder / "disk", folder / "root"
    disk.touch()
    with disk.open("r+b") as file:
        file.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(disk)], check=True)
    with mounted(disk, root):
        for what, operation in operations(Leading(root)):
            operation()
            acknowledged = tree(root)
            assert after_power_cut(disk, folder / "copied") == acknowledged, what
            sys.stdout.write(f"{what}\n")
        (root / "not-synced").mkdir()
        assert "not-synced" not in after_power_cut(disk, folder / "copied")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
