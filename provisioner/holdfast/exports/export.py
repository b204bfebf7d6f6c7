"""One export: an NFS server's directory, with the volumes' directories in it.

Each method can be repeated, after an error or a crash, and then finishes what was begun. All of
them may block for as long as the file system does; `deadline.Lane` bounds that.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from holdfast.claims.decide import Plan
from holdfast.claims.parameters import Action
from holdfast.claims.paths import RESERVED
from holdfast.exports import ledger as folders
from holdfast.exports import reaper, tree
from holdfast.exports.errors import FULL, Unavailable, Unsafe, explain, explained
from holdfast.exports.ledger import Ledger
from holdfast.exports.making import make, undo
from holdfast.exports.moving import Moved, move
from holdfast.exports.record import Record


class Export:
    """The directories beneath one root.

    Every method raises ExportError: Unavailable where the export does not answer, Failed where
    the file system says no, Unsafe and Taken where going on could touch others' data.

    Attributes:
        origin: goes into new records; several clusters may have an export in common.
    """

    def __init__(self, root: Path, permit: Callable[[], object] = lambda: None) -> None:
        """`permit` raises once nothing may be changed any more.

        It is asked at the last moment: a call may have hung, or waited for another, for long.
        """
        self.origin = ""
        self._root = root
        self._permit = permit
        # Held wherever records change: whose a directory is has to be read and written as one.
        self._lock = threading.Lock()
        # Other replicas probe too, at the same time.
        self._probe = tree.draft_of(f"probe-{uuid.uuid4().hex[:8]}")

    def prepare(self) -> None:
        """Makes the folders for records; once, at the start.

        Later their absence means that this is not the export any more (a mount that was lost
        shows the empty directory underneath), and nothing is made or taken as deleted.
        """
        with explained(f"cannot prepare {self._root / RESERVED}"), self._open_root() as root:
            tree.make_directory(root, RESERVED, 0o700)
            with tree.opened(root, [RESERVED]) as handle:
                for name in folders.FOLDERS:
                    tree.make_directory(handle, name, 0o700)
                for place in ((), *((name,) for name in folders.RECORDS)):
                    with tree.opened(handle, place) as folder:
                        tree.remove_old_drafts(folder)

    def create(self, plan: Plan, succeeds: Collection[str] = ()) -> Record:
        """Makes the directory of a plan, and its record.

        Args:
            plan: what to make.
            succeeds: volumes that are known to be gone, whose directory this one may take up.

        Raises:
            Taken: the directory overlaps those of other volumes.
        """
        with (
            explained(f"cannot make directory {plan.directory!r}"),
            self._changing() as (root, kept),
        ):
            return make(root, kept, plan, succeeds, self.origin)

    def confirm(self, volume: str) -> None:
        """Notes that the API server knows the volume; what it succeeds is forgotten."""
        with explained(f"cannot record volume {volume}"), self._changing() as (_, kept):
            _confirm(kept, volume)

    def undo(self, volume: str) -> None:
        """Takes back a `create` that no volume came of; a directory that holds data stays."""
        with explained(f"cannot undo volume {volume}"), self._changing() as (root, kept):
            if record := kept.creating(volume):
                undo(root, kept, record)

    def find(self, volume: str) -> Record | None:
        """The record of a volume."""
        with explained(f"cannot read the record of {volume}"), self._opened() as (_, kept):
            return kept.find(volume)

    def recorded(self) -> set[str]:
        """The volumes that have a record, those in the making too."""
        with explained("cannot list the records"), self._opened() as (_, kept):
            return {*kept.names(folders.CREATING), *kept.names(folders.VOLUMES)}

    def unconfirmed(self) -> list[Record]:
        """The records of this origin's volumes that the API server may not know.

        One that cannot be read is left out: its volume's own turn says so.
        """
        records = []
        with explained("cannot list the records"), self._opened() as (_, kept):
            for name in kept.names(folders.CREATING):
                with suppress(Unsafe):
                    records.append(kept.creating(name))
        return [record for record in records if record and record.origin == self.origin]

    def adopt(self, record: Record) -> None:
        """Records a volume that was made without Holdfast."""
        with explained(f"cannot record {record.volume}"), self._changing() as (_, kept):
            if kept.find(record.volume) is None:
                kept.mark(record.directory, record.volume)  # first: no record without its mark
                kept.write(replace(record, origin=self.origin))

    def reclaim(self, volume: str, claim_uid: str, action: Action) -> Moved:
        """Carries out a reclaim action on the directory of a volume that is released.

        Raises:
            Unsafe: no record names this volume and this claim's uid.
            Taken: other volumes' directories overlap it.
        """
        with (
            explained(f"cannot {action} the directory of {volume}"),
            self._changing() as (root, kept),
        ):
            record = kept.find(volume)
            if record is None or record.claim.uid != claim_uid:
                raise Unsafe(f"no record names volume {volume} and claim uid {claim_uid}")
            _confirm(kept, volume)  # a crash may have come between
            return move(root, kept, record, action)

    def reap(self, finished: Callable[[str], bool], go_on: Callable[[], bool]) -> int:
        """Removes what this origin has in the trash; gives how many volumes' trash is left.

        Args:
            finished: whether a volume is gone from the API server; until then its data stays.
            go_on: asked before each removal; a large tree takes many rounds.
        """
        with explained("cannot empty the trash"), self._opened() as (_, kept):
            trashed = [name for name in kept.names(folders.TRASHED) if self._knows(kept, name)]
            return sum(not reaper.reaped(kept, name, finished, go_on) for name in trashed)

    def _knows(self, kept: Ledger, volume: str) -> bool:
        with suppress(Unsafe):
            record = kept.find(volume)
            return record is not None and record.origin == self.origin
        return False

    def probe(self) -> None:
        """Writes, renames and removes a file; a full export passes, for deleting must go on."""
        with explained(f"cannot write to {self._root}"), self._opened() as (_, kept):
            try:
                tree.write_file(kept.handle, self._probe, b"Holdfast was here\n")
                os.unlink(self._probe, dir_fd=kept.handle)
            except OSError as error:
                if error.errno not in FULL:
                    raise

    @contextmanager
    def _open_root(self) -> Iterator[int]:
        try:
            handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            why = explain(f"cannot open the export's root {self._root}", error)
            raise Unavailable(why.message, stale=getattr(why, "stale", False)) from error
        try:
            yield handle
        finally:
            os.close(handle)

    @contextmanager
    def _opened(self) -> Iterator[tuple[int, Ledger]]:
        with self._open_root() as root:
            try:
                handle = tree.open_directory(root, RESERVED)
            except FileNotFoundError:
                raise Unavailable(
                    f"{self._root} has no {RESERVED} any more: mount the export there, or restart "
                    "Holdfast if it was emptied on purpose"
                ) from None
            kept = Ledger(handle)
            try:
                yield root, kept
            finally:
                kept.close()
                os.close(handle)

    @contextmanager
    def _changing(self) -> Iterator[tuple[int, Ledger]]:
        with self._opened() as (root, kept):
            with self._lock:
                self._permit()
                yield root, kept
            kept.sync()


def _confirm(kept: Ledger, volume: str) -> None:
    record = kept.creating(volume)
    for former in record.succeeds if record else ():
        if old := kept.find(former):
            kept.forget(old)
    kept.confirm(volume)
