"""What an administrator has to know about the volumes and records of the mounted export."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from holdfast.claims.decide import Provisioner
from holdfast.claims.inherited import left_alone
from holdfast.claims.objects import Volume
from holdfast.claims.paths import parents_of
from holdfast.claims.reclaim_rules import is_released
from holdfast.cli.directory_owners import DirectoryOwners
from holdfast.cli.entries import INHERITED, Entry, Finding
from holdfast.cli.export_ids import Place
from holdfast.cli.naming_rules import Refusal
from holdfast.cli.pending_reclaim import pending_reclaim
from holdfast.cli.records import Held
from holdfast.exports.errors import WrongExport
from holdfast.exports.export import Export
from holdfast.exports.record import Record, State

# What a record without a volume says.
_STATES = {
    State.LIVE: "without a volume",
    State.RETAINED: "retained",
    State.ARCHIVED: "archived",
    State.TRASHED: "in the trash",
}


@dataclass(frozen=True, slots=True)
class Mounted:
    """The mounted export, and the cluster that uses it.

    Attributes:
        root: where it is mounted.
        export_id: the id that it has, or will get.
        provisioner: whose volumes are reclaimed.
        cluster: uid of the cluster; empty if unknown.
        volumes: by name, all volumes of the cluster.
        directories: by volume, the directory of each of the provisioner's volumes on this export.
        refusal: why an inherited volume is not recorded; empty if it is.
    """

    root: Path
    export_id: str
    provisioner: Provisioner
    cluster: str
    volumes: Mapping[str, Volume]
    directories: Mapping[str, str]
    refusal: Refusal

    @classmethod
    def of(
        cls,
        root: Path,
        export_id: str,
        provisioner: Provisioner,
        cluster: str,
        *,
        volumes: Iterable[Volume],
        places: Iterable[Place],
        refusal: Refusal,
    ) -> Mounted:
        """With the cluster's volumes, and those that are on this export."""
        by_name = {volume.name: volume for volume in volumes}
        directories = {place.volume: place.directory for place in places}
        return cls(root, export_id, provisioner, cluster, by_name, directories, refusal)

    def entries(self, records: Mapping[str, Held]) -> tuple[Entry, ...]:
        """The entries, by finding and volume; raises ExportError.

        `records` were read before the volumes: a volume exists before its record leaves `creating`,
        so that none seems to be without its volume because it has just been created.
        """
        found = [
            *self.missing(records),
            *self.unreadable(records),
            *self.another(records),
            *self.of_another_cluster(records),
            *self._released(records),
            *self._without_volume(records),
            *self._unrecorded(),
        ]
        order = list(Finding)
        return tuple(sorted(found, key=lambda one: (order.index(one.finding), one.volume)))

    def only(self, volumes: Collection[str]) -> Mounted:
        """The same with these volumes alone, as far as they are on this export."""
        kept = {name: place for name, place in self.directories.items() if name in volumes}
        return replace(self, directories=kept)

    def missing(self, records: Mapping[str, Held]) -> Iterator[Entry]:
        """The volumes without their directory or their record; raises ExportError."""
        export, owned = Export(self.root), DirectoryOwners(held.record for held in records.values())
        for name, directory in self.directories.items():
            volume = self.volumes[name]
            entry = partial(Entry, name, _claim(volume), directory)
            # Of a volume that was made meanwhile, the record was not read.
            has_record = name in records or export.has_record(name)
            if not export.has_directory(directory):
                yield entry(Finding.NO_DIRECTORY)
            elif not has_record and volume.directory and (other := owned.owner(directory)):
                whose = f"of volume {other.volume} of claim {other.claim}"
                yield entry(Finding.OTHER_VOLUME, whose)
            if not has_record:
                yield entry(*self._why_unrecorded(volume, records, owned))

    def _why_unrecorded(
        self, volume: Volume, records: Mapping[str, Held], owned: DirectoryOwners
    ) -> tuple[Finding, str]:
        if volume.directory:
            return Finding.NO_RECORD, ""
        if why := self._refusal(volume, records, owned):
            return Finding.REFUSED, why
        return Finding.NO_RECORD, INHERITED

    def _refusal(self, volume: Volume, records: Mapping[str, Held], owned: DirectoryOwners) -> str:
        """Why Holdfast does not record an inherited volume; empty if it does."""
        if why := self.refusal(volume):
            return why
        directory = self.directories[volume.name]
        for other in owned.owners(directory):
            # As for the controller: inherited volumes may have one directory, or nest.
            is_gone = other.volume not in self.volumes and records[other.volume].is_another
            if not (other.inherited or is_gone):
                what = f"{directory!r} is or overlaps the directory of volume {other.volume}"
                return left_alone(volume, f"{what} of claim {other.claim}")
        return ""

    def unreadable(self, records: Mapping[str, Held]) -> Iterator[Entry]:
        """The records that cannot be parsed, also without a volume."""
        for name, held in records.items():
            if held.record is None:
                claim = _claim(self.volumes[name]) if name in self.directories else ""
                place = self.directories.get(name, "")
                yield Entry(name, claim, place, Finding.UNREADABLE, held.why)

    def another(self, records: Mapping[str, Held]) -> Iterator[Entry]:
        """The directories of this cluster that are not those in their records.

        Not one that another volume was given since: nothing is to be moved or accepted there.
        """
        used_again = self.used_again(records)
        for volume, held in records.items():
            record = held.record
            if volume in used_again:
                continue
            if record and held.is_another and self._is_ours(record):
                is_live = record.state is State.LIVE and volume in self.volumes
                yield _entry(record, Finding.ANOTHER, "" if is_live else _STATES[record.state])

    def of_another_cluster(self, records: Mapping[str, Held]) -> Iterator[Entry]:
        """The volumes in use whose record is of another cluster, as after a copy or a restore."""
        for name in self.directories:
            record = records[name].record if name in records else None
            if record and self.cluster and not self._is_ours(record):
                yield _entry(record, Finding.ANOTHERS_RECORD, f"of cluster {record.origin}")

    def used_again(self, records: Mapping[str, Held]) -> dict[str, str]:
        """The records of gone volumes at whose path a volume without a record is, and that volume.

        nfs-subdir-external-provisioner may have used the path again, which knows no records. What
        is there now is not what the record names, also if it was restored.
        """
        users = _Users(
            (directory, name)
            for name, directory in self.directories.items()
            if not (held := records.get(name)) or held.record is None
        )
        gone = (held.record for name, held in records.items() if name not in self.volumes)
        found = (
            (record.volume, users.of(record.directory))
            for record in gone
            if record and record.in_place
        )
        return {volume: user for volume, user in found if user}

    def _without_volume(self, records: Mapping[str, Held]) -> Iterator[Entry]:
        export, used_again = Export(self.root), self.used_again(records)
        for name, held in records.items():
            record = held.record
            if record is None or held.is_creating or name in self.volumes:
                continue
            missing = "" if _has_data(export, record) else "its directory is missing"
            if user := used_again.get(name):
                missing = f"its path is that of volume {user} now"
            if self._is_ours(record) or not self.cluster:
                yield _entry(record, _left_by(record), missing)
            else:
                state = f"{record.state} in cluster {record.origin}"
                detail = "; ".join(filter(None, (state, missing)))
                yield _entry(record, Finding.OTHER_CLUSTER, detail)

    def _unrecorded(self) -> Iterator[Entry]:
        """The directories that have lost their record, unless a volume is said to miss it."""
        with suppress(WrongExport):  # without `.holdfast`
            for directory, volume in Export(self.root).unrecorded():
                if volume not in self.directories:
                    yield Entry(volume, "", directory, Finding.UNRECORDED)

    def _is_ours(self, record: Record) -> bool:
        """Whether a record is of this cluster, or may be, or of one that is taken over."""
        return record.origin in {"", self.cluster, *self.provisioner.takes_over}

    def _released(self, records: Mapping[str, Held]) -> Iterator[Entry]:
        owned = DirectoryOwners(held.record for held in records.values())
        live = _live(held.record for held in records.values())
        for name, directory in self.directories.items():
            volume, held = self.volumes[name], records.get(name)
            if not is_released(volume, self.provisioner):
                continue
            if self._is_refused(volume, records, owned):
                continue
            others = [one for one in live[directory] if one.volume != name]
            is_there = Export(self.root).has_directory(directory)
            if action := pending_reclaim(volume, held, others, is_there=is_there):
                yield Entry(name, _claim(volume), directory, Finding.RELEASED, action)

    def _is_refused(
        self, volume: Volume, records: Mapping[str, Held], owned: DirectoryOwners
    ) -> bool:
        held = records.get(volume.name)
        if held is None:
            return not volume.directory and bool(self._refusal(volume, records, owned))
        if held.record is None:
            return True
        is_here = held.record.export in {"", self.export_id} and self._is_ours(held.record)
        return not is_here or held.record.directory != self.directories[volume.name]


def _claim(volume: Volume) -> str:
    return str(volume.claim) if volume.claim.name else ""


class _Users:
    """The volumes that have a directory, or one above or beneath it."""

    def __init__(self, volumes: Iterable[tuple[str, str]]) -> None:
        self._at = dict(volumes)
        self._beneath = {
            parent: name for place, name in self._at.items() for parent in parents_of(place)
        }

    def of(self, directory: str) -> str:
        """One of them; empty if there is none."""
        near = (self._at.get(one, "") for one in (directory, *parents_of(directory)))
        return next(filter(None, near), self._beneath.get(directory, ""))


def _has_data(export: Export, record: Record) -> bool:
    """Whether the data of a record is where it says; the trash is emptied at any time."""
    if record.state is State.TRASHED:
        return True
    places = {record.target, "" if record.state is State.ARCHIVED else record.directory} - {""}
    return any(map(export.has_directory, places))


def _left_by(record: Record) -> Finding:
    """What a record without a volume is; after the policy Retain it says that it is live."""
    if record.was_retained:
        return Finding.RETAINED
    if record.state is State.LIVE:
        return Finding.NO_VOLUME
    return Finding.ARCHIVED if record.state is State.ARCHIVED else Finding.TRASHED


def _entry(record: Record, finding: Finding, detail: str) -> Entry:
    place = record.target or record.directory
    return Entry(record.volume, str(record.claim), place, finding, detail)


def _live(records: Iterable[Record | None]) -> Mapping[str, list[Record]]:
    """The records of volumes in use, by directory."""
    found = defaultdict[str, list[Record]](list)
    for record in records:
        if record and record.state is State.LIVE:
            found[record.directory].append(record)
    return found
