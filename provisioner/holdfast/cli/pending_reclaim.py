"""How a released volume is going to be reclaimed, as far as the API server and the export say."""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.claims.errors import Refused
from holdfast.claims.objects import Volume
from holdfast.cli.records import Held
from holdfast.controller.effective_action import effective_action
from holdfast.exports.record import Record, State

_GONE = "its directory is missing"


def pending_reclaim(
    volume: Volume, held: Held | None, others: Iterable[Record], *, is_there: bool
) -> str:
    """The action, or what else happens; empty if Holdfast refuses to reclaim the volume.

    Args:
        volume: released, and on this export.
        held: its record, if there is one.
        others: the records of the volumes that have the same directory.
        is_there: whether its directory exists.
    """
    if held is None:
        return _without_record(volume, is_there=is_there)
    record = held.record
    if record is None:
        return ""
    if record.state is not State.LIVE:
        return f"already {record.state}"
    if not is_there:
        return _GONE
    if any(record.shares_with(other) for other in others):
        return "its directory stays, other volumes share it"
    return _action(volume, record)


def _without_record(volume: Volume, *, is_there: bool) -> str:
    if not volume.directory:
        return "as its StorageClass says"
    return "" if is_there else _GONE


def _action(volume: Volume, record: Record) -> str:
    try:
        action = effective_action(volume, record)
    except Refused:
        return ""
    may_have_shared = record.shared or record.inherited
    return f"{action}, unless a volume that shared it says otherwise" if may_have_shared else action
