"""Records of volumes that are gone, which give way to an inherited volume at their path.

While nfs-subdir-external-provisioner was in charge again, it knew nothing of records: it may have
deleted a volume with its directory, and created another volume at the path, or handed on a
directory that was to be retained. The record of the former volume then stands in the way.
"""

from __future__ import annotations

from dataclasses import replace

from holdfast.exports import misfiled_records, parents, record_origin
from holdfast.exports.errors import Unsafe
from holdfast.exports.operation import Operation
from holdfast.exports.record import Record


def gives_way(op: Operation, other: Record, record: Record) -> bool:
    """Whether the record `other`, whose volume is gone, gives way to the new one, `record`.

    Either `record` takes over the directory, as a claim of the same namespace may reuse a retained
    one, or the directory of `other` does not exist any more. An administrator decides about what
    was to be retained, or was there before any volume, for another namespace; and about a record
    of unknown origin, whose volume another cluster may use.

    Raises:
        Unsafe: the directory of `other` is in the trash or in a term's folder.
    """
    is_unfinished = not other.in_place or op.ledger.creating(other.volume) is not None
    if is_unfinished or not other.origin or not record_origin.is_ours(op, other):
        return False
    if place := misfiled_records.moved_to(op, other.volume):
        raise Unsafe(
            f"the directory of volume {other.volume} of claim {other.claim}, which is gone, is at "
            f"{place!r}: move it elsewhere on the export, or remove it if it is not needed; "
            f"Holdfast will record volume {record.volume} then"
        )
    if other.directory == record.directory and other.claim.namespace == record.claim.namespace:
        return True
    if not other.inode.number or other.was_retained or other.foreign:
        return False
    return misfiled_records.directory_of(op, other) is None


def forget_former(op: Operation, record: Record) -> Record:
    """Removes the records that gave way to an inherited volume; returns its record as it is then.

    The volume's own record names them until all are removed: after a crash, this is repeated.
    """
    if not (record.inherited and record.succeeds):
        return record
    for volume in record.succeeds:
        if former := op.ledger.find(volume):
            op.ledger.forget(former)
            parents.prune(op, former.directory)
    record = replace(record, succeeds=())
    op.ledger.write(record)
    return record
