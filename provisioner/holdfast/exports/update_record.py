"""Updates a record from its PersistentVolume: claim, size and reclaim policy."""

from __future__ import annotations

from holdfast.claims.constants import RETAIN
from holdfast.claims.objects import ClaimRef
from holdfast.exports import leaving_shared, misfiled_records, record_origin, reserve
from holdfast.exports.confirm import confirm_unless_undone
from holdfast.exports.ledger import trash_of
from holdfast.exports.operation import Operation
from holdfast.exports.reclaim_directory import frees
from holdfast.exports.record import Record, State


def update_record(
    op: Operation,
    volume: str,
    claim: ClaimRef,
    size: str,
    reclaim_policy: str,
    *,
    may_use_reserve: bool,
) -> None:
    """Updates the record of a volume, also in the trash; an archived one stays as it is.

    One of a cluster that is gone becomes this cluster's.

    Args:
        op: the operation.
        volume: the PersistentVolume's name.
        claim: the claim that it is bound to.
        size: its capacity, a quantity of Kubernetes such as "1Gi".
        reclaim_policy: its reclaim policy, "Delete" or "Retain".
        may_use_reserve: whether a full export's reserve may be used for the record, if the volume's
            directory goes to the trash in the end.

    Raises:
        DirectoryGone: an undo that failed has taken the directory; `create` makes it again.
        Unsafe: a record cannot be parsed, or is another cluster's.
        TimedOut: another call holds the lock of the directory or of its trash.
    """
    if found := op.ledger.find(volume):
        record_origin.refuse_others(op, found)
    confirm_unless_undone(op, volume)
    record = misfiled_records.find(op, volume)
    if record is None or record.state is State.ARCHIVED:
        return
    now = record_origin.inherited(op, record.updated(claim, size, reclaim_policy))
    if now == record:
        return
    write = _write_trashed if record.state is State.TRASHED else _write
    reserve.used_if_full(
        op,
        lambda: write(op, record, now),
        frees=lambda: may_use_reserve and frees(op, record),
    )
    if record.state is State.LIVE and record.may_be_shared and reclaim_policy == RETAIN:
        leaving_shared.withdraw_if_idle(op, record)


def _write(op: Operation, _: Record, now: Record) -> None:
    op.ledger.write(now)


def _write_trashed(op: Operation, record: Record, now: Record) -> None:
    with op.locked(trash_of(record.volume)):
        if record == op.ledger.find(record.volume):
            op.ledger.write_trashed(now)
