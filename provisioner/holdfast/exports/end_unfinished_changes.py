"""Takeover: what a new term does about changes that earlier terms left unfinished."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from holdfast.claims.errors import Refused
from holdfast.claims.paths import components
from holdfast.exports import empty_term_folders, fencing, ledger, record_origin, stray_entries, undo
from holdfast.exports.errors import Failed, Unsafe
from holdfast.exports.interface import Takeover, Term
from holdfast.exports.operation import Operation
from holdfast.exports.record import Record


def take_over(op: Operation, term: Term) -> Takeover:
    """Ends the intents of earlier terms, and lists what is left to reconcile by volume.

    Paths where a late call may still make something are added to `op.abandoned`. It does not wait
    for hung calls, not even of this process: all volumes wait for the term to begin.
    """
    op = op.without_waiting()
    while end_intents(op, fencing.intents(op.term)):
        empty_term_folders.restore_plain_names(
            op.term, fencing.INTENT, op.changes
        )  # a volume may have several
    return Takeover(
        term,
        tuple(_unfinished(op)),
        _moving(op),
        (
            *fencing.unresolved(op.ledger.handle, term.leader, op.term),
            *stray_entries.found(op, term),
        ),
    )


def retry_stuck(op: Operation, term: Term) -> None:
    """Retries to move the entries that were stuck when the term began."""

    @contextmanager
    def held(entry: str) -> Iterator[bool]:
        with op.locks.tried(_directory_of(op, entry)) as is_free:
            yield is_free

    fencing.retry_stuck(op.ledger.handle, term.leader, op.term, op.changes, held)


def _directory_of(op: Operation, entry: str) -> str:
    """The directory of an entry's volume; the entry itself if the volume has no record."""
    with suppress(Unsafe):
        if record := op.ledger.find(entry.removeprefix(fencing.MOVING)):
            return record.directory
    return entry


def end_intents(op: Operation, volumes: Iterable[str]) -> set[str]:
    """Ends the intents of these volumes; returns the volumes whose intent has ended.

    An intent that fails, or whose directory is locked by another call, stays in the term.
    """
    ended = set[str]()
    for volume in volumes:
        with suppress(Failed, Unsafe, OSError, Refused):
            directory = op.intent(volume)
            components(directory)  # raises Refused: no `create` has written it
            op.abandoned.add(directory)
            with op.locks.tried(directory) as is_free:
                if is_free:
                    undo.end_intent(op, volume)
                    ended.add(volume)
    return ended


def _moving(op: Operation) -> tuple[str, ...]:
    """The volumes whose directory earlier terms were moving."""
    volumes = fencing.moving(op.term)
    for volume in volumes:
        with suppress(Failed, Unsafe, OSError):
            if record := op.ledger.find(volume):
                op.abandoned.add(record.directory, record.target)
    return volumes


def _unfinished(op: Operation) -> Iterator[Record]:
    """The records of this cluster's volumes that the API server may not know.

    Unreadable ones are skipped: reconciling their volume reports them.
    """
    for name in op.ledger.names(ledger.CREATING):
        with suppress(Failed, Unsafe, OSError):
            record = op.ledger.creating(name)
            if record is not None and record_origin.is_ours(op, record):
                yield record
