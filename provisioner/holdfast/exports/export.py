"""A mounted export: `interface.Exports` on a directory of this machine.

All methods may block while the file system hangs; `deadline.Lane` bounds the wait.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from holdfast.claims.objects import ClaimRef
from holdfast.claims.parameters import Action
from holdfast.claims.paths import RESERVED
from holdfast.exports import (
    adopt,
    confirm,
    create,
    end_move,
    end_unfinished_changes,
    export_id_file,
    fencing,
    ledger,
    lost_records,
    other_exports,
    probe,
    reclaim_directory,
    record_origin,
    recover_directory,
    released_volumes,
    reserve,
    restored_from_backup,
    sweep,
    trash_reaper,
    tree,
    undo,
    update_record,
)
from holdfast.exports.changes import Changes
from holdfast.exports.errors import Unsafe, explained, of_the_export
from holdfast.exports.handles import Handles
from holdfast.exports.interface import (
    DirectorySpec,
    ExportInfo,
    Grant,
    Leader,
    Moved,
    MovedBack,
    Reaped,
    Takeover,
)
from holdfast.exports.operation import Operation
from holdfast.exports.record import Record


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
        self._reaper = trash_reaper.Reaper()
        self._sweep = sweep.Sweep()

    def inspect(self) -> ExportInfo:
        """The export's id and format; changes nothing."""
        return self._inspected(export_id_file.read)

    def inspect_damaged(self) -> ExportInfo:
        """As `inspect`, before `accept`: an id that cannot be parsed counts as missing."""
        return self._inspected(export_id_file.read_damaged)

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
                info = export_id_file.write_first(handle, export_id)
            changes.sync()
        return info

    def accept(self, export_id: str, keep: Collection[str] = ()) -> None:
        """Replaces the export's id: an administrator vouches that it is this export.

        The records of the volumes in `keep` do not get the inode of the directory at their path.
        """
        if self.inspect_damaged().format:
            what = "cannot update the records"
            with of_the_export(what), self._open.holdfast() as (root, holdfast):
                restored_from_backup.learn_inodes(root, holdfast, keep)
            self._replace_id(export_id)
        if self.initialise(export_id).id != export_id:
            self._replace_id(export_id)

    def _replace_id(self, export_id: str) -> None:
        with self._open.holdfast() as (_, holdfast), of_the_export("cannot write the id"):
            export_id_file.replace(holdfast, export_id)

    def unrecorded(self) -> list[tuple[str, str]]:
        """The directories with a mark of a volume that has no record, and the volumes' names."""
        what = "cannot compare the marks with the records"
        with of_the_export(what), self._open.holdfast() as (root, holdfast):
            return lost_records.unrecorded(root, holdfast)

    def accept_restored(self, leader: Leader, keep: Collection[str] = ()) -> int:
        """Writes the inodes of those directories into their records; returns how many.

        Not into those of the volumes in `keep`.
        It begins a term of its own; the leader begins another one afterwards.

        Raises:
            Fenced: the leader has begun its next term already: call again.
        """
        term = self.begin(leader).term
        what = "cannot update the records"
        with self._operation(what, Grant(term)) as op:
            return restored_from_backup.learn_others(op, keep)

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
            self._open.export_id = export_id_file.read_known(holdfast).id
            term = reserve.used_to_begin(
                holdfast,
                changes,
                lambda: fencing.begin(holdfast, leader, self._open.export_id, changes),
            )
            changes.sync()
        with self._operation("cannot take over", Grant(term)) as op:
            took = end_unfinished_changes.take_over(op, term)
            self._sweep.begin(op, took)
            return replace(
                took, unresolved=(*took.unresolved, *other_exports.report_above(self._root))
            )

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

    def create(self, grant: Grant, spec: DirectorySpec, reuses: tuple[str, ...] = ()) -> Record:
        """Makes a directory and its record."""
        what = f"cannot create directory {spec.directory!r}"
        with self._operation(what, grant) as op:
            create.undo_elsewhere(op, spec)
            with op.locked(spec.directory):
                return create.create(op, spec, reuses)

    def confirm(self, grant: Grant, volume: str) -> None:
        """Records that the API server knows the volume; removes the records that it reuses."""
        with self._operation(f"cannot record volume {volume}", grant) as op:
            confirm.confirm_unless_undone(op, volume)

    def undo(self, grant: Grant, volume: str) -> None:
        """Undoes a `create` whose volume was never made; a directory with data is retained."""
        with self._operation(f"cannot undo volume {volume}", grant) as op:
            undo.undo_locked(op, volume)

    def owners(self, directory: str) -> tuple[str, ...]:
        """The volumes with a mark on a directory, above or beneath it; reads no record."""
        with explained(f"cannot look at {directory!r}"), self._open.records() as records:
            return tuple(records.marked(directory))

    def adopt(
        self,
        grant: Grant,
        record: Record,
        gone: tuple[str, ...] = (),
        *,
        may_use_reserve: bool = False,
    ) -> Record:
        """Records a volume that was made without Holdfast; returns the stored record."""
        what = f"cannot record {record.volume}"
        with self._operation(what, grant) as op, op.locked(record.directory):
            return adopt.adopt(op, record, gone, may_use_reserve=may_use_reserve)

    def update_record(
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
        with self._operation(f"cannot record volume {volume}", grant) as op:
            update_record.update_record(
                op, volume, claim, size, reclaim_policy, may_use_reserve=may_use_reserve
            )

    def reclaim(self, grant: Grant, volume: str, claim_uid: str, action: Action) -> Moved:
        """Carries out a reclaim action on a released volume's directory."""
        with self._operation(f"cannot {action} the directory of {volume}", grant) as op:
            return released_volumes.reclaim_volume(op, volume, claim_uid, action)

    def leave(self, grant: Grant, volume: str, claim_uid: str, action: Action) -> Moved | None:
        """As `reclaim`, if other volumes share the directory; None if this is the last of them."""
        with self._operation(f"cannot {action} the directory of {volume}", grant) as op:
            return released_volumes.leave_volume(op, volume, claim_uid, action)

    def forget(self, grant: Grant, volume: str) -> bool:
        """Removes the record of a deleted volume, if its directory is gone too."""
        with self._operation(f"cannot remove the record of {volume}", grant) as op:
            record = op.ledger.find(volume)
            if record is None:
                return True
            if not record_origin.is_ours(op, record):
                return False
            with op.locked(record.directory):
                return reclaim_directory.forget(op, record)

    def move_back(self, grant: Grant, volume: str) -> str:
        """Ends a move that is no longer wanted; the path, or "" if nothing was moved back."""
        what = f"cannot move back the directory of {volume}"
        with self._operation(what, grant) as op:
            return end_move.end_move(op, volume)

    def recover(self, grant: Grant, volume: str, reclaim_policy: str) -> str:
        """Moves a directory back from the trash or its archive; its path, or "" if it was there."""
        what = f"cannot move back the directory of {volume}"
        with self._operation(what, grant) as op:
            return recover_directory.recover(op, volume, reclaim_policy)

    def trashed(self) -> tuple[str, ...]:
        """The volumes with a directory in the trash."""
        with explained("cannot list the trash"), self._open.records() as records:
            return tuple(records.names(ledger.TRASHED))

    def reap(self, grant: Grant, volume: str, entries: int) -> Reaped:
        """Removes at most `entries` of a deleted volume's trash."""
        what = f"cannot empty the trash of {volume}"
        with self._operation(what, grant) as op:
            return self._reaper.reap(op, volume, entries, grant.seconds / 2)

    def sweep(self, grant: Grant) -> tuple[MovedBack, ...]:
        """Repairs what late calls of earlier terms did; see `sweep.py`."""
        with self._operation("cannot look for late changes", grant) as op:
            return self._sweep.sweep(op, grant)

    @contextmanager
    def _operation(self, what: str, grant: Grant) -> Iterator[Operation]:
        """An operation; `what` says what has failed in front of why it did."""
        with explained(what), self._open.operation(grant) as op:
            yield op


def _make_folder(changes: Changes, parent: int, name: str) -> None:
    with suppress(FileExistsError):
        changes.mkdir(parent, name, 0o700)
