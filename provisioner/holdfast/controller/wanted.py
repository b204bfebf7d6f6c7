"""What is asked of the export to make the directory of a volume."""

from __future__ import annotations

from holdfast.claims.decide import Plan
from holdfast.exports.interface import Wanted
from holdfast.exports.record import Record


def wanted_of_plan(plan: Plan) -> Wanted:
    """The request of a plan."""
    return Wanted(
        volume=plan.volume,
        directory=plan.directory,
        claim=plan.ref,
        storage_class=plan.storage_class.name,
        size=plan.claim.size,
        reclaim_policy=plan.storage_class.reclaim_policy,
        on_delete=plan.action,
        shared=plan.shared,
        use_existing=plan.use_existing,
        mode=plan.ownership.mode,
        uid=plan.ownership.uid,
        gid=plan.ownership.gid,
    )


def wanted_of_record(record: Record) -> Wanted:
    """The request that an earlier process made, by the record that it left."""
    return Wanted(
        volume=record.volume,
        directory=record.directory,
        claim=record.claim,
        storage_class=record.storage_class,
        size=record.size,
        reclaim_policy=record.reclaim_policy,
        on_delete=record.on_delete,
        shared=record.shared,
        use_existing=_used_existing(record),
        mode=_mode(record.mode),
        uid=record.uid,
        gid=record.gid,
    )


def _used_existing(record: Record) -> bool:
    """Whether the class let the volume use a directory that no record named.

    One that shares or reuses a directory finds it too, and takes over that it is foreign: what its
    class says is unknown.
    """
    return record.foreign and not (record.shared or record.succeeds)


def _mode(octal: str) -> int:
    """The mode in a record; one that somebody garbled is refused by the export."""
    try:
        return int(octal, 8)
    except ValueError:
        return -1
