"""Which reclaim action applies to a volume."""

from __future__ import annotations

from holdfast.claims.errors import Refused
from holdfast.claims.objects import Volume
from holdfast.claims.parameters import Action
from holdfast.exports.record import Record


def effective_action(volume: Volume, record: Record) -> Action:
    """The volume's annotation, which a user may change, else the record's action.

    A foreign directory existed before its volume and is retained.

    Raises:
        Refused: the annotation is not an action.
    """
    if record.foreign:
        return Action.RETAIN
    try:
        return Action(volume.on_delete) if volume.on_delete else record.on_delete
    except ValueError:
        raise Refused(
            f"annotation holdfast.io/on-delete of volume {volume.name} is {volume.on_delete!r}; "
            "it must be 'delete', 'archive' or 'retain'"
        ) from None
