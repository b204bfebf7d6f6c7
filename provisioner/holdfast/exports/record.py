"""The record of a volume's directory: a small file on the export that outlives the cluster.

    .holdfast/export                          which export this is: its id and format
    .holdfast/terms/LEADER/NUMBER.ID/         the term in which changes are made (terms.py)
        +VOLUME -> PATH                       an intent: PATH is about to be made for VOLUME
        -VOLUME/                              a directory that is being moved
        .draft-leaving-VOLUME -> VOLUME       a notice: its directory is moved away (leaving.py)
    .holdfast/terms/LEADER/.spare/            the folder of the next term
    .holdfast/creating/VOLUME                 record: the API server may not know the volume yet
    .holdfast/volumes/VOLUME                  record: the API server knows, or knew, the volume
    .holdfast/trashed/VOLUME                  record: the directory was deleted
    .holdfast/trash/VOLUME/                   the deleted directory, until the reaper removes it
    .holdfast/directories/PATH/VOLUME         mark: PATH belongs to VOLUME (index by directory)
    .holdfast/directories/PATH/.made          mark: PATH is a parent that Holdfast made
    .holdfast/directories/PATH/.retain        mark: a released volume that shared PATH retains it
    .holdfast/directories/PATH/.archive       the same, for the action archive
    .holdfast/reserve/                        space for recording what is then deleted (reserve.py)

A PATH of several components has `.holdfast` between them: A/.holdfast/B for A/B.

The intent is written before the directory is made, the record right after it; the record moves
from `creating` to `volumes` once the PersistentVolume exists. So exactly the intents and the
records in `creating` are what a crash can leave half-made. Only its place in `trashed` says that
a record's directory was deleted: deleting takes only renames, which work on a full export too. A
volume that has no record yet gets one in the space of the reserve then.
Nothing is stored in the directory itself: databases require an empty one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from holdfast.claims.constants import RETAIN
from holdfast.claims.errors import Refused
from holdfast.claims.objects import ClaimRef
from holdfast.claims.parameters import Action
from holdfast.claims.paths import components
from holdfast.exports.errors import ExportError, Unsafe
from holdfast.exports.inode import UNKNOWN, Inode
from holdfast.exports.tree import LONGEST_FILE

VERSION = 2
_DEEPEST = 16  # levels of nesting in fields of later versions; bounds the recursion

# Raised by parsing for invalid JSON and for JSON that is not a record.
_NO_RECORD = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
_encode = json.JSONEncoder().encode


class DirectoryTaken(ExportError):
    """The directory, or one above or beneath it, belongs to other volumes.

    Attributes:
        directory: path relative to the export's root.
        records: the records of those volumes.
    """

    def __init__(self, directory: str, records: Sequence[Record]) -> None:
        owners = ", ".join(f"{record.volume} of claim {record.claim}" for record in records)
        super().__init__(f"directory {directory!r} belongs to volume {owners}")
        self.directory = directory
        self.records = tuple(records)


def timestamp() -> str:
    """The current time in UTC, RFC 3339, in seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class State(StrEnum):
    """Where a record's data is: in use or retained at its directory, archived, or in the trash."""

    LIVE = "live"
    RETAINED = "retained"
    ARCHIVED = "archived"
    TRASHED = "trashed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One volume's directory.

    Attributes:
        volume: name of the PersistentVolume.
        version: format of the record; version 1 has no version, export, inode and inherited.
        export: id of the export; empty in version 1.
        directory: path relative to the export's root.
        inode: inode of the directory; unknown in version 1.
        claim: the PersistentVolumeClaim that the volume is or was bound to.
        storage_class: name of its StorageClass.
        size: the claim's request, a Kubernetes quantity.
        reclaim_policy: `Delete` or `Retain`, as in the PersistentVolume.
        on_delete: the reclaim action under the policy `Delete`.
        shared: other volumes whose class says so too may have the same directory.
        mode: permission bits, octal.
        uid, gid: owner; None if the server chose it.
        found: the directory existed before the volume; it keeps its mode and owner.
        foreign: it existed and had no record: it is never removed.
        inherited: made by nfs-subdir-external-provisioner, whose rules let volumes share.
        retained_in_trash: the volume was set to Retain when its directory was in the trash already,
            which goes back to its path therefore; false in any other place.
        succeeds: deleted volumes whose retained directory this volume reuses.
        origin: uid of the cluster (of its namespace kube-system); empty if it was unreadable.
        state: where the data is.
        target: where the data is moved: the name of an archive in the root, written before the
            move, or the path in the trash, which is not written to the file.
        created, moved: RFC 3339, UTC; `moved` is empty in the trash.
        unknown: fields of later versions, kept as they are; those of `claim` and `inode` are
            nested under these names.
    """

    volume: str
    version: int = VERSION
    export: str = ""
    directory: str
    inode: Inode = UNKNOWN
    claim: ClaimRef
    storage_class: str
    size: str
    reclaim_policy: str
    on_delete: Action
    shared: bool = False
    mode: str = "0777"
    uid: int | None = None
    gid: int | None = None
    found: bool = False
    foreign: bool = False
    inherited: bool = False
    retained_in_trash: bool = False
    succeeds: tuple[str, ...] = ()
    origin: str = ""
    state: State = State.LIVE
    target: str = ""
    created: str = field(default_factory=timestamp)
    moved: str = ""
    unknown: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def parse(cls, data: bytes, volume: str, folder: str = "…") -> Self:
        """Parses a record's file.

        Args:
            data: the file's content.
            volume: its name, which is the volume's.
            folder: the folder of `.holdfast` that it is in, for messages.

        Raises:
            Unsafe: the file is not a record, a field has the wrong type, or the record belongs to
                another volume.
        """
        place = f".holdfast/{folder}/{volume}"
        advice = f"restore it from a backup or, if there is no volume {volume}, remove it"
        try:
            record = cls(**_read(_loaded(data)))
            _check_depth(record.unknown)
            components(record.directory)
            if record.target and components(record.target) != (record.target,):
                raise ValueError(f"target {record.target!r} is not in the export's root")
        except (*_NO_RECORD, Refused) as error:
            raise Unsafe(f"cannot parse the record {place} ({error}): {advice}") from error
        if record.volume != volume:
            raise Unsafe(f"the record {place} names volume {record.volume!r}: {advice}")
        return record

    def dump(self) -> bytes:
        """The record as JSON, one field a line, human-readable.

        Raises:
            Unsafe: it is longer than `LONGEST_FILE`, which `parse` refuses.
        """
        values = {name: getattr(self, name) for name in _NAMES}
        for name, known in _PARTS.items():
            own = {part: getattr(values[name], part) for part in known}
            later = self.unknown.get(name)
            values[name] = {**own, **later, **own} if isinstance(later, Mapping) else own
        values["version"] = max(self.version, VERSION)
        values |= {name: self.unknown[name] for name in self.unknown if name not in _NAMES}
        # Not `indent`, which takes the standard library's slow encoder.
        lines = (f" {_encode(name)}: {_encode(value)}" for name, value in values.items())
        data = ("{\n" + ",\n".join(lines) + "\n}\n").encode()
        if len(data) > LONGEST_FILE:
            raise Unsafe(
                f"the record of volume {self.volume} would have {len(data)} bytes, more than "
                f"{LONGEST_FILE}: remove its longest fields"
            )
        return data

    def with_target(self, target: str) -> Record:
        """The record before its data is moved to `target`; "" if it stays after all."""
        return replace(self, target=target)

    def with_state(self, state: State) -> Record:
        """The record after its reclaim action has ended, in the state that this left."""
        return replace(self, state=state, moved=timestamp(), retained_in_trash=False)

    def trashed(self, place: str) -> Record:
        """The record, with its directory at this path in the trash."""
        return replace(self, state=State.TRASHED, target=place)

    def updated(self, claim: ClaimRef, size: str, reclaim_policy: str) -> Record:
        """The record as its PersistentVolume, which has these, wants it."""
        return replace(
            self,
            claim=claim,
            size=size,
            reclaim_policy=reclaim_policy,
            retained_in_trash=self.state is State.TRASHED and reclaim_policy == RETAIN,
        )

    @property
    def in_place(self) -> bool:
        """Whether the data is at the directory and is not being moved."""
        return self.state in {State.LIVE, State.RETAINED} and not self.target

    @property
    def has_left(self) -> bool:
        """Whether the directory was reclaimed: what is at its path now is not this volume's."""
        return self.state in {State.TRASHED, State.ARCHIVED}

    @property
    def was_retained(self) -> bool:
        """Whether the directory was retained, and may be reused by a claim with its path."""
        kept = self.reclaim_policy == RETAIN or self.on_delete is Action.RETAIN
        return self.state is State.RETAINED or (self.state is State.LIVE and kept)

    @property
    def may_be_shared(self) -> bool:
        """Whether other volumes may have the directory too: see `shares_with`."""
        return self.shared or self.inherited

    def shares_with(self, other: Record) -> bool:
        """Whether both may have one directory: both classes say so, or nfs-subdir made both."""
        both = (self.shared and other.shared) or (self.inherited and other.inherited)
        return both and self.directory == other.directory

    def may_be_reclaimed_before(self, other: Record) -> bool:
        """Whether it is nested in the other's directory, and nfs-subdir made both.

        That provisioner allows nested directories; the inner one is reclaimed first.
        """
        both = self.inherited and other.inherited
        return both and self.directory.startswith(f"{other.directory}/")


_NAMES = tuple(one.name for one in fields(Record) if one.name != "unknown")
# Fields that are objects, and their fields.
_PARTS = {
    "claim": tuple(one.name for one in fields(ClaimRef)),
    "inode": tuple(one.name for one in fields(Inode)),
}
_TEXTS = {"volume", "export", "directory", "storage_class", "size", "reclaim_policy", "mode"}
_TEXTS |= {"origin", "target", "created", "moved"}
_FLAGS = {"shared", "found", "foreign", "inherited", "retained_in_trash"}


def _loaded(data: bytes) -> Any:
    """Parses JSON; raises ValueError for half a surrogate pair, which no message can carry."""
    given = json.loads(data)
    if not data.isascii() or b"\\u" in data:  # else there is none: saves the time
        json.dumps(given, ensure_ascii=False).encode()
    return given


def _read(given: dict[str, Any]) -> dict[str, Any]:
    """Parses and checks a record's fields; raises ValueError, TypeError, KeyError."""
    known = {name: given[name] for name in given if name in _NAMES}
    for name, value in known.items():
        _check(name, value)
    parts = {name: _split(given.get(name) or {}, _PARTS[name]) for name in _PARTS}
    known["claim"] = ClaimRef(**_texts(parts["claim"][0]))
    known["inode"] = _inode(parts["inode"][0]) if given.get("inode") else UNKNOWN
    known["on_delete"] = Action(given["on_delete"])
    known["state"] = State(given["state"])
    known["succeeds"] = tuple(map(_text, given["succeeds"]))
    known["unknown"] = {name: given[name] for name in given if name not in _NAMES}
    known["unknown"] |= {name: later for name, (_, later) in parts.items() if later}
    known.setdefault("version", 1)
    return known


def _split(given: dict[str, Any], names: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields with these names, and the others."""
    known = {name: value for name, value in given.items() if name in names}
    return known, {name: value for name, value in given.items() if name not in names}


def _check_depth(value: Any, left: int = _DEEPEST) -> None:
    if not left:
        raise ValueError(f"nested more than {_DEEPEST} levels deep")
    inner = value.values() if isinstance(value, Mapping) else value
    if isinstance(inner, Iterable) and not isinstance(inner, str):
        for one in inner:
            _check_depth(one, left - 1)


def _check(name: str, value: Any) -> None:
    kinds: tuple[type, ...] = (object,)
    if name in _TEXTS:
        kinds = (str,)
    elif name in _FLAGS:
        kinds = (bool,)
    elif name in {"uid", "gid"}:
        kinds = (int, type(None))
    elif name == "version":
        kinds = (int,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and name not in _FLAGS):
        raise TypeError(f"field {name!r} has the wrong type: {value!r}")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


def _texts(given: dict[str, Any]) -> dict[str, str]:
    return {name: _text(value) for name, value in given.items()}


def _inode(given: dict[str, Any]) -> Inode:
    if not all(type(value) is int for value in given.values()):
        raise TypeError(f"field 'inode' has the wrong type: {given!r}")
    return Inode(given["number"], given.get("birth", 0))
