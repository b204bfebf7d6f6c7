"""The file `.holdfast/export`: the id and format version of an export.

The id tells the export from another one, from an empty folder, and from another cluster's data.
"""

from __future__ import annotations

import json
import os
import re
import uuid
from contextlib import suppress

from holdfast.exports import tree
from holdfast.exports.errors import ExportUnavailable, Unsafe, WrongExport
from holdfast.exports.interface import ExportInfo
from holdfast.exports.record import timestamp

NAME = "export"
FORMAT = 2
_DRAFT = f".{NAME}-"
_DAMAGED = (ValueError, TypeError, KeyError, OverflowError, RecursionError, Unsafe)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")


def new_export_id() -> str:
    """A new random id."""
    return str(uuid.uuid4())


def read(holdfast: int) -> ExportInfo:
    """Reads the identity in a handle of `.holdfast`; without a file the id is empty.

    Raises:
        ExportUnavailable: it cannot be parsed, or a later version of Holdfast wrote it.
    """
    try:
        return _parsed(holdfast)
    except _DAMAGED as error:
        raise ExportUnavailable(
            f"cannot parse .holdfast/{NAME} ({error}): restore it from a backup, or remove it and "
            "run `holdfast exports accept`"
        ) from error


def read_known(holdfast: int) -> ExportInfo:
    """As `read`; raises ExportUnavailable if the export has no id, too."""
    info = read(holdfast)
    if not info.id:
        raise ExportUnavailable("the export has no id (.holdfast/export): initialise it first")
    return info


def read_damaged(holdfast: int) -> ExportInfo:
    """As `read`; a file that cannot be parsed counts as missing."""
    try:
        return _parsed(holdfast)
    except _DAMAGED:
        return ExportInfo(format=1)


def _parsed(holdfast: int) -> ExportInfo:
    try:
        held = json.loads(tree.read_file(holdfast, NAME, f".holdfast/{NAME}"))
    except FileNotFoundError:
        return ExportInfo(format=1)
    info = ExportInfo(_checked(held["id"]), _checked_format(held["format"]))
    if info.format > FORMAT:
        raise ExportUnavailable(
            f"the export's format is {info.format}, this Holdfast supports up to {FORMAT}: "
            "upgrade Holdfast"
        )
    return info


def is_id(text: str) -> bool:
    """Whether a text is a valid id of an export."""
    return _ID.fullmatch(text) is not None


def _checked(export_id: object) -> str:
    if isinstance(export_id, str) and is_id(export_id):
        return export_id
    raise ValueError(f"invalid id {export_id!r}")


def _checked_format(number: object) -> int:
    if type(number) is int and number > 0:
        return number
    raise ValueError(f"invalid format {number!r}")


def write_first(holdfast: int, export_id: str) -> ExportInfo:
    """Writes the id unless there is one; returns the identity that the export then has."""
    if not (held := read(holdfast)).id:
        _check_new(export_id)
        draft = _draft()
        _write(holdfast, draft, export_id)
        # link(2) never replaces a file. The replica that was first removes all drafts.
        with suppress(FileExistsError, FileNotFoundError):
            os.link(draft, NAME, src_dir_fd=holdfast, dst_dir_fd=holdfast, follow_symlinks=False)
        held = read(holdfast)
    _remove_drafts(holdfast)
    os.fsync(holdfast)
    return held


def replace(holdfast: int, export_id: str) -> None:
    """Replaces the id, after an administrator accepted the export."""
    _check_new(export_id)
    draft = _draft()
    _write(holdfast, draft, export_id)
    os.replace(draft, NAME, src_dir_fd=holdfast, dst_dir_fd=holdfast)
    os.fsync(holdfast)


def check(info: ExportInfo, export_id: str) -> None:
    """Raises WrongExport if the export does not have this id."""
    if info.id != export_id:
        found = f"the export {info.id}" if info.id else "an export without .holdfast/export"
        raise WrongExport(
            f"{found} is mounted here, not {export_id}: mount that one, or, if this is to take "
            "its place, run `holdfast exports accept`"
        )


def _check_new(export_id: str) -> None:
    try:
        _checked(export_id)
    except ValueError as error:
        raise Unsafe(f"{error}: use at most 64 letters, digits and hyphens") from error


def _write(holdfast: int, name: str, export_id: str) -> None:
    content = {"id": export_id, "format": FORMAT, "created": timestamp()}
    tree.write_new(holdfast, name, f"{json.dumps(content, indent=1)}\n".encode())


def _draft() -> str:
    return f"{_DRAFT}{uuid.uuid4().hex[:8]}"


def _remove_drafts(holdfast: int) -> None:
    for name in os.listdir(holdfast):
        if name.startswith(_DRAFT):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=holdfast)
