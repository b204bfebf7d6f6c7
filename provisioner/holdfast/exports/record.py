"""What Holdfast knows of a directory: a small file on the export, which outlives the cluster.

    .holdfast/export                          which export this is: its id and format
    .holdfast/terms/LEADER/NUMBER.ID/         the term in which changes are made (terms.py)
        +VOLUME -> PATH                       an intent: PATH is about to be made for VOLUME
        -VOLUME/                              a directory on its way out
    .holdfast/terms/LEADER/.spare/            the folder of the next term
    .holdfast/creating/VOLUME                 a volume that the API server may not know yet
    .holdfast/volumes/VOLUME                  a volume that it does, or did
    .holdfast/trashed/VOLUME                  a volume whose directory was deleted
    .holdfast/trash/VOLUME/                   that directory, until the reaper has been there
    .holdfast/directories/PATH/VOLUME         whose PATH is: found without reading the rest
    .holdfast/directories/PATH/.made          PATH is a parent that Holdfast made

Between the components of a PATH of several is one more, `.holdfast`: A/.holdfast/B for A/B.

An intent is written before its directory is made, the record right after, and the record moves
from `creating` to `volumes` once the PersistentVolume exists: what a crash leaves half-made is
exactly the intents and what lies in `creating`. That a record lies in `trashed` is all that says
so: deleting is renames alone, which a full export allows as well. Nothing is kept inside the
directory itself: databases want theirs empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from holdfast.claims.errors import Refused
from holdfast.claims.objects import ClaimRef
from holdfast.claims.parameters import Action
from holdfast.claims.paths import components
from holdfast.exports.errors import ExportError, Unsafe
from holdfast.exports.inode import UNKNOWN, Inode
from holdfast.exports.tree import LONGEST_FILE

VERSION = 2
_DEEPEST = 16  # of what later versions may add; JSON of any depth is not to be followed

# What parsing raises for JSON that is no record, or no JSON.
_NO_RECORD = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
_encode = json.JSONEncoder().encode


class DirectoryTaken(ExportError):
    """The directory, one above it or one beneath it belongs to `records`."""

    def __init__(self, directory: str, records: Sequence[Record]) -> None:
        owners = ", ".join(f"{record.volume} of claim {record.claim}" for record in records)
        super().__init__(f"directory {directory!r} belongs to volume {owners}")
        self.directory = directory
        self.records = tuple(records)


def timestamp() -> str:
    """Now, as RFC 3339 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class State(StrEnum):
    """Where the data of a record is: at its directory, kept there, archived, or in the trash."""

    LIVE = "live"
    RETAINED = "retained"
    ARCHIVED = "archived"
    TRASHED = "trashed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One volume's directory.

    Attributes:
        volume: name of the PersistentVolume.
        version: of the record's format; 1 had no export, inode, inherited and version.
        export: id of the export that the directory is on; empty in version 1.
        directory: path relative to the export's root.
        inode: of the directory; not known in version 1.
        claim: whose it is or was.
        size: the claim's request, a Kubernetes quantity.
        reclaim_policy: `Delete` or `Retain`, of the PersistentVolume.
        on_delete: the reclaim action under the policy Delete.
        mode: permission bits, in octal; uid, gid: None where the server decided.
        found: the directory was there before its volume; it keeps its mode and owner.
        foreign: it was there, and no record said whose: somebody's own, and never removed.
        inherited: nfs-subdir-external-provisioner made it, by whose rules volumes may share.
        succeeds: volumes that are gone and whose retained directory this one takes up.
        origin: which cluster's API server knows the volume (the uid of its namespace
            kube-system); empty where that could not be read.
        target: where the data goes or went: the name of an archive in the root, which is written
            before it is moved, or the place in the trash, which is not written.
        created, moved: RFC 3339, UTC; `moved` is empty in the trash.
        unknown: fields of a later version, which are kept; those within `claim` and `inode`
            beneath these names.
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
    succeeds: tuple[str, ...] = ()
    origin: str = ""
    state: State = State.LIVE
    target: str = ""
    created: str = field(default_factory=timestamp)
    moved: str = ""
    unknown: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def parse(cls, data: bytes, volume: str) -> Self:
        """The record in a volume's file.

        Raises:
            Unsafe: the file is not a record, has a field of another type than it should have, or
                belongs to another volume.
        """
        try:
            record = cls(**_read(json.loads(data)))
            _check_depth(record.unknown)
            components(record.directory)
            if record.target and components(record.target) != (record.target,):
                raise ValueError(f"no archive is at {record.target!r}, but in the root")
        except (*_NO_RECORD, Refused) as error:
            raise Unsafe(
                f"cannot parse the record .holdfast/…/{volume} ({error}): restore it from a backup"
            ) from error
        if record.volume != volume:
            raise Unsafe(
                f"the record .holdfast/…/{volume} names volume {record.volume!r}: restore it from "
                "a backup"
            )
        return record

    def dump(self) -> bytes:
        """The record as a file: JSON, a line for each field, human-readable.

        Raises:
            Unsafe: it would be too long to be read again.
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
            raise Unsafe(f"the record of {self.volume} would have more than {LONGEST_FILE} bytes")
        return data

    def with_target(self, target: str) -> Record:
        """The record before its data is moved, or with "" where it stays after all."""
        return replace(self, target=target)

    def with_state(self, state: State) -> Record:
        """The record after its data was moved, or left for good."""
        return replace(self, state=state, moved=timestamp())

    def trashed(self, place: str) -> Record:
        """The record of a directory that is in the trash."""
        return replace(self, state=State.TRASHED, target=place)

    @property
    def in_place(self) -> bool:
        """Whether the data is at the directory, and nothing has begun to move it."""
        return self.state in {State.LIVE, State.RETAINED} and not self.target

    @property
    def was_retained(self) -> bool:
        """Whether the directory was kept on purpose, and may be taken up by its path's claim."""
        kept = self.reclaim_policy == "Retain" or self.on_delete is Action.RETAIN
        return self.state is State.RETAINED or (self.state is State.LIVE and kept)

    def shares_with(self, other: Record) -> bool:
        """Whether both may have one directory: their classes say so, or nfs-subdir made both."""
        both = (self.shared and other.shared) or (self.inherited and other.inherited)
        return both and self.directory == other.directory

    def may_go_before(self, other: Record) -> bool:
        """Whether it lies within the other's directory, and nfs-subdir made both.

        That provisioner let directories lie within each other: the inner one is reclaimed first.
        """
        both = self.inherited and other.inherited
        return both and self.directory.startswith(f"{other.directory}/")


_NAMES = tuple(one.name for one in fields(Record) if one.name != "unknown")
# Of what has fields of its own.
_PARTS = {
    "claim": tuple(one.name for one in fields(ClaimRef)),
    "inode": tuple(one.name for one in fields(Inode)),
}
_TEXTS = {"volume", "export", "directory", "storage_class", "size", "reclaim_policy", "mode"}
_TEXTS |= {"origin", "target", "created", "moved"}
_FLAGS = {"shared", "found", "foreign", "inherited"}


def _read(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a record's JSON, checked; raises ValueError, TypeError, KeyError."""
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
    """The fields of these names, and the others."""
    known = {name: value for name, value in given.items() if name in names}
    return known, {name: value for name, value in given.items() if name not in names}


def _check_depth(value: Any, left: int = _DEEPEST) -> None:
    if not left:
        raise ValueError(f"it is nested more than {_DEEPEST} deep")
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
        raise TypeError(f"field {name!r} is {value!r}")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _texts(given: dict[str, Any]) -> dict[str, str]:
    return {name: _text(value) for name, value in given.items()}


def _inode(given: dict[str, Any]) -> Inode:
    if not all(type(value) is int for value in given.values()):
        raise TypeError(f"field 'inode' is {given!r}")
    return Inode(given["number"], given.get("birth", 0))
