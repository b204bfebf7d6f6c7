"""The directory that an attempt asks for, and whether a volume is the one of that attempt."""

from __future__ import annotations

from holdfast.claims.decide import Plan
from holdfast.claims.errors import Refused
from holdfast.claims.objects import Volume
from holdfast.claims.ownership import read_mode
from holdfast.claims.reclaim_rules import is_on_export
from holdfast.controller.context import Context
from holdfast.exports.interface import DirectorySpec
from holdfast.exports.record import Record


def spec_of_plan(plan: Plan) -> DirectorySpec:
    """The spec of the directory of a plan."""
    return DirectorySpec(
        volume=plan.volume,
        directory=plan.directory,
        claim=plan.ref,
        storage_class=plan.storage_class.name,
        size=plan.claim.size,
        reclaim_policy=plan.storage_class.reclaim_policy,
        on_delete=plan.action,
        shared=plan.shared,
        use_existing=plan.use_existing,
        mode=plan.ownership.mode,
        uid=plan.ownership.uid,
        gid=plan.ownership.gid,
    )


def spec_of_record(record: Record) -> DirectorySpec:
    """The spec of the directory of an earlier attempt, by the record that it left."""
    return DirectorySpec(
        volume=record.volume,
        directory=record.directory,
        claim=record.claim,
        storage_class=record.storage_class,
        size=record.size,
        reclaim_policy=record.reclaim_policy,
        on_delete=record.on_delete,
        shared=record.shared,
        use_existing=_used_existing(record),
        mode=_mode(record.mode),
        uid=record.uid,
        gid=record.gid,
    )


def is_asked_for(volume: Volume, spec: DirectorySpec, context: Context) -> bool:
    """Whether a volume is the one that an attempt asked for: its claim's, at its directory here.

    The name does not tell: several exports, and several paths, may be asked for one claim's volume.
    """
    is_here = is_on_export(volume, context.address, context.identity.export_id)
    place = context.address.directory_of(volume.path)
    return is_here and (volume.claim, place) == (spec.claim, spec.directory)


def may_have(volume: Volume, directory: str, context: Context) -> bool:
    """Whether a directory may be that of a volume, so that undoing it could take it from pods.

    As `is_asked_for`, and where that is in doubt: for a claim to which a person or a populator
    handed the volume over, at an address that is not known to be this export's, or at its address
    with the id of another one, as pods mount what is at the address.
    """
    place = context.address.directory_of(volume.path)
    if volume.export_id and volume.export_id == context.identity.export_id:
        return directory in {place, volume.directory}
    return place == directory and context.address.may_be_served_by(volume.server)


def _used_existing(record: Record) -> bool:
    """Whether the class let the volume use a directory that no record named.

    One that shares or reuses a directory finds it too, and takes over that it is foreign: what its
    class says is unknown.
    """
    return record.foreign and not (record.shared or record.succeeds)


def _mode(octal: str) -> int:
    """The mode in a record; one that somebody garbled is refused by the export."""
    try:
        return read_mode(octal)
    except Refused:
        return -1
