"""What the reaper costs: memory, calls and time have bounds, whatever tenants left (rule 6)."""

from __future__ import annotations

import errno
import os
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports import trash_reaper
from tests.unit.exports.given import Leading, published


def trashed(export: Leading, root: Path) -> Path:
    published(export, directory="data")
    return root / export.reclaim("pvc-1", "1", Action.DELETE).place


def fill(folder: Path, number: int, name: str = "n" * 240) -> None:
    handle = os.open(folder, os.O_RDONLY)
    for one in range(number):
        os.mknod(f"{one:08d}{name}", dir_fd=handle)
    os.close(handle)


def count(monkeypatch: pytest.MonkeyPatch, name: str) -> list[str]:
    """The names that a function of `os` is called with from now on."""
    call, names = getattr(os, name), list[str]()

    def counted(what: str, *given: int, **place: int) -> object:
        names.append(what)
        return call(what, *given, **place)

    monkeypatch.setattr(os, name, counted)
    return names


def test_the_memory_does_not_grow_with_a_directory(root: Path, export: Leading) -> None:
    """A listing of all its names would take 30 MiB."""
    fill(trashed(export, root), 100_000)
    grant = export.grant

    tracemalloc.start()
    try:
        reaped = export.exports.reap(grant, "pvc-1", 20_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert (reaped.removed, reaped.blocked) == (20_000, ())
    assert peak < 1 << 20


def test_many_volumes_in_the_trash_cost_few_calls_where_nothing_may_be_removed(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose turn it is can be told without reading a record."""
    export.begin()
    fill(root / ".holdfast/trashed", 300, "")
    opened = count(monkeypatch, "open")

    assert len(export.exports.trashed()) == 300
    assert len(opened) < 10


def test_one_volumes_turn_does_not_depend_on_how_many_others_there_are(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Constant cost: nothing reads the others' records."""
    trashed(export, root)
    grant = export.grant
    fill(root / ".holdfast/trashed", 300, "")
    opened = count(monkeypatch, "open")

    assert not export.exports.reap(grant, "pvc-1", 0).done
    assert len(opened) < 20


def test_what_cannot_be_removed_does_not_keep_from_what_lies_behind_it(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = trashed(export, root)
    fill(folder, 200, "bad")
    fill(folder, 20, "good")
    refuse(monkeypatch)

    reaped = export.exports.reap(export.grant, "pvc-1", 21)

    assert (reaped.removed, reaped.blocked, reaped.done) == (20, ("EACCES",), False)
    assert reaped.age >= 0
    assert not list(folder.glob("*good"))


def refuse(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Has every file that is bad refused; the names that were tried."""
    unlink, tried = os.unlink, list[str]()

    def refused(name: str, *, dir_fd: int) -> None:
        tried.append(name)
        if name.endswith("bad"):
            raise PermissionError(errno.EACCES, "Permission denied")
        unlink(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", refused)
    return tried


def test_trying_in_vain_has_a_bound_too(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(trashed(export, root), 2000, "bad")
    tried = refuse(monkeypatch)

    reaped = export.exports.reap(export.grant, "pvc-1", 10)

    assert (reaped.removed, reaped.blocked) == (0, ("EACCES",))
    assert len(tried) == 10 * trash_reaper._TRIES


def test_few_handles_are_open_however_deep_a_tree_is(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = trashed(export, root)
    handle = os.open(folder, os.O_RDONLY)
    for _ in range(500):
        os.mkdir("d", dir_fd=handle)
        handle, above = os.open("d", os.O_RDONLY, dir_fd=handle), handle
        os.close(above)
    os.close(handle)
    before, most = handles(), [0]
    rmdir = os.rmdir

    def watch(name: str, *, dir_fd: int) -> None:
        most.append(handles())
        rmdir(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "rmdir", watch)

    assert export.reap() == 0
    assert handles() == before
    assert max(most) < before + 150


def handles() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_volume_that_is_empty_is_removed_with_its_last_entry_next_time(
    root: Path, export: Leading
) -> None:
    """The bound is exact, the volume's own folder included."""
    fill(trashed(export, root), 3)
    grant = export.grant

    first = export.exports.reap(grant, "pvc-1", 3)
    second = export.exports.reap(grant, "pvc-1", 3)

    assert (first.done, first.removed) == (False, 3)
    assert (second.done, second.removed, second.age) == (True, 1, 0.0)


def test_the_age_is_how_long_a_volume_has_been_in_the_trash(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    trashed(export, root)
    moved = (root / ".holdfast/trashed/pvc-1").stat().st_ctime
    monkeypatch.setattr("time.time", lambda: moved + 3600)

    assert export.exports.reap(export.grant, "pvc-1", 0).age == pytest.approx(3600)


class Clock:
    """The monotonic clock, which goes on with each file that is removed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *seconds: float) -> None:
        """`seconds`: what the first removals take; the last of them holds for the rest."""
        self.now, left, unlink = 1000.0, list(seconds), os.unlink

        def slow(name: str, *, dir_fd: int) -> None:
            unlink(name, dir_fd=dir_fd)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        monkeypatch.setattr(os, "unlink", slow)
        monkeypatch.setattr("time.monotonic", lambda: self.now)


def test_on_a_slow_server_a_turn_ends_at_half_of_its_time(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Progress is said while somebody still waits for it."""
    fill(trashed(export, root), 500)
    grant = replace(export.grant, seconds=30)
    clock = Clock(monkeypatch, 0.1)

    reaped = export.exports.reap(grant, "pvc-1", 500)

    assert (reaped.done, reaped.removed, reaped.blocked) == (False, 150, ())
    assert clock.now == pytest.approx(1015, abs=0.2)


def test_what_was_removed_before_the_time_was_up_counts(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a single call took all of it, and no change may be made any more."""
    fill(trashed(export, root), 3)
    grant = replace(export.grant, seconds=30)
    Clock(monkeypatch, 0.1, 0.1, 60)

    reaped = export.exports.reap(grant, "pvc-1", 500)

    assert (reaped.done, reaped.removed, reaped.blocked) == (False, 3, ())
    monkeypatch.undo()
    assert export.reap() == 0
