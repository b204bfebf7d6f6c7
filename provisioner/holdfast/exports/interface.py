"""What an export can be asked for: data in, data out.

Nothing here is tied to a process: no callbacks, no handles, no Kubernetes objects. So the same
methods serve an export that is mounted here (`export.py`) and one that is reached through a
process beside its disks (`remote.py`), and one test suite holds for both.

Each method can be repeated after an error, a crash or a lost answer, and then finishes what was
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
    """Who may change an export.

    Attributes:
        cluster: the uid of its namespace kube-system; empty where that is not known.
        lease: by which the replicas take turns.
        former: names that the lease had before, whose terms end with the next.
    """

    cluster: str
    lease: str
    former: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Term:
    """One leadership of one export. Of one leader's terms only the latest may change anything.

    Attributes:
        leader: whose term it is.
        number: later terms have higher ones.
        export: id of the export.
    """

    leader: Leader
    number: int
    export: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to change the export: in which term, and for how many seconds from when it was made.

    It is made when the caller begins to wait, so that the wait for a place and for other calls
    counts. Once the time is up nobody waits for the call any more, and it begins no further
    change. Clocks of two machines cannot be compared: to another process go the seconds that
    are left when the request is sent (`codec.encode`), which count there from its arrival.

    Attributes:
        until: when the time is up, by `time.monotonic` of this process.
    """

    term: Term
    seconds: float = 3600.0
    until: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Starts the clock."""
        object.__setattr__(self, "until", time.monotonic() + self.seconds)

    def left(self) -> float:
        """The seconds that are left; 0 once the time is up."""
        return max(0.0, self.until - time.monotonic())


@dataclass(frozen=True, slots=True)
class ExportInfo:
    """Which export this is.

    Attributes:
        id: in `.holdfast/export`; empty where there is none yet.
        format: version of what is kept in `.holdfast`; 0 where nothing is, 1 before there were ids.
    """

    id: str = ""
    format: int = 0


@dataclass(frozen=True, slots=True)
class Takeover:
    """A term that has begun, and what earlier ones left unfinished.

    Attributes:
        term: what changes carry from now on.
        unfinished: records of volumes that the API server may not know.
        moving: volumes whose directory was on its way out: `reclaim` or `put_back` ends that.
        left: what a person has to look at, a sentence each.
    """

    term: Term
    unfinished: tuple[Record, ...] = ()
    moving: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A directory to be made for a volume; `directory` is relative to the export's root.

    Attributes:
        shared: other volumes that say so too may have the same directory.
        use_existing: take a directory that is there and that no record names.
        mode: permission bits; uid, gid: None leaves them as the server makes them.
    """

    volume: str
    directory: str
    claim: ClaimRef
    storage_class: str
    size: str
    reclaim_policy: str
    on_delete: Action
    shared: bool = False
    use_existing: bool = False
    mode: int = 0o777
    uid: int | None = None
    gid: int | None = None


class Outcome(StrEnum):
    """What became of a directory."""

    TRASHED = "trashed"
    ARCHIVED = "archived"
    RETAINED = "retained"
    SHARED = "shared"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a directory, and where it is now (relative to the root; may be empty)."""

    outcome: Outcome
    place: str = ""


@dataclass(frozen=True, slots=True)
class Reaped:
    """How far the removal of one volume's trash came.

    Attributes:
        done: nothing of it is left.
        removed: entries removed this time.
        age: seconds since the volume was deleted.
        blocked: why something could not be removed (`EACCES`, `EIO`, …); empty where there was
            only not enough time.
    """

    done: bool
    removed: int = 0
    age: float = 0.0
    blocked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PutBack:
    """A live volume's directory that was found where it should not be.

    Attributes:
        volume: whose it is.
        directory: where it belongs; empty where the volume's record cannot be read.
        found_at: where it was, or is.
        reason: why it could not be put back, which is tried again; empty where it is back.
    """

    volume: str
    directory: str
    found_at: str
    reason: str = ""


class Exports(Protocol):
    """One export. Every method raises ExportError."""

    def inspect(self) -> ExportInfo:
        """Which export this is; changes nothing."""

    def initialise(self, export_id: str) -> ExportInfo:
        """Gives an export that has none an id, and makes the folders for records."""

    def probe(self) -> ExportInfo:
        """Tries whether the export answers, and can be written to where it has an id."""

    def begin(self, leader: Leader) -> Takeover:
        """Begins a term: from now on no earlier one of this leader can change anything."""

    def find(self, volume: str) -> Record | None:
        """The record of a volume."""

    def is_unfinished(self, volume: str) -> bool:
        """Whether the API server may not know a volume that has a record."""

    def has_orphan(self, directory: str) -> bool:
        """Whether there is anything at a directory's path that no record accounts for."""

    def create(self, grant: Grant, wanted: Wanted, reuses: tuple[str, ...] = ()) -> Record:
        """Makes a directory, and its record.

        Args:
            grant: leave to change the export.
            wanted: what to make.
            reuses: volumes that are known to be gone, whose retained directory this one takes up.

        Raises:
            DirectoryTaken: the directory overlaps those of other volumes.
            Unsafe: the directory exists, and no record says whose it is.
        """

    def confirm(self, grant: Grant, volume: str) -> None:
        """Notes that the API server knows the volume; what it reuses is forgotten."""

    def undo(self, grant: Grant, volume: str) -> None:
        """Takes back a `create` that no volume came of; a directory that holds data stays."""

    def adopt(self, grant: Grant, record: Record) -> Record:
        """Records a volume that was made without Holdfast; the record that is kept."""

    def follow(
        self, grant: Grant, volume: str, claim: ClaimRef, size: str, reclaim_policy: str
    ) -> None:
        """Brings a record up to date with its PersistentVolume."""

    def forget(self, grant: Grant, volume: str) -> bool:
        """Removes the record of a volume that is gone, if its directory is gone as well.

        False where there is anything at the place that the record names.
        """

    def reclaim(self, grant: Grant, volume: str, claim_uid: str, action: Action) -> Moved:
        """Carries out a reclaim action on the directory of a volume that is released.

        Raises:
            Unsafe: no record names this export, this volume and this claim's uid.
            DirectoryTaken: other volumes' directories overlap it.
        """

    def put_back(self, grant: Grant, volume: str) -> str:
        """Ends a move that is not wanted any more; the directory, or "" where nothing moved."""

    def trashed(self) -> tuple[str, ...]:
        """The volumes with something in the trash."""

    def reap(self, grant: Grant, volume: str, entries: int) -> Reaped:
        """Removes at most so many entries of a volume's trash; the volume itself must be gone.

        It ends at half of the grant's time, so that how far it came is heard of.
        """

    def sweep(self, grant: Grant) -> tuple[PutBack, ...]:
        """Puts back what calls of an earlier term moved after that had ended.

        What cannot be put back is in the answer too, each time.
        """
