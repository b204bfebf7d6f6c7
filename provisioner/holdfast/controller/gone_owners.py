"""The owners of a directory whose volume does not exist any more, as the API server says."""

from __future__ import annotations

from collections.abc import Collection

from holdfast.claims.paths import RESERVED
from holdfast.controller.context import Context
from holdfast.controller.may_reuse_retained import is_known
from holdfast.controller.volume_client import VolumeClient
from holdfast.exports.ledger import VOLUMES, mark_of
from holdfast.exports.record import DirectoryTaken, Record


def gone_owners(context: Context, volume: str, directory: str) -> tuple[str, ...]:
    """The volumes of this cluster that a directory has marks of, and that are gone.

    Only those that the cache does not have are looked up, as thousands may share a directory. One
    that is being created is not gone.

    Raises:
        ExportError, KubeError: the export or the API server did not answer.
    """
    owners = context.export_client.read("read owners", lambda one: one.owners(directory), volume)
    unseen = (name for name in owners if name != volume and context.view.volumes.get(name) is None)
    return tuple(name for name in unseen if _is_gone(context, name))


def way_out_of(conflict: DirectoryTaken, gone: Collection[str]) -> str:
    """What helps if gone volumes stand in the way; empty if another one does."""
    if any(record.volume not in gone for record in conflict.records):
        return ""
    files = " and ".join(path for record in conflict.records for path in _files_of(record))
    return (
        f"{conflict.message}, which is gone, but its data may exist still, and not be for this "
        f"volume's namespace: save what is needed of it, then remove {files} on the export; "
        "Holdfast will record this volume then"
    )


def _files_of(record: Record) -> tuple[str, str]:
    """The mark and the record of a volume, relative to the export's root."""
    place = record.target or record.directory
    return mark_of(place, record.volume), f"{RESERVED}/{VOLUMES}/{record.volume}"


def _is_gone(context: Context, volume: str) -> bool:
    is_unfinished = context.export_client.read(
        "read record", lambda exports: exports.is_unfinished(volume), volume
    )
    record = context.export_client.read("read record", lambda exports: exports.find(volume), volume)
    if is_unfinished or record is None or not (record.origin and is_known(record, context)):
        return False
    return not VolumeClient(context).exists(volume)
