"""A reclaim action that changes after it was carried out, while the volume still exists.

An administrator annotates a volume `retain` or `archive`, and its directory is in the trash
already, or was left to the volumes that share it. It goes back to its path then, as for a volume
that is set to Retain (`recover_directory.py`), and the reclaim goes on from there.
"""

from __future__ import annotations

from dataclasses import replace

from holdfast.claims.constants import ON_DELETE
from holdfast.claims.parameters import Action, strictest
from holdfast.exports import misfiled_records
from holdfast.exports.errors import Unsafe
from holdfast.exports.ledger import trash_of
from holdfast.exports.operation import Operation
from holdfast.exports.reclaim_directory import stays
from holdfast.exports.record import DirectoryTaken, Record, State
from holdfast.exports.recover_directory import inode_in_trash, keep_in_trash, recover_locked


def undo_delete(op: Operation, record: Record, action: Action) -> None:
    """Makes a record that was deleted live again, if its volume's action says otherwise by now.

    Raises:
        Unsafe: the directory cannot be moved back to its path; until it can be, the reaper leaves
            it alone, also if the volume is removed by force.
        TimedOut: another call holds the lock of the directory or of its trash.
    """
    if action is Action.DELETE or record.state is not State.TRASHED:
        return
    with op.locked(trash_of(record.volume)):
        found = op.ledger.find(record.volume)
        if found is None or found.state is not State.TRASHED:
            return
        if inode_in_trash(op, found) is not None:
            _move_out_of_trash(op, found, action)
        elif _must_demand(op, found, action):
            recover_locked(op, found, found.reclaim_policy)


def _move_out_of_trash(op: Operation, record: Record, action: Action) -> None:
    record = keep_in_trash(op, record, replace(record, retained_in_trash=True))
    try:
        recover_locked(op, record, record.reclaim_policy)
    except (Unsafe, DirectoryTaken) as error:
        raise Unsafe(
            f"its action is {str(action)!r} by now, but its directory is at "
            f"{trash_of(record.volume)!r} and cannot be moved back: {error.message}; or copy what "
            f"is needed of it by hand, then set annotation {ON_DELETE} to 'delete'"
        ) from error


def _must_demand(op: Operation, record: Record, action: Action) -> bool:
    """Whether a volume left its directory to others, and has not demanded this action for it.

    Not if what is at the path now is a later directory.
    """
    if not record.may_be_shared or misfiled_records.directory_of(op, record) is None:
        return False
    demands = op.ledger.demands(record.directory)
    return strictest([action, *demands]) not in demands and stays(op, record)
