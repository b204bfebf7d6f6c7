"""One export: an NFS server's directory, with the volumes' directories in it.

Each method can be repeated, after an error or a crash, and then finishes what was begun. All of
them may block for as long as the file system does; `deadline.Lane` bounds that.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast.claims.decide import Plan
from holdfast.claims.parameters import Action
from holdfast.claims.paths import RESERVED, components
from holdfast.exports import ledger as folders
from holdfast.exports import reaper, tree
from holdfast.exports.errors import Taken, Unavailable, Unsafe, explain, explained
from holdfast.exports.ledger import Ledger
from holdfast.exports.moving import Moved, move
from holdfast.exports.record import Record, State

_PROBE = "probe"


class Export:
    """The directories beneath one root.

    Every method raises ExportError: Unavailable where the export does not answer, Failed where
    the file system says no, Unsafe and Taken where going on could touch others' data.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        # Held wherever records change: whose a directory is has to be read and written as one.
        self._lock = threading.Lock()

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

    def create(self, plan: Plan, succeeds: Collection[str] = ()) -> Record:
        """Makes the directory of a plan, and its record.

        Args:
            plan: what to make.
            succeeds: volumes that are known to be gone, whose directory this one may take up.

        Raises:
            Taken: the directory overlaps those of other volumes.
        """
        names = components(plan.directory)
        with explained(f"cannot make directory {plan.directory!r}"), self._opened() as (root, kept):
            with self._lock:
                record = _enter(root, kept, plan, succeeds)
            with tree.opened(root, names[:-1], make=True) as parent:
                _make(parent, names[-1], plan, found=record.found)
            return record

    def confirm(self, volume: str) -> None:
        """Notes that the API server knows the volume; what it succeeds is forgotten."""
        with explained(f"cannot record volume {volume}"), self._opened() as (_, kept), self._lock:
            record = kept.creating(volume)
            for former in record.succeeds if record else ():
                if old := kept.find(former):
                    kept.forget(old)
            kept.confirm(volume)

    def undo(self, volume: str) -> None:
        """Takes back a `create` that no volume came of; a directory that holds data stays."""
        with explained(f"cannot undo volume {volume}"), self._opened() as (root, kept), self._lock:
            if record := kept.creating(volume):
                _undo(root, kept, record)

    def find(self, volume: str) -> Record | None:
        """The record of a volume."""
        with explained(f"cannot read the record of {volume}"), self._opened() as (_, kept):
            return kept.find(volume)

    def recorded(self) -> set[str]:
        """The volumes that have a record, those in the making too."""
        with explained("cannot list the records"), self._opened() as (_, kept):
            return {*kept.names(folders.VOLUMES), *kept.names(folders.CREATING)}

    def unconfirmed(self) -> list[Record]:
        """The records of volumes that the API server may not know."""
        with explained("cannot list the records"), self._opened() as (_, kept):
            names = kept.names(folders.CREATING)
            return list(filter(None, (kept.creating(name) for name in names)))

    def adopt(self, record: Record) -> None:
        """Records a volume that was made without Holdfast."""
        with explained(f"cannot record {record.volume}"), self._opened() as (_, kept), self._lock:
            if kept.find(record.volume) is None:
                kept.write(record)
                kept.mark(record.directory, record.volume)

    def reclaim(self, volume: str, claim_uid: str, action: Action) -> Moved:
        """Carries out a reclaim action on the directory of a volume that is released.

        Raises:
            Unsafe: no record names this volume and this claim's uid.
            Taken: other volumes' directories overlap it.
        """
        with (
            explained(f"cannot {action} the directory of {volume}"),
            self._opened() as (root, kept),
            self._lock,
        ):
            record = kept.find(volume)
            if record is None or record.claim.uid != claim_uid:
                raise Unsafe(f"no record names volume {volume} and claim uid {claim_uid}")
            return move(root, kept, record, action)

    def reap(self, finished: Callable[[str], bool], go_on: Callable[[], bool]) -> int:
        """Removes what is in the trash; gives how many volumes' trash is left.

        Args:
            finished: whether a volume is gone from the API server; until then its data stays.
            go_on: asked before each removal; a large tree takes many rounds.
        """
        with explained("cannot empty the trash"), self._open_root() as root:
            return reaper.reap(root, finished, go_on)

    def probe(self) -> None:
        """Writes, renames and removes a file, as every volume needs it."""
        with (
            explained(f"cannot write to {self._root}"),
            self._open_root() as root,
            tree.opened(root, [RESERVED]) as handle,
        ):
            tree.write_file(handle, _PROBE, b"Holdfast was here\n")
            os.unlink(_PROBE, dir_fd=handle)

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
            try:
                yield root, Ledger(handle)
            finally:
                os.close(handle)


def _enter(root: int, kept: Ledger, plan: Plan, succeeds: Collection[str]) -> Record:
    held = kept.find(plan.volume)
    if held is not None and held.directory != plan.directory and kept.creating(held.volume):
        _undo(root, kept, held)  # the class was edited between two attempts
        held = None
    if held is not None and (held.directory, held.state) != (plan.directory, State.LIVE):
        raise Taken(held.directory, [held])
    former = _former(kept, plan, {*succeeds, *(held.succeeds if held else ())})
    if held is not None:
        kept.mark(held.directory, held.volume)
        return held
    record = Record.of(plan, found=_is_there(root, plan.directory), succeeds=former)
    kept.enter(record)
    return record


def _former(kept: Ledger, plan: Plan, succeeds: Collection[str]) -> tuple[str, ...]:
    """The volumes that the plan takes its directory up from; raises Taken for all others there."""
    others = [
        other
        for other in kept.overlapping(plan.directory)
        if other.volume != plan.volume and not _shares(plan, other)
    ]
    former = tuple(other.volume for other in others if _is_succeeded(plan, other, succeeds))
    if len(former) < len(others):
        raise Taken(plan.directory, others)
    return former


def _is_succeeded(plan: Plan, other: Record, succeeds: Collection[str]) -> bool:
    return other.volume in succeeds and other.directory == plan.directory


def _shares(plan: Plan, other: Record) -> bool:
    same = other.directory == plan.directory and other.state is State.LIVE
    return same and plan.shared and other.shared


def _is_there(root: int, directory: str) -> bool:
    *above, name = components(directory)
    try:
        with tree.opened(root, above) as parent:
            return tree.exists(parent, name)
    except FileNotFoundError:
        return False


def _make(parent: int, name: str, plan: Plan, *, found: bool) -> None:
    if found:  # its mode and owner are somebody's decision: only see that it can be used
        os.close(tree.open_directory(parent, name))
        return
    owner = plan.ownership
    tree.make_directory(parent, name, owner.mode, owner.uid, owner.gid)


def _undo(root: int, kept: Ledger, record: Record) -> None:
    *above, name = components(record.directory)
    try:
        if not record.found:
            with tree.opened(root, above) as parent:
                os.rmdir(name, dir_fd=parent)
    except FileNotFoundError:
        pass
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise
        # Somebody has put data there: it stays, and the record says whose it was to be.
        kept.enter(record.settled(State.RETAINED))
        kept.confirm(record.volume)
        return
    kept.forget(record)
