"""What happens to a volume's directory when its claim is deleted, as the API server tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from holdfast.claims.constants import ON_DELETE
from holdfast.claims.objects import Volume
from holdfast.claims.parameters import Action
from holdfast.claims.paths import cleaned

INVALID = "invalid"
UNKNOWN = "unknown"

_NAMED = 3  # volumes in one line


def shown_action(volume: Volume, *, is_shared: bool) -> str:
    """An action, or "shared", "invalid" or "unknown"."""
    if volume.reclaim_policy != "Delete":
        return Action.RETAIN.value
    if volume.on_delete and volume.on_delete not in set(Action):
        return INVALID
    if is_shared and volume.on_delete != Action.RETAIN:  # the strictest: no other overrides it
        return "shared"
    return volume.on_delete or UNKNOWN


def shared_volumes(volumes: Iterable[Volume], classes: Collection[str]) -> set[str]:
    """The volumes whose directory others have, or may have had.

    What a volume that is gone demanded for its directory stands on the export alone.

    Args:
        volumes: those that are shown.
        classes: the classes whose volumes may share.
    """
    listed = list(volumes)
    number = Counter(map(place_of, listed))
    return {one.name for one in listed if number[place_of(one)] > 1 or one.class_name in classes}


def place_of(volume: Volume) -> tuple[str, str]:
    """The server and path of a volume, to compare with those of others."""
    return volume.server, cleaned(volume.path) or volume.path


def advice(volumes: Iterable[Volume]) -> str:
    """What to do about annotations that are not an action; empty if there are none."""
    invalid = [one for one in volumes if shown_action(one, is_shared=False) == INVALID]
    if not invalid:
        return ""
    named = ", ".join(f"{one.name} ({one.on_delete!r})" for one in invalid[:_NAMED])
    more = f" and {len(invalid) - _NAMED} more" if len(invalid) > _NAMED else ""
    return (
        f"the annotation {ON_DELETE} of {named}{more} is not an action, and these volumes will not "
        "be reclaimed: set it to delete, archive or retain; `holdfast volumes` shows them"
    )
