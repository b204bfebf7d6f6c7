"""What keeps the trash from being emptied is named with the entry, and what to look for."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.blocked_entries import Blocked
from tests.unit.exports.given import Leading, published


def refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Has the server refuse to remove every file `f`."""
    unlink = os.unlink

    def refused(name: str, *, dir_fd: int) -> None:
        if name == "f":
            raise OSError(number, os.strerror(number))
        unlink(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", refused)


def trashed(export: Leading, root: Path, *files: str) -> Path:
    published(export, directory="data")
    folder = root / export.reclaim("pvc-1", "1", Action.DELETE).place
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    return folder


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (
            errno.EPERM,
            "Operation not permitted: look for an immutable file (lsattr) or root_squash",
        ),
        (errno.EACCES, "Permission denied: look for root_squash on the server"),
        (errno.EROFS, "Read-only file system: export it with rw"),
        (errno.EBUSY, "Device or resource busy: it is in use on the server"),
    ],
)
def test_the_entry_is_named_and_what_to_look_for(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    trashed(export, root, "f", "other")
    refuse(monkeypatch, number)

    reaped = export.exports.reap(export.grant, "pvc-1", 100)

    assert reaped.blocked == (errno.errorcode[number],)
    [detail] = reaped.details
    assert detail.startswith(f"'f': {said}")


def test_an_entry_in_folders_is_named_with_its_path(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    trashed(export, root, "a/b/f", "c/file")
    refuse(monkeypatch, errno.EPERM)

    [detail] = export.exports.reap(export.grant, "pvc-1", 100).details

    assert detail.startswith("'a/b/f': ")


def test_each_reason_has_its_first_entry() -> None:
    blocked = Blocked()
    for number, place in (errno.EPERM, "x"), (errno.EPERM, "y"), (errno.EIO, "z"):
        blocked.note(OSError(number, ""), place)
    blocked.note_mount("sub")

    assert blocked.reasons == ("EIO", "EPERM", "a mount beneath it")
    assert [detail.partition(":")[0] for detail in blocked.details] == ["'z'", "'x'", "'sub'"]


def test_the_deleted_directory_itself_has_no_name() -> None:
    blocked = Blocked()
    blocked.note(OSError(errno.ENOTEMPTY, ""), "")

    assert blocked.details == (
        "Directory not empty: something still writes to it: stop what uses it",
    )


def test_a_path_that_is_long_or_not_utf_8_fits_into_an_event() -> None:
    blocked = Blocked()
    blocked.note(OSError(errno.EPERM, ""), os.fsdecode(b"d/" * 2000 + b"\xff"))

    [detail] = blocked.details

    assert len(detail.encode()) < 400
    assert "d/\\udcff': " in detail


def test_an_error_without_advice_is_described() -> None:
    blocked = Blocked()
    blocked.note(OSError(errno.ENAMETOOLONG, ""), "f")

    assert blocked.details == ("'f': File name too long",)
