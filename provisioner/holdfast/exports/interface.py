"""The interface of an export: data in, data out.

It has no callbacks, handles or Kubernetes objects, so that the same methods serve a mounted
export (`export.py`) and one behind an agent on the NFS server (`remote.py`); one test suite covers
both.

Every method can be repeated after an error, a crash or a lost answer, and then completes what was
begun. Each change in a term carries a `Grant`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from holdfast.claims.objects import ClaimRef
from holdfast.claims.parameters import Action
from holdfast.exports.record import Record


@dataclass(frozen=True, slots=True)
class Leader:
    """The leader of an export: one cluster's lease, whichever replica holds it.

    Attributes:
        cluster: uid of the cluster (of its namespace kube-system); empty if unknown.
        lease: name of the Lease that elects the replica.
        former: earlier names of that Lease; the next term ends their terms too.
        takes_over: uids of clusters that are gone: their records count as this cluster's, and the
            next term ends all of their terms.
    """

    cluster: str
    lease: str
    former: tuple[str, ...] = ()
    takes_over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Term:
    """A term: one leadership of one export. Only a leader's latest term may change anything.

    Attributes:
        leader: the leader.
        number: counts a leader's terms from 1.
        export: id of the export.
    """

    leader: Leader
    number: int
    export: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """Permission to change the export: a term and a deadline.

    The time counts from when the grant is made, so it includes waiting for a thread and for locks.
    After the deadline the caller has given up, and the call begins no further change. As clocks of
    two machines cannot be compared, `codec.encode` sends the seconds that are left; the other
    process counts them from the request's arrival.

    Attributes:
        term: the term.
        seconds: time from the grant's creation to the deadline.
        until: the deadline, by `time.monotonic` of this process.
    """

    term: Term
    seconds: float = 3600.0
    until: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Starts the clock."""
        object.__setattr__(self, "until", time.monotonic() + self.seconds)

    def left(self) -> float:
        """Seconds until the deadline; 0 after it."""
        return max(0.0, self.until - time.monotonic())


@dataclass(frozen=True, slots=True)
class ExportInfo:
    """An export's identity.

    Attributes:
        id: id in `.holdfast/export`; empty if there is none.
        format: version of the layout of `.holdfast`; 0 without `.holdfast`, 1 without an id.
    """

    id: str = ""
    format: int = 0


@dataclass(frozen=True, slots=True)
class Takeover:
    """A term that has begun, and what earlier terms left unfinished.

    Attributes:
        term: the new term.
        unfinished: records of volumes that the API server may not know.
        moving: volumes whose directory was being moved: `reclaim` or `move_back` completes that.
        unresolved: what an administrator has to resolve, a sentence each.
    """

    term: Term
    unfinished: tuple[Record, ...] = ()
    moving: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectorySpec:
    """The directory that a volume is to have; see `Record` for the other attributes.

    Attributes:
        directory: path relative to the export's root.
        shared: other volumes with `shared` may have the same directory.
        joins: a volume that shares the directory is in use. Else those whose record says so may be
            gone, and their directory is a retained one.
        use_existing: accept an existing directory without a record.
        mode: permission bits.
        uid, gid: owner; None keeps what the server chooses.
    """

    volume: str
    directory: str
    claim: ClaimRef
    storage_class: str
    size: str
    reclaim_policy: str
    on_delete: Action
    shared: bool = False
    joins: bool = False
    use_existing: bool = False
    mode: int = 0o777
    uid: int | None = None
    gid: int | None = None


class Outcome(StrEnum):
    """Outcome of a reclaim."""

    TRASHED = "trashed"
    ARCHIVED = "archived"
    RETAINED = "retained"
    SHARED = "shared"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Moved:
    """Result of a reclaim: its outcome, and the directory's path now ("" if it is gone)."""

    outcome: Outcome
    place: str = ""


@dataclass(frozen=True, slots=True)
class Reaped:
    """Progress of removing one volume's trash.

    Attributes:
        done: whether all of it is removed.
        removed: entries removed by this call.
        age: seconds since the directory was deleted.
        blocked: why entries could not be removed (`EACCES`, `EIO`, …); empty if only the limit of
            entries or time was reached.
        details: for each reason of `blocked` the first entry, and what to do; empty if `blocked`
            says it all.
    """

    done: bool
    removed: int = 0
    age: float = 0.0
    blocked: tuple[str, ...] = ()
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MovedBack:
    """A live volume's directory that was found at the wrong place.

    Attributes:
        volume: the volume.
        directory: where it belongs; empty if the volume's record cannot be read.
        found_at: where it was found.
        reason: why it could not be moved back (the next sweep retries); empty if it was.
    """

    volume: str
    directory: str
    found_at: str
    reason: str = ""


class ExportInterface(Protocol):
    """An export. Every method raises ExportError."""

    def inspect(self) -> ExportInfo:
        """The export's id and format; changes nothing."""

    def initialise(self, export_id: str) -> ExportInfo:
        """Writes the export's id, unless it has one, and makes the folders for records."""

    def probe(self) -> ExportInfo:
        """Checks that the export answers and, if it has an id, can be written to."""

    def begin(self, leader: Leader) -> Takeover:
        """Begins a term: fences all earlier terms of this leader."""

    def find(self, volume: str) -> Record | None:
        """The record of a volume; None if there is none."""

    def recorded(self) -> tuple[str, ...]:
        """The volumes that have a record; reads none, so they may be unreadable."""

    def is_unfinished(self, volume: str) -> bool:
        """Whether a volume has a record but may be unknown to the API server."""

    def has_directory(self, directory: str) -> bool:
        """Whether something is at a path, recorded or not; on an export without an id, too."""

    def has_orphan(self, directory: str) -> bool:
        """Whether something without a record is at a path."""

    def create(self, grant: Grant, spec: DirectorySpec, reuses: tuple[str, ...] = ()) -> Record:
        """Makes a directory and its record.

        Args:
            grant: permission to change the export.
            spec: the directory.
            reuses: deleted volumes whose retained directory the volume may reuse, also itself after
                an undo that kept the directory.

        Raises:
            DirectoryTaken: the directory overlaps those of other volumes.
            Unsafe: the directory exists without a record, or the volume's record is of another
                cluster.
            DirectoryGone: the volume has a record, and nothing is at its path.
        """

    def confirm(self, grant: Grant, volume: str) -> None:
        """Records that the API server knows the volume; removes the records that it reuses.

        Raises:
            DirectoryGone: an undo failed, but has taken the directory: `create` makes it again.
        """

    def undo(self, grant: Grant, volume: str) -> None:
        """Undoes a `create` whose volume was never made; a directory with data is retained."""

    def owners(self, directory: str) -> tuple[str, ...]:
        """The volumes with a mark on a directory, above or beneath it; reads no record."""

    def adopt(
        self,
        grant: Grant,
        record: Record,
        gone: tuple[str, ...] = (),
        *,
        may_use_reserve: bool = False,
    ) -> Record:
        """Records a volume that was made without Holdfast; returns the stored record.

        Args:
            grant: permission to change the export.
            record: the record.
            gone: owners of the directory that do not exist any more: their records are removed
                if they give way (`gone_volumes.py`).
            may_use_reserve: on a full export, use the space kept for that (`reserve.py`), if the
                volume's directory goes to the trash in the end. Only for a volume that is about to
                be deleted.
        """

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
        """Updates a record from its PersistentVolume; `may_use_reserve` as for `adopt`.

        A record of a cluster that is taken over becomes this cluster's.

        Raises:
            DirectoryGone: an undo that failed has taken the directory; `create` makes it again.
            Unsafe: the record is of another cluster.
        """

    def forget(self, grant: Grant, volume: str) -> bool:
        """Removes the record of a deleted volume, if its directory is gone too.

        False if something is at the path that the record names, the directory was moved, or the
        record is of another cluster.
        """

    def reclaim(self, grant: Grant, volume: str, claim_uid: str, action: Action) -> Moved:
        """Carries out a reclaim action on a released volume's directory.

        Raises:
            Unsafe: no record has this export, volume and claim uid, or it is of another cluster.
            DirectoryTaken: directories of other volumes overlap it.
        """

    def leave(self, grant: Grant, volume: str, claim_uid: str, action: Action) -> Moved | None:
        """As `reclaim`, if other volumes share the directory, or if it was reclaimed already.

        The directory stays. None, and nothing is changed, if this is the last of the volumes.
        """

    def move_back(self, grant: Grant, volume: str) -> str:
        """Ends a move of a live volume's directory that is no longer wanted.

        If it is in the term's folder, it is moved back. An archive that is complete stays.
        Returns its path, or "" if nothing was moved back.
        """

    def recover(self, grant: Grant, volume: str, reclaim_policy: str) -> str:
        """Moves a directory back from the trash or its archive.

        Its volume exists, or was set to Retain. Returns its path, or "" if it was there already
        or was undone, so that `create` makes it again.
        The record is live again and has the volume's reclaim policy.

        Raises:
            DirectoryTaken: the directory overlaps those of other volumes.
            DirectoryGone: the directory is neither at its path nor where the record says.
            Unsafe: something else is at its path or in the trash, or the record is of another
                cluster.
        """

    def trashed(self) -> tuple[str, ...]:
        """The volumes with a directory in the trash."""

    def reap(self, grant: Grant, volume: str, entries: int) -> Reaped:
        """Removes at most `entries` of a volume's trash; the volume must be deleted.

        If the volume was set to Retain when its directory was in the trash already, it moves that
        back instead, as `recover` does.
        It stops at half of the grant's time, so that the caller still gets the result.
        """

    def sweep(self, grant: Grant) -> tuple[MovedBack, ...]:
        """Puts back directories that late calls of earlier terms moved.

        The result also lists those that could not be moved back, each time.
        """
