"""What cannot be removed hides nothing that lies behind it in a volume's trash (rule 6)."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports import trash_reaper
from tests.unit.exports.given import Leading, published


@pytest.fixture
def trash(root: Path, export: Leading) -> Path:
    """The directory of a volume in the trash."""
    published(export, "1", "data")
    return root / export.reclaim("pvc-1", "1", Action.DELETE).place


def _stuck(monkeypatch: pytest.MonkeyPatch, names: list[str]) -> None:
    """Has nothing of these names removed."""
    unlink = os.unlink

    def refused(name: str, *, dir_fd: int) -> None:
        if name in names:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        unlink(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", refused)


def _filled(folder: Path) -> list[str]:
    """The names of 50 new files, in the order in which they are listed."""
    folder.mkdir(exist_ok=True)
    for number in range(50):
        (folder / f"file-{number}").touch()
    return [entry.name for entry in os.scandir(folder) if entry.is_file()]


def _turn(export: Leading, entries: int = 4) -> int:
    return export.exports.reap(export.grant, "pvc-1", entries).removed


@pytest.mark.parametrize("within", [".", "folder"])
def test_the_next_turn_goes_on_behind_what_the_one_before_has_left(
    export: Leading, trash: Path, monkeypatch: pytest.MonkeyPatch, within: str
) -> None:
    monkeypatch.setattr(trash_reaper, "_TRIES", 5)
    *stuck, _ = _filled(trash / within)
    _stuck(monkeypatch, stuck)

    removed = [_turn(export) for _ in range(4)]

    assert sum(removed) == 1
    assert sorted(path.name for path in (trash / within).iterdir()) == sorted(stuck)


def test_folders_that_cannot_be_emptied_are_gone_past_too(
    export: Leading, trash: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash_reaper, "_TRIES", 5)
    for number in range(15):
        (trash / f"folder-{number}").mkdir()
        (trash / f"folder-{number}/stuck").touch()
    *_, last = (entry.name for entry in os.scandir(trash) if entry.is_dir())
    (trash / last / "stuck").rename(trash / last / "file")
    _stuck(monkeypatch, ["stuck"])

    removed = [_turn(export) for _ in range(3)]

    assert sum(removed) == 2
    assert not (trash / last).exists()


def test_once_what_was_in_the_way_can_be_removed_all_of_it_goes(
    export: Leading, trash: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash_reaper, "_TRIES", 5)
    names = _filled(trash)
    with monkeypatch.context() as patch:
        _stuck(patch, names)
        assert _turn(export) == 0

    turns = 0
    while export.exports.trashed():
        assert _turn(export, 20)
        turns += 1
    assert turns <= 4


def test_a_free_name_for_what_lies_deep_is_not_looked_for(
    export: Leading, trash: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(300):
        (trash / f"part-{number}").touch()
    (trash / "/".join(["x"] * 60)).mkdir(parents=True)
    stat, names = os.stat, list[str]()

    def spied(name: str, *args: object, **place: object) -> os.stat_result:
        names.append(name)
        return stat(name, *args, **place)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", spied)
    assert export.reap() == 0

    assert len([name for name in names if name == "part-7"]) <= 1
