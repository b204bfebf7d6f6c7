"""Decides whether a claim may reuse the retained directory of a deleted volume.

The volume must be gone from the API server that knew it, and the claim must be in the same
namespace: data does not move to another namespace unless an administrator moves it. Whether a
volume of another cluster is gone cannot be seen from here: the administrator has to declare it.
"""

from __future__ import annotations

from collections.abc import Callable

from holdfast.claims.conflicts import in_use, taken
from holdfast.claims.errors import Refused
from holdfast.claims.objects import Volume
from holdfast.controller.context import Context
from holdfast.exports.interface import DirectorySpec
from holdfast.exports.record import Record, State


def check_reuse(
    spec: DirectorySpec, record: Record, context: Context, *, find: Callable[[str], Volume | None]
) -> None:
    """Raises Refused, with the reason, if a volume may not reuse the directory of a record.

    Args:
        spec: what the volume asks for.
        record: what the export knows of the other volume.
        context: our cluster and provisioner.
        find: asks the API server for a volume by name.
    """
    whose = f"of volume {record.volume} of claim {record.claim}"
    if record.state is State.ARCHIVED:
        raise Refused(_archived(spec.directory, record.target, whose))
    if record.directory != spec.directory:
        raise Refused(taken(spec.directory, record.directory, record.volume, record.claim))
    if not is_known(record, context):
        raise Refused(
            f"directory {spec.directory!r} is that {whose} of another cluster: change "
            "pathPattern so that the claim gets another directory or, if that cluster is gone, "
            "start Holdfast with "
            f"HOLDFAST_TAKES_OVER={record.origin}"
        )
    if volume := find(record.volume):
        raise Refused(in_use(spec.directory, record.directory, volume))
    if record.claim.namespace != spec.claim.namespace:
        raise Refused(
            f"directory {spec.directory!r} keeps the data {whose}, which is gone: only a claim "
            f"of namespace {record.claim.namespace} gets it; create the claim there, or "
            "change pathPattern so that the claim gets another directory"
        )
    if not record.was_retained:
        raise Refused(
            f"directory {spec.directory!r} holds data {whose}, which is gone but was not to be "
            "retained: save or remove the directory, or change pathPattern so that the claim gets "
            "another one"
        )


def _archived(directory: str, archive: str, whose: str) -> str:
    """Why no claim gets the directory of an archive, or one in it, and what helps."""
    if directory == archive:
        return (
            f"directory {directory!r} is the archive {whose}: to use its data, rename the "
            "directory first (mv), then name the new one; else change pathPattern so that the "
            "claim gets another directory"
        )
    return (
        f"directory {directory!r} overlaps {archive!r}, the archive {whose}: change pathPattern so "
        "that the claim gets another directory"
    )


def is_known(record: Record, context: Context) -> bool:
    """Whether our API server knows if a record's volume is gone."""
    return record.origin in {context.identity.cluster, *context.provisioner.takes_over}


def is_anothers(record: Record, context: Context) -> bool:
    """Whether a record is of a cluster that still has its own Holdfast."""
    return bool(record.origin) and not is_known(record, context)
