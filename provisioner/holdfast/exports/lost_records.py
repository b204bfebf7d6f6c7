"""Finds directories whose record is lost, by their marks; changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from holdfast.claims.paths import RESERVED
from holdfast.exports import fencing, tree
from holdfast.exports.errors import Unsafe
from holdfast.exports.ledger import DIRECTORIES, RECORDS, is_volume


def unrecorded(root: int, holdfast: int) -> list[tuple[str, str]]:
    """The directories with a mark of a volume that has no record, and the volumes' names."""
    recorded = set(_recorded(holdfast))
    return sorted(
        (_directory(place), volume)
        for place, volume in _marks(holdfast)
        if volume not in recorded and _is_left(root, holdfast, place, volume)
    )


def _is_left(root: int, holdfast: int, place: tuple[str, ...], volume: str) -> bool:
    """Whether the directory exists, and its mark is not of a volume that is made or removed now.

    A mark is written after the intent and before the record, and removed before the record, which
    is why they are looked at in this order.
    """
    with suppress(FileNotFoundError, Unsafe):
        return (
            not fencing.term_with_intent(holdfast, volume)
            and not any(tree.reaches(holdfast, f"{folder}/{volume}") for folder in RECORDS)
            and tree.reaches(holdfast, "/".join((DIRECTORIES, *place, volume)))
            and tree.reaches(root, _directory(place))
        )
    return False


def _directory(place: tuple[str, ...]) -> str:
    return "/".join(place[::2])  # see `ledger._place`


def _recorded(holdfast: int) -> Iterator[str]:
    for folder in RECORDS:
        with suppress(FileNotFoundError), tree.opened(holdfast, [folder]) as records:
            yield from os.listdir(records)


def _marks(holdfast: int) -> Iterator[tuple[tuple[str, ...], str]]:
    """The folder of each mark beneath `directories`, and the volume's name."""
    places: list[tuple[str, ...]] = [(name,) for name in _folders(holdfast, [DIRECTORIES])]
    while places:
        place = places.pop()
        volumes, beneath = _in(holdfast, place)
        yield from ((place, volume) for volume in volumes)
        places += [(*place, RESERVED, name) for name in beneath]


def _in(holdfast: int, place: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The volumes with a mark in a folder, and the names of the directories beneath with marks."""
    with suppress(FileNotFoundError, Unsafe), tree.opened(holdfast, [DIRECTORIES, *place]) as marks:
        names = os.listdir(marks)
        beneath = _folders(marks, [RESERVED]) if RESERVED in names else []
        return list(filter(is_volume, names)), beneath
    return [], []


def _folders(parent: int, names: list[str]) -> list[str]:
    with suppress(FileNotFoundError, Unsafe), tree.opened(parent, names) as handle:
        return tree.folders(handle)
    return []
