"""Puts back folders that were filled while they were being removed (`removed_folders.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from holdfast.claims.errors import Refused
from holdfast.claims.paths import RESERVED, components
from holdfast.exports import fencing, parents, record_origin, removed_folders
from holdfast.exports.errors import Failed, TimedOut, Unsafe, reason
from holdfast.exports.interface import MovedBack
from holdfast.exports.operation import Operation
from holdfast.exports.record import State


def put_back(op: Operation) -> Iterator[MovedBack]:
    """Puts all of them back; tells it of each volume whose directory is in one, or is one.

    One without a volume of this cluster is told without a name.
    """
    for name, path in removed_folders.found(op.term):
        why = ""
        try:
            components(path)
            with parents.made_above(op, path) as (above, _):
                is_back = parents.put_back(op, above, name, path)
        except (FileNotFoundError, TimedOut):  # another call is at it
            continue
        except (Failed, Refused, Unsafe, OSError) as error:
            why = reason(error) if isinstance(error, OSError) else str(error)
        if why or is_back:
            found_at = f"{RESERVED}/{fencing.TERMS}/…/{name}"
            for volume, directory in _in(op, path) or [("", path)]:
                yield MovedBack(volume, directory, found_at, why)


def _in(op: Operation, path: str) -> list[tuple[str, str]]:
    """The live volumes of this cluster at a path or beneath it, and their directories."""
    found = list[tuple[str, str]]()
    with suppress(Unsafe, OSError, Refused):  # reconciling the volumes reports unreadable records
        for record in op.ledger.overlapping(path):
            is_live = record.in_place and record.state is State.LIVE
            is_in = f"{record.directory}/".startswith(f"{path}/")
            if is_live and is_in and record_origin.is_ours(op, record):
                found.append((record.volume, record.directory))
    return found
