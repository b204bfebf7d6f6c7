"""What needs file systems of its own: full ones, read-only ones, mounts within, other users.

Run by `test_other_file_systems.py`, each scenario in a process and a mount namespace of its own:
`python scenarios.py NAME FOLDER`. No mount outlives the process, and nobody else sees it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from holdfast.claims.ownership import Ownership
from holdfast.claims.parameters import Action
from holdfast.exports.errors import ExportError, Failed, Unsafe, WrongExport
from holdfast.exports.interface import ExportInfo
from holdfast.exports.record import State
from tests.unit.exports.given import (
    ID,
    Leading,
    adopted,
    export_at,
    found,
    listing,
    plan,
    published,
    touched,
)

NOBODY = 65534


def mount(folder: Path, options: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "holdfast", str(folder)], check=True)


def unmount(folder: Path, *options: str) -> None:
    subprocess.run(["umount", *options, str(folder)], check=True)


def reap(export: Leading) -> int:
    return export.reap()


def with_data(export: Leading, root: Path, uid: str, directory: str) -> None:
    published(export, uid, directory)
    (root / directory / "file").write_text(f"data of {uid}")


def fill_with_bytes(folder: Path) -> None:
    with (folder / "big").open("wb", buffering=0) as file, no_space_left():
        while True:
            file.write(b"x" * 4096)


def fill_with_files(folder: Path) -> None:
    with no_space_left():
        for number in range(10**6):
            (folder / f"{number}").touch()


@contextmanager
def no_space_left() -> Iterator[None]:
    with pytest.raises(OSError, match="No space left"):
        yield


def full_of_bytes(root: Path) -> None:
    """Not one byte can be written."""
    _full(root, "size=256k", fill_with_bytes)


def full_of_files(root: Path) -> None:
    """Not one file or directory can be made."""
    _full(root, "size=4m,nr_inodes=90", fill_with_files)


def _full(root: Path, options: str, fill: Callable[[Path], None]) -> None:
    mount(root, options)
    export = export_at(root)
    _with_volumes(export, root)
    fill(root / "fat")
    before = listing(root, records=False)

    with pytest.raises(Failed, match="the export is full: remove data or archives"):
        export.create(plan("4", "new"))
    export.undo("pvc-4")
    with pytest.raises(Failed, match="the export is full"):
        export.adopt(adopted("5", "kept-too"))
    with pytest.raises(Failed, match="the export is full"):
        export.reclaim("pvc-3", "3", Action.ARCHIVE)
    assert listing(root, records=False) == before
    export.probe()
    export.begin()  # another replica leads

    assert export.reclaim("pvc-6", "6", Action.DELETE).outcome == "gone"
    assert export.exports.move_back(export.grant, "pvc-7") == "moving"
    assert (root / "moving/file").read_text() == "data of 7"
    assert export.reclaim("pvc-1", "1", Action.DELETE).outcome == "trashed"
    assert found(export, "1").state is State.TRASHED
    assert reap(export) == 0

    assert export.reclaim("pvc-3", "3", Action.ARCHIVE).place == "archived-archived"
    with_data(export, root, "4", "new")
    export.adopt(adopted("5", "kept-too"))
    assert (root / "kept/file").read_text() == "data of 2"
    assert not list((root / ".holdfast").rglob(".*.new"))
    assert export.recorded() == {"pvc-2", "pvc-3", "pvc-4", "pvc-5", "pvc-7"}


def _with_volumes(export: Leading, root: Path) -> None:
    """Three as they should be, one whose directory is gone, one whose is on its way out."""
    for uid, directory in (("1", "fat"), ("2", "kept"), ("3", "team/archived"), ("7", "moving")):
        with_data(export, root, uid, directory)
    published(export, "6", "gone")
    (root / "gone").rmdir()
    (term,) = root.glob(".holdfast/terms/*/[0-9]*")
    (root / "moving").rename(term / "-pvc-7")


def inherited_on_full_of_bytes(root: Path) -> None:
    """A volume without a record is deleted all the same."""
    _inherited(root, "size=1m", fill_with_bytes)


def inherited_on_full_of_files(root: Path) -> None:
    """As above, where not one file or directory can be made."""
    _inherited(root, "size=4m,nr_inodes=90", fill_with_files)


def _inherited(root: Path, options: str, fill: Callable[[Path], None]) -> None:
    mount(root, options)
    export = export_at(root)
    (root / "a/b/c").mkdir(parents=True)
    export.exports.sweep(export.grant)
    fill(root / "a/b/c")

    with pytest.raises(Failed, match="the export is full: remove data or archives"):
        export.adopt(adopted("1", "a/b/c"))
    export.exports.adopt(export.grant, adopted("1", "a/b/c"), may_use_reserve=True)
    assert export.reclaim("pvc-1", "1", Action.DELETE).outcome == "trashed"
    assert reap(export) == 0

    assert export.recorded() == set()
    export.exports.sweep(export.grant)
    assert len(list(root.glob(".holdfast/reserve/*"))) == 16


def read_only(root: Path) -> None:
    """Everything is refused with the reason, and nothing is lost or half done."""
    mount(root, "size=1m")
    export = export_at(root)
    with_data(export, root, "1", "team/data")
    export.create(plan("2", "unconfirmed"))
    with_data(export, root, "3", "deleted")
    export.reclaim("pvc-3", "3", Action.DELETE)
    subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
    before = touched(root), listing(root)

    calls: list[Callable[[], object]] = [
        lambda: export.create(plan("4", "new")),
        lambda: export.confirm("pvc-2"),
        lambda: export.undo("pvc-2"),
        lambda: export.adopt(adopted("5", "team/other")),
        export.probe,
        *(partial(export.reclaim, "pvc-1", "1", action) for action in Action),
    ]
    for call in calls:
        with pytest.raises(Failed, match="export it with rw, and mount it without ro"):
            call()
    reaped = export.exports.reap(export.grant, "pvc-3", 1)
    assert (reaped.done, reaped.blocked) == (False, ("EROFS",))
    assert (touched(root), listing(root)) == before
    assert found(export).state is State.LIVE

    subprocess.run(["mount", "-o", "remount,rw", str(root)], check=True)
    assert export.reclaim("pvc-1", "1", Action.ARCHIVE).place == "archived-data"


def mounted_within(root: Path) -> None:
    """What an administrator mounts within a volume is neither emptied nor taken off."""
    export = export_at(root)
    with_data(export, root, "1", "data")
    mount(root / "data/a/mounted", "size=1m")
    (root / "data/a/mounted/file").write_text("of another file system")
    place = root / export.reclaim("pvc-1", "1", Action.DELETE).place

    assert reap(export) == 1
    assert (place / "a/mounted/file").read_text() == "of another file system"
    assert not (place / "file").exists()
    unmount(place / "a/mounted")
    assert reap(export) == 0


def existing_directory_is_a_mount(root: Path) -> None:
    """A claim that may use existing directories does not get a snapshot or another mount."""
    export = export_at(root)
    mount(root / "snapshots-1", "size=1m")
    (root / "snapshots-1/data").mkdir()

    for directory in ("snapshots-1", "snapshots-1/data"):
        with pytest.raises(Unsafe, match="is on another file system than the export's root"):
            export.create(plan("1", directory, use_existing=True))
    assert export.find("pvc-1") is None


def directory_is_a_mount(root: Path) -> None:
    """A volume on a file system of its own cannot be renamed away: it says so and stays."""
    export = export_at(root)
    mount(root / "data", "size=1m")
    export.adopt(adopted("1", "data"))
    (root / "data/file").write_text("data of 1")

    for action in (Action.DELETE, Action.ARCHIVE, Action.DELETE):
        with pytest.raises(Failed, match=r"another file system|in use"):
            export.reclaim("pvc-1", "1", action)
        assert (root / "data/file").read_text() == "data of 1"
    assert found(export).state is State.LIVE


def directory_is_mounted_over(root: Path) -> None:
    """What an administrator mounts at a volume's path is not the volume's."""
    export = export_at(root)
    published(export, "1", "data")
    mount(root / "data", "size=1m")
    (root / "data/file").write_text("of another file system")

    for action in (Action.DELETE, Action.ARCHIVE, Action.DELETE):
        with pytest.raises(Unsafe, match="is not the directory that was created"):
            export.reclaim("pvc-1", "1", action)
    assert found(export).state is State.LIVE

    unmount(root / "data")
    assert export.reclaim("pvc-1", "1", Action.DELETE).outcome == "trashed"


def unmounted(root: Path) -> None:
    """The empty directory beneath a mount that was lost is not the export."""
    root.mkdir()
    mount(root, "size=1m")
    export = export_at(root)
    with_data(export, root, "1", "data")
    unmount(root, "--lazy")

    calls: list[Callable[[], object]] = [
        lambda: export.reclaim("pvc-1", "1", Action.DELETE),
        lambda: export.create(plan("2", "new")),
        lambda: export.find("pvc-1"),
        lambda: reap(export),
    ]
    for call in calls:
        with pytest.raises(WrongExport, match="mount the export on which the volumes"):
            call()
    assert export.exports.probe() == ExportInfo()
    assert listing(root) == {}


def as_nobody(root: Path) -> None:
    """What root squashing does to us: a tenant's private directory cannot be emptied."""
    root.mkdir()
    os.chdir(root)
    export = Leading(Path())
    if os.geteuid() == 0:
        os.chown(".", NOBODY, NOBODY)
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    export.exports.initialise(ID)
    with_data(export, Path(), "1", "private")
    with_data(export, Path(), "2", "plain")
    Path("private/locked").mkdir()
    Path("private/locked/file").touch()
    Path("private/locked").chmod(0)
    for uid in "12":
        export.reclaim(f"pvc-{uid}", uid, Action.DELETE)

    assert reap(export) == 1
    assert [path.name for path in Path(".holdfast/trash/pvc-1").iterdir()] == ["locked"]
    with pytest.raises(ExportError) as caught:
        export.create(plan("3", "owned", ownership=Ownership(0o770, 1234, 1234)))
    assert "no_root_squash, or request no uid and gid" in caught.value.message
    Path(".holdfast/trash/pvc-1/locked").chmod(0o700)
    assert reap(export) == 0


SCENARIOS: dict[str, Callable[[Path], None]] = {
    scenario.__name__: scenario
    for scenario in (
        full_of_bytes,
        full_of_files,
        inherited_on_full_of_bytes,
        inherited_on_full_of_files,
        read_only,
        mounted_within,
        existing_directory_is_a_mount,
        directory_is_a_mount,
        directory_is_mounted_over,
        unmounted,
        as_nobody,
    )
}

if __name__ == "__main__":
    SCENARIOS[sys.argv[1]](Path(sys.argv[2]) / "export")
