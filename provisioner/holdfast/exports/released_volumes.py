"""Released volumes: finds the record that a reclaim needs, and repairs it after a crash."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from holdfast.claims.parameters import Action
from holdfast.exports import (
    changed_action,
    misfiled_records,
    reclaim_directory,
    record_origin,
    reserve,
)
from holdfast.exports.confirm import confirm
from holdfast.exports.errors import Unsafe
from holdfast.exports.interface import Moved
from holdfast.exports.operation import Operation
from holdfast.exports.record import Record

T = TypeVar("T")


def reclaim_volume(op: Operation, volume: str, claim_uid: str, action: Action) -> Moved:
    """Carries out a reclaim action on the directory of a volume that the claim released.

    Raises:
        Unsafe: no record names the volume and the claim, or it is another cluster's; or as
            `reclaim.reclaim`.
        DirectoryTaken: as `reclaim.reclaim`.
        TimedOut: another call holds the lock of the directory.
    """
    return _reclaimed(reclaim_directory.reclaim, op, volume, claim_uid, action)


def leave_volume(op: Operation, volume: str, claim_uid: str, action: Action) -> Moved | None:
    """As `reclaim_volume`, if other volumes share the directory; None if it is the last of them."""
    return _reclaimed(reclaim_directory.leave, op, volume, claim_uid, action)


def _reclaimed(
    how: Callable[[Operation, Record, Action], T],
    op: Operation,
    volume: str,
    claim_uid: str,
    action: Action,
) -> T:
    def reclaimed() -> T:
        misfiled_records.refiled(op, _recorded(op, volume, claim_uid))
        return how(op, _recorded(op, volume, claim_uid), action)

    def frees() -> bool:
        return action is Action.DELETE and reclaim_directory.frees(
            op, _recorded(op, volume, claim_uid)
        )

    changed_action.undo_delete(op, _recorded(op, volume, claim_uid), action)
    with op.locked(_recorded(op, volume, claim_uid).directory):
        confirm(op, volume)  # in case a crash prevented it
        return reserve.used_if_full(op, reclaimed, frees=frees)


def _recorded(op: Operation, volume: str, claim_uid: str) -> Record:
    record = op.ledger.find(volume)
    if record is not None:
        record_origin.refuse_others(op, record)
    if record is None or record.claim.uid != claim_uid:
        raise Unsafe(f"no record names volume {volume} and claim uid {claim_uid}")
    return record
