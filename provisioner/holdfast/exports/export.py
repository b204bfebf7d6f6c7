"""A mounted export: `interface.Exports` on a directory of this machine.

All methods may block while the file system hangs; `deadline.Lane` bounds the wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from holdfast.claims.constants import RETAIN
from holdfast.claims.errors import Refused
from holdfast.claims.objects import ClaimRef
from holdfast.claims.parameters import Action
from holdfast.claims.paths import RESERVED
from holdfast.exports import (
    create,
    identity,
    ledger,
    misfiled,
    path_owners,
    probe,
    reaper,
    reclaim,
    recover,
    reserve,
    restored,
    sweep,
    takeover,
    terms,
    tree,
    undo,
)
from holdfast.exports.changes import Changes
from holdfast.exports.errors import (
    ExportUnavailable,
    Failed,
    Fenced,
    Unsafe,
    explained,
    of_the_export,
)
from holdfast.exports.handles import Handles
from holdfast.exports.inode import UNKNOWN
from holdfast.exports.interface import (
    ExportInfo,
    Grant,
    Leader,
    Moved,
    MovedBack,
    Reaped,
    Takeover,
    Wanted,
)
from holdfast.exports.operation import Operation
from holdfast.exports.record import DirectoryTaken, Record, State

T = TypeVar("T")


class Export:
    """The directories beneath one root.

    Every method raises ExportError: ExportUnavailable if the export cannot be used, Fenced if a
    later term has begun, Failed if the file system refuses, Unsafe or DirectoryTaken if the
    operation could touch other data.
    """

    def __init__(self, root: Path, may_change: Callable[[], object] = lambda: None) -> None:
        """`may_change` is called before each change; raises if no change is allowed any more."""
        self._root = root
        self._may_change = may_change
        self._open = Handles(root, may_change)
        self._probes: set[str] = set()  # seen by the last sweep
        self._trash_scan = sweep.TrashScan()
        self._reaper = reaper.Reaper()
        self._intents: set[str] = (
            set()
        )  # volumes with an intent of an earlier term that has not ended yet
        self._has_stuck = False  # entries of earlier terms

    def inspect(self) -> ExportInfo:
        """The export's id and format; changes nothing."""
        return self._inspected(identity.read)

    def inspect_damaged(self) -> ExportInfo:
        """As `inspect`, before `accept`: an id that cannot be parsed counts as missing."""
        return self._inspected(identity.read_damaged)

    def _inspected(self, read: Callable[[int], ExportInfo]) -> ExportInfo:
        with self._open.root() as root, of_the_export(f"cannot read {self._root / RESERVED}"):
            try:
                with tree.opened(root, [RESERVED]) as handle:
                    return read(handle)
            except FileNotFoundError:
                return ExportInfo()

    def has_directory(self, directory: str) -> bool:
        """Whether a path exists; works on an export without an id, too."""
        with self._open.root() as root, of_the_export(f"cannot look at {directory!r}"):
            try:
                return tree.reaches(root, directory)
            except Unsafe:  # a parent is a symlink or a file
                return False

    def has_record(self, volume: str) -> bool:
        """Whether a volume has a record, readable or not."""
        return any(self.has_directory(f"{RESERVED}/{one}/{volume}") for one in ledger.RECORDS)

    def initialise(self, export_id: str) -> ExportInfo:
        """Writes the export's id, unless it has one, and makes the folders for records."""
        with (
            of_the_export(f"cannot prepare {self._root / RESERVED}"),
            self._open.root() as root,
            Changes(self._may_change) as changes,
        ):
            _make_folder(changes, root, RESERVED)
            with tree.opened(root, [RESERVED]) as handle:
                for name in ledger.FOLDERS:
                    _make_folder(changes, handle, name)
                info = identity.write_first(handle, export_id)
            changes.sync()
        return info

    def accept(self, export_id: str) -> None:
        """Replaces the export's id: an administrator vouches that it is this export."""
        if self.inspect_damaged().format:
            what = "cannot update the records"
            with of_the_export(what), self._open.holdfast() as (root, holdfast):
                restored.learn_inodes(root, holdfast)
            self._replace_id(export_id)
        if self.initialise(export_id).id != export_id:
            self._replace_id(export_id)

    def _replace_id(self, export_id: str) -> None:
        with self._open.holdfast() as (_, holdfast), of_the_export("cannot write the id"):
            identity.replace(holdfast, export_id)

    def restored(self, cluster: str) -> list[str]:
        """The cluster's volumes whose directory does not have the inode in their record."""
        what = "cannot compare the records with their directories"
        with of_the_export(what), self._open.holdfast() as (root, holdfast):
            return restored.others(root, holdfast, cluster)

    def accept_restored(self, leader: Leader) -> int:
        """Writes the inodes of those directories into their records; returns how many.

        It begins a term of its own; the leader begins another one afterwards.

        Raises:
            Fenced: the leader has begun its next term already: call again.
        """
        term = self.begin(leader).term
        what = "cannot update the records"
        with explained(what), self._open.operation(Grant(term)) as op:
            return restored.learn_others(op)

    def probe(self) -> ExportInfo:
        """Writes and removes a file; a full export passes, as deleting must go on."""
        info = self.inspect()
        if not info.id:
            return info
        what = f"cannot write to {self._root / RESERVED}"
        with of_the_export(what), self._open.holdfast() as (_, holdfast):
            probe.probe(holdfast)
        return info

    def begin(self, leader: Leader) -> Takeover:
        """Begins a term: fences all earlier terms of this leader."""
        with (
            of_the_export("cannot begin a term"),
            self._open.holdfast() as (_, holdfast),
            Changes(self._may_change) as changes,
        ):
            self._open.export_id = _known(identity.read(holdfast)).id
            term = terms.begin(holdfast, leader, self._open.export_id, changes)
            changes.sync()
        with explained("cannot take over"), self._open.operation(Grant(term)) as op:
            took = takeover.take_over(op, term)
            self._intents = set(terms.intents(op.term))
            self._has_stuck = bool(took.unresolved)
            return took

    def find(self, volume: str) -> Record | None:
        """The record of a volume."""
        with explained(f"cannot read the record of {volume}"), self._open.records() as records:
            return records.find(volume)

    def recorded(self) -> tuple[str, ...]:
        """The volumes that have a record, readable or not."""
        with explained("cannot list the records"), self._open.records() as records:
            names = [name for folder in ledger.RECORDS for name in records.names(folder)]
        return tuple(dict.fromkeys(names))

    def is_unfinished(self, volume: str) -> bool:
        """Whether a volume has a record but may be unknown to the API server."""
        with explained(f"cannot read the record of {volume}"), self._open.records() as records:
            return records.creating(volume) is not None and not records.has_moved_on(volume)

    def has_orphan(self, directory: str) -> bool:
        """Whether something without a record is at a path.

        What is inside a recorded directory belongs to its volume; what is above one is a parent.
        """
        with explained(f"cannot look at {directory!r}"):
            with self._open.records() as records:
                if any(record.in_place for record in records.overlapping(directory)):
                    return False
            with self._open.root() as root:
                return tree.reaches(root, directory)

    def create(self, grant: Grant, wanted: Wanted, reuses: tuple[str, ...] = ()) -> Record:
        """Makes a directory and its record."""
        what = f"cannot make directory {wanted.directory!r}"
        with explained(what), self._changing(grant, wanted.directory) as op:
            return create.create(op, wanted, reuses)

    def confirm(self, grant: Grant, volume: str) -> None:
        """Records that the API server knows the volume; removes the records that it reuses."""
        with explained(f"cannot record volume {volume}"), self._changing(grant) as op:
            _confirm(op, volume)

    def undo(self, grant: Grant, volume: str) -> None:
        """Undoes a `create` whose volume was never made; a directory with data is retained."""
        with explained(f"cannot undo volume {volume}"), self._open.operation(grant) as op:
            record = op.ledger.creating(volume)
            directory = record.directory if record else op.intent(volume)
            if directory:
                with op.locked(directory):
                    undo.undo(op, volume)
                self._open.abandoned.add(directory)

    def adopt(self, grant: Grant, record: Record, *, may_use_reserve: bool = False) -> Record:
        """Records a volume that was made without Holdfast; returns the stored record."""
        with (
            explained(f"cannot record {record.volume}"),
            self._changing(grant, record.directory) as op,
        ):
            return reserve.used_if_full(op, lambda: _adopt(op, record), allowed=may_use_reserve)

    def follow(
        self,
        grant: Grant,
        volume: str,
        claim: ClaimRef,
        size: str,
        reclaim_policy: str,
        *,
        may_use_reserve: bool = False,
    ) -> None:
        """Updates a record from its PersistentVolume."""
        with explained(f"cannot record volume {volume}"), self._changing(grant) as op:
            _confirm(op, volume)
            record = self._find_refiled(op, volume)
            if record is None or record.state is State.ARCHIVED:
                return
            now = replace(record, claim=claim, size=size, reclaim_policy=reclaim_policy)
            if record.state is State.TRASHED:
                self._follow_trashed(op, record, now)
            elif now != record:
                reserve.used_if_full(op, lambda: op.ledger.write(now), allowed=may_use_reserve)

    def reclaim(self, grant: Grant, volume: str, claim_uid: str, action: Action) -> Moved:
        """Carries out a reclaim action on a released volume's directory."""
        return self._reclaimed(reclaim.reclaim, grant, volume, claim_uid, action)

    def _reclaimed(
        self,
        how: Callable[[Operation, Record, Action], T],
        grant: Grant,
        volume: str,
        claim_uid: str,
        action: Action,
    ) -> T:
        what = f"cannot {action} the directory of {volume}"
        with explained(what), self._open.operation(grant) as op:
            directory = _recorded(op, volume, claim_uid).directory
            with op.locked(directory):
                _confirm(op, volume)  # in case a crash prevented it
                deletes = action is Action.DELETE
                return reserve.used_if_full(
                    op, lambda: _reclaimed(op, how, volume, claim_uid, action), allowed=deletes
                )

    def leave(self, grant: Grant, volume: str, claim_uid: str, action: Action) -> Moved | None:
        """As `reclaim`, if other volumes share the directory; None if this is the last of them."""
        return self._reclaimed(reclaim.leave, grant, volume, claim_uid, action)

    def forget(self, grant: Grant, volume: str) -> bool:
        """Removes the record of a deleted volume, if its directory is gone too."""
        with explained(f"cannot remove the record of {volume}"), self._open.operation(grant) as op:
            record = op.ledger.find(volume)
            if record is None:
                return True
            with op.locked(record.directory):
                return reclaim.forget(op, record)

    def move_back(self, grant: Grant, volume: str) -> str:
        """Moves a directory back from the term's folder; returns its path, or "" if none was."""
        what = f"cannot move back the directory of {volume}"
        with explained(what), self._open.operation(grant) as op:
            record = op.ledger.find(volume)
            if record is None or record.state is not State.LIVE:
                return ""
            with op.locked(record.directory):
                return reclaim.move_back(op, record)

    def recover(self, grant: Grant, volume: str, reclaim_policy: str) -> str:
        """Moves a directory back from the trash; returns its path, or "" if it was not there."""
        what = f"cannot move back the directory of {volume}"
        with (
            explained(what),
            self._open.operation(grant) as op,
            op.locked(ledger.trash_of(volume)),
        ):
            record = op.ledger.find(volume)
            if record and (refusal := takeover.refusal(op, record)):
                raise Unsafe(refusal)
            return self._recovered(op, record, reclaim_policy) if record else ""

    def _recovered(self, op: Operation, record: Record, reclaim_policy: str) -> str:
        with op.locked(record.directory):
            _confirm(op, record.volume)
            found = op.ledger.find(record.volume)
            return recover.recover(op, found, reclaim_policy) if found else ""

    def trashed(self) -> tuple[str, ...]:
        """The volumes with a directory in the trash."""
        with explained("cannot list the trash"), self._open.records() as records:
            return tuple(records.names(ledger.TRASHED))

    def reap(self, grant: Grant, volume: str, entries: int) -> Reaped:
        """Removes at most `entries` of a deleted volume's trash."""
        with (
            explained(f"cannot empty the trash of {volume}"),
            self._open.operation(grant) as op,
            op.locked(ledger.trash_of(volume)),  # it may be recovered
        ):
            record = op.ledger.find(volume)
            if record and (refusal := takeover.refusal(op, record)):
                return Reaped(done=False, blocked=(refusal,))
            record = self._find_refiled(op, volume)
            if record is None or record.state in {State.ARCHIVED, State.RETAINED}:
                return Reaped(done=True)
            if record.state is not State.TRASHED:
                return Reaped(done=False)
            if record.reclaim_policy == RETAIN:
                self._recovered(op, record, RETAIN)
                return Reaped(done=True)
            removals = op.changes.non_durable()
            seconds = grant.seconds / 2
            reaped = self._reaper.reap(op.ledger, record, removals, entries, seconds)
            if reaped.done:
                self._remove_late(op, record.directory)
            return reaped

    def sweep(self, grant: Grant) -> tuple[MovedBack, ...]:
        """Repairs what late calls of earlier terms did; see `sweep.py`."""
        with explained("cannot look for late changes"), self._open.operation(grant) as waiting:
            op = waiting.without_waiting()
            if self._has_stuck:
                with suppress(Failed, Unsafe, OSError):
                    takeover.retry_stuck(op, grant.term)
            with suppress(Failed, Fenced, Unsafe, OSError):
                terms.end_formers(op.ledger.handle, grant.term.leader, op.term, op.changes)
            with suppress(Failed, Unsafe, OSError):
                terms.prepare_next(op.ledger.handle, grant.term.leader, op.changes)
            with suppress(Failed, Unsafe, OSError):
                reserve.prepare(op)
            self._intents &= set(terms.intents(op.term))
            self._intents -= takeover.end_intents(op, self._intents)
            for directory in self._open.abandoned.all():
                with suppress(Failed, Unsafe, OSError, Refused):
                    self._remove_late(op, directory)
            self._probes = probe.remove_left(op, self._probes)
            return tuple(sweep.misplaced(op, grant, self._trash_scan))

    def _find_refiled(self, op: Operation, volume: str) -> Record | None:
        """The record of a volume, refiled if it is wrongly among those of the trash."""
        record = op.ledger.find(volume)
        if record is None or record.state is State.LIVE:
            return record
        if record.state is State.TRASHED and tree.exists(op.ledger.folder(ledger.TRASH), volume):
            return record  # correct: needs no lock
        with op.locked(record.directory):
            record = op.ledger.find(volume)  # another call may just have moved it
            return misfiled.refiled(op, record) if record else None

    def _follow_trashed(self, op: Operation, record: Record, now: Record) -> None:
        with op.locked(ledger.trash_of(record.volume)):
            if now != record == op.ledger.find(record.volume):
                op.ledger.write_trashed(now)

    def _remove_late(self, op: Operation, directory: str) -> None:
        with op.locks.tried(directory) as is_free:
            if is_free:
                sweep.remove_late(op, directory)

    @contextmanager
    def _changing(self, grant: Grant, directory: str = "") -> Iterator[Operation]:
        with self._open.operation(grant) as op:
            if not directory:
                yield op
                return
            with op.locked(directory):
                yield op


def _known(info: ExportInfo) -> ExportInfo:
    if not info.id:
        raise ExportUnavailable("the export has no id (.holdfast/export): initialise it first")
    return info


def _make_folder(changes: Changes, parent: int, name: str) -> None:
    with suppress(FileExistsError):
        changes.mkdir(parent, name, 0o700)


def _is_foreign(record: Record, others: list[Record]) -> bool:
    """Whether a record that shares the directory says that it is foreign.

    Raises DirectoryTaken if another volume has the directory and may not share it.
    """
    strangers = [other for other in others if not (other.inherited or record.shares_with(other))]
    if strangers:
        raise DirectoryTaken(record.directory, strangers)
    return any(other.foreign for other in others if other.directory == record.directory)


def _adopt(op: Operation, record: Record) -> Record:
    if held := op.ledger.find(record.volume):
        return held
    Record.parse(record.dump(), record.volume)  # raises Unsafe if it could not be read again
    _is_foreign(record, list(op.ledger.others(record.directory, record.volume)))
    op.ledger.mark(record.directory, record.volume)  # before the record: none without its mark
    try:
        others = path_owners.others_now(op, record.directory, record.volume)
        foreign = _is_foreign(record, others)
    except (DirectoryTaken, Unsafe):
        op.ledger.unmark(record.directory, record.volume)
        raise
    inode = op.inode_at(record.directory) or UNKNOWN
    record = replace(record, origin=op.cluster, inode=inode, foreign=foreign)
    op.ledger.write(record)
    return record


def _reclaimed(
    op: Operation,
    how: Callable[[Operation, Record, Action], T],
    volume: str,
    claim_uid: str,
    action: Action,
) -> T:
    misfiled.refiled(op, _recorded(op, volume, claim_uid))
    return how(op, _recorded(op, volume, claim_uid), action)


def _recorded(op: Operation, volume: str, claim_uid: str) -> Record:
    record = op.ledger.find(volume)
    if record is None or record.claim.uid != claim_uid:
        raise Unsafe(f"no record names volume {volume} and claim uid {claim_uid}")
    return record


def _confirm(op: Operation, volume: str) -> None:
    record = op.ledger.creating(volume)
    if record is None:
        return
    for former in record.succeeds:
        if old := op.ledger.find(former):
            op.ledger.forget(old)
    op.ledger.confirm(volume)
