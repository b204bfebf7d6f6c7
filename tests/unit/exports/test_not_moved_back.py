"""A live volume's data that a sweep cannot move back: it is reported, and retried (rule 7)."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from holdfast.exports.errors import TimedOut
from holdfast.exports.interface import MovedBack
from tests.unit.exports.given import Leading, published


def moving(export: Leading, root: Path, uid: str) -> str:
    """Moves a live volume's directory into the term's folder; where it is then."""
    published(export, uid, f"d{uid}")
    (root / f"d{uid}/file").write_text(f"data of {uid}")
    (term,) = root.glob(".holdfast/terms/*/[0-9]*")
    (root / f"d{uid}").rename(term / f"-pvc-{uid}")
    return f".holdfast/terms/…/-pvc-{uid}"


def swept(export: Leading) -> tuple[MovedBack, ...]:
    return export.exports.sweep(export.grant)


def test_that_another_directory_is_in_its_place_is_said_until_it_is_gone(
    root: Path, either: Leading
) -> None:
    place = moving(either, root, "1")
    (root / "d1").mkdir()

    for _ in range(2):
        (said,) = swept(either)
        assert (said.volume, said.directory, said.found_at) == ("pvc-1", "d1", place)
        assert "'d1' exists, move it away" in said.reason

    (root / "d1").rmdir()
    assert swept(either) == (MovedBack("pvc-1", "d1", place),)
    assert (root / "d1/file").read_text() == "data of 1"


def test_an_error_of_the_server_is_said_and_keeps_nothing_else_from_its_place(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    for uid in "12":
        moving(export, root, uid)
    rename = os.rename

    def bad(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        if target == "d1":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", bad)

    bad_one, back = swept(export)

    assert (bad_one.volume, bad_one.reason.partition(";")[0]) == ("pvc-1", "Input/output error")
    assert (back.volume, back.reason) == ("pvc-2", "")


def test_what_is_found_in_the_trash_and_cannot_be_put_back_is_said(
    root: Path, either: Leading
) -> None:
    published(either, "1", "data")
    (root / "data/file").write_text("data")
    (root / "data").rename(root / ".holdfast/trash/pvc-1")
    (root / "data").mkdir()

    (said,) = swept(either)

    assert (said.volume, said.directory) == ("pvc-1", "data")
    assert "'data' exists, move it away" in said.reason
    (root / "data").rmdir()
    assert [back.reason for back in swept(either)] == [""]


def test_a_record_that_cannot_be_read_is_said_of_the_data_that_waits_for_it(
    root: Path, export: Leading
) -> None:
    moving(export, root, "1")
    (root / ".holdfast/volumes/pvc-1").write_text("half a rec")

    (said,) = swept(export)

    assert (said.volume, said.directory) == ("pvc-1", "")
    assert "cannot parse the record" in said.reason


def test_what_is_back_is_said_where_the_time_is_up_for_the_rest(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would hear of it later; that there was no time says nothing of the rest."""
    for uid in "12":
        moving(export, root, uid)
    mkdir = os.mkdir

    def slow(name: str, mode: int, *, dir_fd: int) -> None:
        if name == "d2":
            raise TimedOut("not done within 30 s")
        mkdir(name, mode, dir_fd=dir_fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "mkdir", slow)
        assert [(one.volume, one.reason) for one in swept(export)] == [("pvc-1", "")]
    assert [(one.volume, one.reason) for one in swept(export)] == [("pvc-2", "")]
