"""Which cluster a record belongs to: only that one's leaders change it.

Clusters that share an export may have volumes of the same name: a PersistentVolume is copied with
`kubectl get -o yaml`, or restored into another cluster. It says nothing about the volume that the
record names, whose pods use the directory.

The records of a cluster that is gone are those of the heir that an administrator has named
(`Leader.takes_over`). The heir writes its own uid into each record that it updates, so that it
does not have to be named for ever.
"""

from __future__ import annotations

from dataclasses import replace

from holdfast.exports import leader_folders
from holdfast.exports.errors import Unsafe
from holdfast.exports.operation import Operation
from holdfast.exports.record import Record


def is_ours(op: Operation, record: Record) -> bool:
    """Whether a record is this cluster's; one of unknown origin is, if no other cluster is."""
    if record.origin:
        return record.origin in op.clusters
    return leader_folders.clusters(op.ledger.handle) <= {"", *op.clusters}


def refusal(op: Operation, record: Record) -> str:
    """Why this cluster leaves a record alone; "" if the record is its own."""
    if is_ours(op, record):
        return ""
    if record.origin:
        return (
            f"its record belongs to another cluster, {record.origin}: only that cluster reclaims "
            f"it; if that cluster is gone, start Holdfast with HOLDFAST_TAKES_OVER={record.origin}"
        )
    clusters = ", ".join(sorted(leader_folders.clusters(op.ledger.handle) - {""}))
    return (
        f"its record has no `origin`, and several clusters use this export ({clusters}, by the "
        f"folders in .holdfast/{leader_folders.TERMS}): grant each cluster `get` on namespace "
        "kube-system, and write the cluster's uid into the record's `origin`; move a folder that "
        "is not a leader's elsewhere"
    )


def refuse_others(op: Operation, record: Record) -> None:
    """Raises Unsafe, for an event on the volume, unless a record is this cluster's."""
    if why := refusal(op, record):
        raise Unsafe(f"volume {record.volume} is left alone: {why}{_way_out(record)}")


def refuse_known_others(op: Operation, record: Record | None) -> None:
    """As `refuse_others`, but one of unknown origin passes.

    A cluster whose uid is unknown makes such records, and has to confirm or undo its own.
    """
    if record is not None and record.origin:
        refuse_others(op, record)


def inherited(op: Operation, record: Record) -> Record:
    """The record with this cluster's uid, if it is of a cluster that is taken over."""
    if op.cluster and record.origin in op.takes_over:
        return replace(record, origin=op.cluster)
    return record


def _way_out(record: Record) -> str:
    if not record.origin:
        return ""
    return "; else this volume is a copy: set its reclaim policy to Retain, and delete it"
