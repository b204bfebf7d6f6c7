"""Ends a move that is no longer wanted: its volume is gone, or is not to be reclaimed any more."""

from __future__ import annotations

from holdfast.claims.parameters import Action
from holdfast.exports import misfiled_records, record_origin
from holdfast.exports.archive_name import is_archive, without_target
from holdfast.exports.operation import Operation
from holdfast.exports.reclaim_directory import move_back, reclaim
from holdfast.exports.record import Record, State


def end_move(op: Operation, volume: str) -> str:
    """Moves a live volume's directory back from the term's folder; "" if it was not there.

    Also drops the name of the archive that it was about to become, unless the directory is there
    already: then it stays archived. That is done for this cluster's records only: another one may
    be in the middle of archiving.

    Raises:
        Unsafe: something else is at its path.
        TimedOut: another call holds the lock of the directory.
    """
    record = op.ledger.find(volume)
    if record is None:
        return ""
    with op.locked(record.directory):
        record = op.ledger.find(volume)  # another call may just have ended it
        if record is None or record.state not in {State.LIVE, State.ARCHIVED}:
            return ""
        place = move_back(op, record) if record.state is State.LIVE else ""
        if place:
            without_target(op, record)
        elif record_origin.is_ours(op, record):
            _end_archiving(op, record)
        return place


def _end_archiving(op: Operation, record: Record) -> None:
    if record.state is State.ARCHIVED or is_archive(op, record):
        reclaim(op, record, Action.ARCHIVE)  # its mark may be left at the former path
    elif misfiled_records.directory_of(op, record) is not None:
        without_target(op, record)
