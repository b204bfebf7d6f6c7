"""How `exports accept` and `exports show` say that a released volume will be reclaimed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.cli.pending_reclaim import pending_reclaim
from holdfast.cli.records import Held
from holdfast.exports.record import Record, State
from tests.unit.controller.given import volume
from tests.unit.exports.given import adopted

OF_CLASS = adopted(directory="team/data", inherited=False)  # archive
SHARED = replace(OF_CLASS, shared=True)
OTHER = replace(SHARED, volume="pvc-2")


@pytest.mark.parametrize(
    ("record", "others", "said"),
    [
        (OF_CLASS, [], "delete"),
        (replace(OF_CLASS, foreign=True), [], "retain"),
        (replace(OF_CLASS, state=State.ARCHIVED), [], "already archived"),
        (SHARED, [OTHER], "its directory stays, other volumes share it"),
        (SHARED, [], "delete, unless a volume that shared it says otherwise"),
        (OF_CLASS, [OTHER], "delete"),
        (None, [], ""),
    ],
)
def test_the_record_and_those_of_the_sharers_count(
    record: Record | None, others: list[Record], said: str
) -> None:
    released = volume(phase="Released")  # its annotation says delete

    assert pending_reclaim(released, Held(record), others, is_there=True) == said


@pytest.mark.parametrize(
    ("annotated", "is_there", "said"),
    [
        (True, True, ""),
        (True, False, "its directory is missing"),
        (False, True, "as its StorageClass says"),
    ],
)
def test_without_a_record_only_an_inherited_volume_is_reclaimed(
    *, annotated: bool, is_there: bool, said: str
) -> None:
    released = volume(phase="Released", annotated=annotated)

    assert pending_reclaim(released, None, [], is_there=is_there) == said


def test_a_directory_that_is_missing_is_said_to_be() -> None:
    released = volume(phase="Released")

    assert (
        pending_reclaim(released, Held(OF_CLASS), [], is_there=False) == "its directory is missing"
    )
