"""What a refusal says about a directory that another volume has.

Design, rule 2: a directory belongs to at most one live volume, and none lies within another's.
Rule 7: a refusal says what to change. Rows are those of the public cases.
"""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.claims.conflicts import in_use, not_shared, taken
from holdfast.claims.objects import ClaimRef
from tests.unit.claims.given import volume

ITS_OWN = "change pathPattern so that each claim gets its own directory"
NOBODY = ClaimRef("", "", "")


def sentence(other: str = "team", directory: str = "team", **fields: Any) -> str:
    return in_use(directory, other, volume(name="pvc-2", **fields))


@pytest.mark.parametrize("phase", ["Bound", "Pending", "Available"])
@pytest.mark.parametrize("policy", ["Delete", "Retain"])
def test_the_directory_of_a_volume_that_lives_may_be_left_or_shared(
    phase: str, policy: str
) -> None:
    assert sentence(phase=phase, policy=policy) == (
        f"directory 'team' is the directory of volume pvc-2 of claim team-a/data: {ITS_OWN}, or "
        "set sharedPaths: 'true' in the class"
    )


@pytest.mark.parametrize(("directory", "other"), [("team/a", "team"), ("team", "team/a")])
def test_a_directory_within_another_is_said_to_overlap_and_cannot_be_shared(
    directory: str, other: str
) -> None:
    """Row 3: it was said to be the directory of the volume."""
    assert sentence(other, directory) == (
        f"directory {directory!r} overlaps {other!r}, the directory of volume pvc-2 of claim "
        f"team-a/data: {ITS_OWN}, none within another's"
    )


def test_a_volume_whose_directory_is_not_known_is_said_to_be_or_overlap() -> None:
    assert sentence("") == (
        "directory 'team' is or overlaps the directory of volume pvc-2 of claim team-a/data: "
        f"{ITS_OWN}, none within another's"
    )


def test_a_volume_without_a_claim_is_named_without_one() -> None:
    """Row 9: it was "volume X of claim /"."""
    assert taken("team", "team", "pvc-2", NOBODY).startswith(
        "directory 'team' is the directory of volume pvc-2: change pathPattern"
    )


@pytest.mark.parametrize(
    ("phase", "policy"), [("Released", "Retain"), ("Failed", "Retain"), ("Failed", "Delete")]
)
def test_a_retained_volume_is_to_be_deleted_and_its_directory_stays(
    phase: str, policy: str
) -> None:
    """Row 11: Retain and a stable pattern, the claim deleted and made again."""
    assert sentence(phase=phase, policy=policy) == (
        f"directory 'team' is in use: volume pvc-2 is {phase} and keeps its directory: delete "
        "volume pvc-2 (the directory stays), or change pathPattern so that the claim gets another "
        "directory"
    )


@pytest.mark.parametrize("other", ["", "team/a"])
def test_deleting_a_retained_volume_is_no_advice_where_the_directories_only_overlap(
    other: str,
) -> None:
    assert sentence(other, phase="Released", policy="Retain") == sentence(other, phase="Bound")


@pytest.mark.parametrize(
    ("other", "relation"),
    [("team", "is the directory of"), ("team/a", "overlaps 'team/a', the directory of")],
)
def test_a_volume_that_is_being_reclaimed_is_waited_for(other: str, relation: str) -> None:
    assert sentence(other, phase="Released", policy="Delete") == (
        f"directory 'team' {relation} volume pvc-2, which is being reclaimed: Holdfast will "
        "retry; if this lasts, see the events of volume pvc-2"
    )


@pytest.mark.parametrize(("phase", "policy"), [("Bound", "Retain"), ("Released", "Delete")])
def test_a_static_volume_is_named_with_its_server_and_path(phase: str, policy: str) -> None:
    """Row 9: its server and this export's cannot be told apart."""
    held = {"server": "192.0.2.12", "path": "/export/movies"}

    assert sentence("movies", "movies", annotations={}, phase=phase, policy=policy, nfs=held) == (
        "directory 'movies' is the directory of volume pvc-2, which somebody created by hand "
        "for 192.0.2.12:/export/movies: change pathPattern so that the claim gets another "
        "directory; or, if 192.0.2.12 is not this export's server, name all addresses of this "
        "export's server in "
        "HOLDFAST_NFS_SERVER_ALIASES (chart: nfs.serverAliases; several exports: "
        "exports[].serverAliases)"
    )


def test_a_directory_that_is_another_volume_s_too_is_left_alone() -> None:
    said = not_shared("team/data", "team/data", volume(name="pvc-2"))

    assert "is also that of volume pvc-2 of claim " in said
    assert said.endswith(
        "its data is left alone until volume pvc-2 is gone; see the events of volume pvc-2"
    )


def test_of_two_that_are_released_the_events_of_neither_lead_to_the_other() -> None:
    """Each said to see the events of the other."""
    said = not_shared("team/data", "team/data", volume(name="pvc-2", phase="Released"))

    assert said.endswith(
        "its data is left alone until volume pvc-2 is gone; if each of the two waits for the "
        "other, set the reclaim policy of both to Retain and delete both (the directory stays)"
    )


def test_one_that_a_person_gave_a_volume_names_its_server() -> None:
    said = not_shared("team/data", "team/data", volume(name="mine", annotations={}))

    assert "is also that of volume mine, which somebody created by hand for " in said


def test_one_that_another_lies_within_is_left_alone() -> None:
    said = not_shared("team", "team/data", volume(name="pvc-2"))

    assert said.startswith("directory 'team' overlaps 'team/data', that of volume pvc-2 of claim ")
