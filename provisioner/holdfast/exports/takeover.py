"""What a new term finds of earlier ones: changes that were begun and not ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from holdfast.claims.errors import Refused
from holdfast.exports import create, ended_terms, ledger, terms
from holdfast.exports.errors import Failed, Unsafe
from holdfast.exports.interface import Takeover, Term
from holdfast.exports.operation import Operation, PathLocks
from holdfast.exports.record import Record


def take_over(op: Operation, term: Term, locks: PathLocks) -> Takeover:
    """Ends what earlier terms were about to make, and names what they left for its volume's turn.

    Places where a late call of theirs may still make something are remembered in `op.abandoned`.
    It waits for no call that hangs, be it of this process: every volume waits for the term.
    """
    op = op.without_waiting()
    while end_intents(op, terms.intents(op.term), locks):
        ended_terms.restore_plain_names(
            op.term, terms.INTENT, op.changes
        )  # there may be several of one volume
    return Takeover(
        term,
        tuple(_unfinished(op)),
        _moving(op),
        terms.unresolved(op.ledger.handle, term.leader, op.term),
    )


def retry_stuck(op: Operation, term: Term, locks: PathLocks) -> None:
    """Tries again to carry over what could not be moved when the term began."""

    @contextmanager
    def held(entry: str) -> Iterator[bool]:
        with locks.tried(_directory_of(op, entry)) as is_free:
            yield is_free

    terms.retry_stuck(op.ledger.handle, term.leader, op.term, op.changes, held)


def _directory_of(op: Operation, entry: str) -> str:
    """The directory of the volume of an entry; the entry itself for one without a record."""
    with suppress(Unsafe):
        if record := op.ledger.find(entry.removeprefix(terms.MOVING)):
            return record.directory
    return entry


def is_ours(op: Operation, record: Record) -> bool:
    """Whether a record is this cluster's; one of unknown origin, where there is no other."""
    if record.origin:
        return record.origin == op.cluster
    return terms.clusters(op.ledger.handle) <= {"", op.cluster}


def refusal(op: Operation, record: Record) -> str:
    """Why nothing is done about a record; empty for one of this cluster's."""
    if is_ours(op, record):
        return ""
    if record.origin:
        return f"its record is of another cluster, {record.origin}, which is to deal with it"
    return (
        "its record does not say of which cluster it is, and several change this export: grant "
        "`get` on namespace kube-system to each, and write the cluster's uid into its `origin`"
    )


def end_intents(op: Operation, volumes: Iterable[str], locks: PathLocks) -> set[str]:
    """Ends what was about to be made for volumes; those of which nothing is left.

    What cannot be ended, or is held by another call, is in the term still.
    """
    ended = set[str]()
    for volume in volumes:
        with suppress(Failed, Unsafe, OSError, Refused):
            directory = op.intent(volume)
            op.abandoned.add(directory)
            with locks.tried(directory) as is_free:
                if is_free:
                    create.end_intent(op, volume)
                    ended.add(volume)
    return ended


def _moving(op: Operation) -> tuple[str, ...]:
    """The volumes whose directory earlier terms were about to move."""
    volumes = terms.moving(op.term)
    for volume in volumes:
        with suppress(Failed, Unsafe, OSError):
            if record := op.ledger.find(volume):
                op.abandoned.add(record.directory, record.target)
    return volumes


def _unfinished(op: Operation) -> Iterator[Record]:
    """The records of this cluster's volumes that the API server may not know.

    One that cannot be read is left out: its volume's own turn says so.
    """
    for name in op.ledger.names(ledger.CREATING):
        with suppress(Failed, Unsafe, OSError):
            record = op.ledger.creating(name)
            if record is not None and is_ours(op, record):
                yield record
