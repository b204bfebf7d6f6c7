"""What must hold at the end, when nothing new happens; each problem is a sentence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from holdfast.claims.parameters import Action
from holdfast.claims.paths import RESERVED, overlap
from holdfast.exports import ledger
from holdfast.exports.record import Record
from holdfast.kube.resources import Json
from tests.search.cluster import (
    POD_MODE,
    Written,
    action_of,
    directory_of,
    is_deleting,
    is_retained,
    name_of,
    phase_of,
    ref_of,
)
from tests.search.export_tree import in_folder, left_in_terms, places_of, records, unrecorded
from tests.search.world import World


def of_export(root: Path, inherited: Collection[str] = ()) -> Iterator[str]:
    """Nothing is left unfinished, and directories and records belong together.

    Unless they are `inherited`: of a volume that could not be recorded while it existed, or above.
    """
    refused = _kept_in_trash(root)
    for folder in (ledger.CREATING, ledger.TRASHED, ledger.TRASH):
        for name in in_folder(root, folder):
            if name not in refused:
                yield f"{RESERVED}/{folder}/{name} is left"
    for place in left_in_terms(root):
        yield f"{place} is left"
    for record in records(root):
        place = record.target or record.directory
        if not (root / place).is_dir() and record.volume not in refused:
            yield f"the record of {record.volume} ({record.state}) has no directory {place}"
    for place in unrecorded(root):
        if any(f"{one}/".startswith(f"{place}/") for one in inherited):
            continue
        mode = (root / place).stat().st_mode & 0o7777
        yield f"directory {place} (mode {mode:04o}) has no record"


def _kept_in_trash(root: Path) -> set[str]:
    """Volumes whose data is retained, and whose path another volume got meanwhile.

    An administrator has to choose, and is told.
    """
    all_records = records(root)
    return {
        one.volume
        for one in all_records
        for other in all_records
        if one.retained_in_trash and other is not one and overlap(one.directory, other.directory)
    }


def of_cluster(world: World) -> Iterator[str]:
    """Claims and volumes are served, and no data is lost or given to another namespace."""
    if world.cluster.is_gone:
        yield from _of_gone(world)
        return
    recorded = {record.volume: record for record in records(world.cluster.root)}
    for volume in world.cluster.volumes():
        yield from _of_volume(world, volume, recorded.get(name_of(volume)))
    for claim in world.cluster.claims():
        if not claim["spec"].get("volumeName"):
            yield from _of_pending(world, claim)
    for name, written in world.cluster.files.items():
        yield from _of_file(world, name, written)


def _of_volume(world: World, volume: Json, record: Record | None) -> Iterator[str]:
    name, phase = name_of(volume), phase_of(volume)
    if record is None and directory_of(volume) in world.cluster.inherited:
        if not _last_said(world, name):
            yield f"inherited volume {name} has no record, and nothing says why"
        return
    if phase == "Bound" and record is None and _is_unknown(world, name):
        return
    if phase == "Bound" and record is None:
        yield f"bound volume {name} has no record"
    if phase == "Bound" and not (world.cluster.root / directory_of(volume)).is_dir():
        yield f"bound volume {name} has no directory {directory_of(volume)}"
    if phase == "Bound":
        yield from _of_mode(world, volume)
    if phase != "Released" or (record is not None and record.origin != world.cluster.name):
        return  # its own cluster reclaims it
    if not is_retained(volume):
        yield f"volume {name} is not reclaimed: {_last_said(world, name)}"
    elif is_deleting(volume):
        yield f"retained volume {name} cannot be deleted: {_last_said(world, name)}"


def _of_gone(world: World) -> Iterator[str]:
    """No file of a cluster that is gone is lost, unless a volume took it with it.

    Also one that had been released: its heir empties the trash.
    """
    here = [one for one in world.cluster.volumes() if phase_of(one) == "Released"]
    heirs = [volume for heir in world.people.others for _, volume in heir.deleted_volumes()]
    for name, written in world.cluster.files.items():
        ends = [*_deleted_since(world, written), *here, *heirs]
        is_erased = any(_erases(volume, written) for volume in ends)
        if not is_erased and not places_of(world.cluster.root, name):
            yield f"{name} of {written.directory} of cluster {world.cluster.name} is lost"


def _of_mode(world: World, volume: Json) -> Iterator[str]:
    """What a pod has set stays: a late call of a former leader does not change it."""
    name, place = name_of(volume), world.cluster.root / directory_of(volume)
    if not place.is_dir() or world.cluster.modes.get(name) != place.stat().st_ino:
        return
    mode = place.stat().st_mode & 0o7777
    if mode != POD_MODE:
        yield f"directory {directory_of(volume)} of {name} has mode {mode:04o}, not its pod's"


def _is_unknown(world: World, name: str) -> bool:
    """Whether a volume came late, so that no leader knew of the request, and its user was told.

    No pod can have used it: its directory was undone before it came.
    """
    is_told = bool(_last_said(world, name, "VolumeNotRecorded"))
    is_unused = all(written.volume != name for written in world.cluster.files.values())
    return name in world.network.came_late and is_told and is_unused


def _of_pending(world: World, claim: Json) -> Iterator[str]:
    """A claim may have been refused, for a reason that its user was told."""
    said = _last_said(world, name_of(claim), "ProvisioningFailed")
    if said and ("Holdfast will retry" not in said or _waits_for_a_copy(world, said)):
        return
    whose = f"{claim['metadata']['namespace']}/{name_of(claim)}"
    volume = f"pvc-{claim['metadata']['uid']}"
    deleted = {name_of(one) for one in world.cluster.volumes() if is_deleting(one)}
    deleted |= {name_of(one) for _, one in world.cluster.deleted_volumes()}
    why = "was deleted" if volume in deleted else "is not there, or not bound"
    yield f"claim {whose} is pending, volume {volume} {why}: {said}"


def _waits_for_a_copy(world: World, said: str) -> bool:
    """Whether a claim waits for the copy of another cluster's volume, which is left alone.

    An administrator has to delete it, and is told on it.
    """
    copies = [
        name_of(one)
        for one in world.cluster.volumes()
        if "belongs to another cluster" in _last_said(world, name_of(one), "VolumeFailedDelete")
    ]
    return any(f"the events of volume {name}" in said for name in copies)


def _last_said(world: World, name: str, reason: str = "") -> str:
    said = [one.message for one in world.replicas.process.said(reason) if one.name == name]
    return said[-1] if said else ""


def _of_file(world: World, name: str, written: Written) -> Iterator[str]:
    cluster = world.cluster
    places = places_of(cluster.root, name)
    if not places and not any(
        _erases(volume, written) for volume in _deleted_since(world, written)
    ):
        yield f"{name} of {written.directory} is lost"
    for volume in cluster.volumes():
        is_there = directory_of(volume) in places
        is_away = not (is_there or _is_archive_of(world, volume, places))
        if name_of(volume) == written.volume and is_retained(volume) and is_away:
            yield f"{name} of retained volume {written.volume} is at {places}"
        if (
            is_there
            and phase_of(volume) == "Bound"
            and ref_of(volume).namespace != written.namespace
        ):
            yield f"{name} of namespace {written.namespace} is in volume {name_of(volume)}"


def _is_archive_of(world: World, volume: Json, places: list[str]) -> bool:
    """Whether a volume was created again and has no claim: its archive stays one until it has."""
    was_deleted = any(name_of(one) == name_of(volume) for _, one in world.cluster.deleted_volumes())
    is_archive = all(place.startswith("archived-") for place in places)
    return was_deleted and phase_of(volume) == "Released" and is_archive


def _deleted_since(world: World, written: Written) -> Iterable[Json]:
    deleted = world.cluster.deleted_volumes()
    return (volume for version, volume in deleted if version > written.version)


def _erases(volume: Json, written: Written) -> bool:
    """Whether a deleted volume took the data of its directory with it."""
    is_same = directory_of(volume) == written.directory
    action = action_of(volume) or Action.DELETE  # of an inherited one: its class's, then
    return is_same and not is_retained(volume) and action == Action.DELETE
