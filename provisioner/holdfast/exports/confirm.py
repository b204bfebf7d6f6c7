"""Confirms a volume: the API server knows it, so that its directory is not undone any more."""

from __future__ import annotations

from holdfast.exports.operation import Operation


def confirm(op: Operation, volume: str) -> None:
    """Moves a record out of `creating`, and removes those of the volumes that it reuses.

    It does nothing if there is no such record. The records that it reuses go first: after a crash
    in between it is repeated.

    Raises:
        Unsafe: one of the records cannot be parsed.
    """
    record = op.ledger.creating(volume)
    if record is None:
        return
    for former in record.succeeds:
        if old := op.ledger.find(former):
            op.ledger.forget(old)
    op.ledger.confirm(volume)
