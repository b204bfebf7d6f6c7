"""Compares the volumes with the directories and records on their export, for `holdfast check`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.claims.build_volume import Address
from holdfast.claims.objects import Volume
from holdfast.claims.reclaim_rules import is_provisioned_by
from holdfast.cli.entries import Entry, Finding
from holdfast.cli.export_ids import Place, named_by
from holdfast.cli.inventory import Mounted
from holdfast.cli.records import Held, records_on
from holdfast.exports.deadline import Lane
from holdfast.exports.export import Export

if TYPE_CHECKING:
    from holdfast.cli.check_export import Cluster

_DEADLINE = 120.0  # reads every record


@dataclass(frozen=True, slots=True)
class Compared:
    """What differs.

    Attributes:
        another: the directories that are not those in their records.
        of_another_cluster: the volumes whose record is another cluster's.
        missing: what volumes lack, of directory and record.
        refused: the volumes of nfs-subdir that Holdfast does not record, nor reclaim.
    """

    another: Sequence[Entry]
    of_another_cluster: Sequence[Entry]
    missing: Sequence[Entry]
    refused: Sequence[Entry]


def compare(root: Path, cluster: Cluster, address: Address | None) -> Compared:
    """Reads each record once, and again those of volumes that seem to lack something.

    A volume may be made or reclaimed meanwhile.

    Raises:
        ExportError, KubeError: the export or the API server does not answer.
    """
    lane, what = Lane(seconds=_DEADLINE), f"cannot compare the records at {root}"
    export_id = lane.call(Export(root).inspect, what).id
    records = lane.call(partial(records_on, root), what)
    mounted = _mounted(root, cluster, address, cluster.volumes(), export_id)
    another, theirs = list(mounted.another(records)), list(mounted.of_another_cluster(records))
    missing = lane.call(partial(_missing, mounted, records), what)
    if missing:
        seen = {entry.volume for entry in missing}
        now = _mounted(root, cluster, address, cluster.volumes_now(), export_id).only(seen)
        others = {name: held for name, held in records.items() if name not in seen}
        again = lane.call(partial(records_on, root, seen), what)
        missing = lane.call(partial(_missing, now, others | again), what)
    refused = [one for one in missing if one.finding is Finding.REFUSED]
    lacking = [one for one in missing if one.finding is not Finding.REFUSED]
    return Compared(another, theirs, lacking, refused)


def _mounted(
    root: Path,
    cluster: Cluster,
    address: Address | None,
    volumes: Sequence[Volume],
    export_id: str,
) -> Mounted:
    places = _places(cluster, address, volumes, export_id)
    provisioner, uid = cluster.provisioner, cluster.uid()
    refusal = cluster.refusal(address) if address else _unknown
    return Mounted.of(
        root, export_id, provisioner, uid, volumes=volumes, places=places, refusal=refusal
    )


def _unknown(_: Volume) -> str:
    """Without the address, it is not known what a volume's directory is."""
    return ""


def _places(
    cluster: Cluster, address: Address | None, volumes: Sequence[Volume], export_id: str
) -> Sequence[Place]:
    """The directories of the volumes on this export; without its address, not of inherited ones."""
    if address:
        return named_by(volumes, cluster.provisioner, address, export_id).of(export_id)
    return [
        Place(one.name, one.directory, one.export_id)
        for one in volumes
        if is_provisioned_by(one, cluster.provisioner)
        and one.directory
        and one.export_id in {"", export_id}
    ]


def _missing(mounted: Mounted, records: Mapping[str, Held]) -> list[Entry]:
    """What volumes in use lack; an inherited volume gets its record at the first start."""
    found = [*mounted.missing(records), *mounted.unreadable(records)]
    return [
        one
        for one in found
        if one.volume in mounted.directories
        and not one.is_due
        and not _is_expected(one, mounted.volumes[one.volume])
    ]


def _is_expected(entry: Entry, volume: Volume) -> bool:
    """Whether a volume goes as soon as its directory is gone, or is not to be reclaimed anyway."""
    if entry.finding is Finding.REFUSED:
        return volume.reclaim_policy != "Delete"
    return volume.phase == "Released" and volume.reclaim_policy == "Delete"
