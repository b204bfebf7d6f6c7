"""What an administrator has to know about the volumes and records of the mounted export."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from holdfast.claims.decide import Provisioner
from holdfast.claims.objects import Volume
from holdfast.claims.reclaim import is_released
from holdfast.cli.export_ids import Place
from holdfast.cli.reclaims import how
from holdfast.cli.records import Held, records_on
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


class Finding(StrEnum):
    """What was found of a volume, or of a record without a volume."""

    NO_DIRECTORY = "missing-directory"
    NO_RECORD = "missing-record"
    UNREADABLE = "unreadable-record"
    ANOTHER = "another-directory"
    RELEASED = "released"
    NO_VOLUME = "no-volume"
    RETAINED = "retained"
    ARCHIVED = "archived"
    TRASHED = "trashed"
    OTHER_CLUSTER = "other-cluster"


# Directories without a volume of this cluster.
LEFT = (
    Finding.RETAINED,
    Finding.ARCHIVED,
    Finding.TRASHED,
    Finding.NO_VOLUME,
    Finding.OTHER_CLUSTER,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One finding, as in the JSON output.

    Attributes:
        volume: name of the PersistentVolume, which may be gone.
        claim: namespace and name; empty if unknown.
        directory: where the data is, or should be; relative to the export's root.
        finding: what was found.
        detail: of `released`, how the volume will be reclaimed; of `another-directory`, the state
            of a record without a volume; of `unreadable-record`, why it cannot be read.
    """

    volume: str
    claim: str
    directory: str
    finding: Finding
    detail: str = ""

    def __str__(self) -> str:
        named = f"{self.volume} of claim {self.claim}" if self.claim else self.volume
        return f"{named} ({self.detail})" if self.detail else named


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
    """

    root: Path
    export_id: str
    provisioner: Provisioner
    cluster: str
    volumes: Mapping[str, Volume]
    directories: Mapping[str, str]

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
    ) -> Mounted:
        """With the cluster's volumes, and those that are on this export."""
        by_name = {volume.name: volume for volume in volumes}
        directories = {place.volume: place.directory for place in places}
        return cls(root, export_id, provisioner, cluster, by_name, directories)

    def entries(self, records: Mapping[str, Held]) -> tuple[Entry, ...]:
        """The entries, by finding and volume; raises ExportError.

        `records` were read before the volumes: a volume exists before its record leaves `creating`,
        so that none seems to be without its volume because it has just been created.
        """
        found = [
            *self._missing(records),
            *self._unreadable(records),
            *self._another(records),
            *self._released(records),
            *self._without_volume(records),
        ]
        order = list(Finding)
        return tuple(sorted(found, key=lambda one: (order.index(one.finding), one.volume)))

    def another(self) -> list[Entry]:
        """The directories that are not those in their records; raises ExportError."""
        return list(self._another(records_on(self.root)))

    def _missing(self, records: Mapping[str, Held]) -> Iterator[Entry]:
        export = Export(self.root)
        for name, directory in self.directories.items():
            volume = self.volumes[name]
            if not export.has_directory(directory):
                yield Entry(name, str(volume.claim), directory, Finding.NO_DIRECTORY)
            if name not in records:
                detail = "" if volume.directory else "inherited: Holdfast adopts it"
                yield Entry(name, str(volume.claim), directory, Finding.NO_RECORD, detail)

    def _unreadable(self, records: Mapping[str, Held]) -> Iterator[Entry]:
        for name, held in records.items():
            if held.record is None:
                claim = str(self.volumes[name].claim) if name in self.directories else ""
                place = self.directories.get(name, "")
                yield Entry(name, claim, place, Finding.UNREADABLE, held.why)

    def _without_volume(self, records: Mapping[str, Held]) -> Iterator[Entry]:
        for name, held in records.items():
            record = held.record
            if record is None or held.is_creating or name in self.volumes:
                continue
            if self.cluster and record.origin not in {"", self.cluster}:
                what = f"{record.state} in cluster {record.origin}"
                yield _entry(record, Finding.OTHER_CLUSTER, what)
            else:
                yield _entry(record, _left_by(record), "")

    def _another(self, records: Mapping[str, Held]) -> Iterator[Entry]:
        for volume in _others(self.root, self.cluster):
            held = records.get(volume)
            record = held.record if held else None
            if record is None:  # changed meanwhile
                yield Entry(volume, "", "", Finding.ANOTHER)
                continue
            is_live = record.state is State.LIVE and volume in self.volumes
            detail = "" if is_live else _STATES[record.state]
            yield _entry(record, Finding.ANOTHER, detail)

    def _released(self, records: Mapping[str, Held]) -> Iterator[Entry]:
        live = _live(held.record for held in records.values())
        for name, directory in self.directories.items():
            volume, held = self.volumes[name], records.get(name)
            if not is_released(volume, self.provisioner):
                continue
            if held and held.record and held.record.export not in {"", self.export_id}:
                continue  # refused
            others = [one for one in live[directory] if one.volume != name]
            is_there = Export(self.root).has_directory(directory)
            if action := how(volume, held, others, is_there=is_there):
                yield Entry(name, str(volume.claim), directory, Finding.RELEASED, action)


def _others(root: Path, cluster: str) -> list[str]:
    """The volumes whose directory is not the one in their record; none without `.holdfast`."""
    with suppress(WrongExport):
        return Export(root).restored(cluster)
    return []


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
