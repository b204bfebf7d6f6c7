"""Defects that cost users of another provisioner their data: here nothing of others is lost.

Each test is one reproduced defect; what is asserted is what should have happened.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.claims.build_volume import Address
from testbed.client import Json
from tests.cluster.site import Site

PLACE = "${.PVC.annotations.nfs.io/storage-path}"


def claim_at(site: Site, storage_class: str, place: str, name: str = "data") -> str:
    """A claim whose author chose the place."""
    return site.claim(storage_class, name, annotations={"nfs.io/storage-path": place})


def around(site: Site) -> set[Path]:
    """What lies in this test's folder and beside it; deeper there, others are at work."""
    return {*site.root.parent.rglob("*"), *site.root.parent.parent.iterdir()}


def filled(site: Site, volume: Json) -> Json:
    """A volume with a tenant's file in it."""
    (site.directory(volume) / "file").write_text("a tenant's")
    return volume


def test_a_directory_named_like_a_namespace_s_does_not_take_that_along(site: Site) -> None:
    site.serve()
    parameters = {"pathPattern": "${.PVC.namespace}/" + PLACE, "onDelete": "delete"}
    (site.root / "team-b" / "theirs").mkdir(parents=True)
    volume = filled(
        site, site.bound(claim_at(site, site.make_class(parameters=parameters), "team-b"))
    )
    assert site.directory(volume) == site.root / site.namespace / "team-b"

    site.delete_claim("data")

    site.gone(volume)
    assert site.tree() == {"team-b", "team-b/theirs"}


@pytest.mark.parametrize("place", ["..", "../../../x"], ids=["the root", "beyond the root"])
def test_a_claim_cannot_have_the_root_or_what_lies_beyond(site: Site, place: str) -> None:
    site.serve()
    (site.root / "everybody").mkdir()
    before = around(site)

    claim = claim_at(site, site.make_class(parameters={"pathPattern": PLACE}), place)

    site.refusal(claim, "'..'")
    assert site.volume_of(claim) is None
    made = around(site) - before
    assert {path for path in made if ".holdfast" not in path.parts} == set()
    assert not (site.root.parents[2] / "x").exists()


@pytest.mark.parametrize("exported", ["/", "/export/"])
def test_a_trailing_slash_of_the_export_does_not_leak_data(site: Site, exported: str) -> None:
    site.address = Address(site.server, exported)
    site.serve()
    parameters = {"onDelete": "delete"}
    volume = filled(site, site.bound(site.claim(site.make_class(parameters=parameters))))

    site.delete_claim("data")

    site.gone(volume)
    assert site.tree() == set()


def test_a_nested_directory_is_removed_and_one_above_that_a_person_made_stays(site: Site) -> None:
    """What was there before its volume is never removed; parents that Holdfast made are."""
    (site.root / "shelf").mkdir()
    site.serve()
    parameters = {"pathPattern": "shelf/" + PLACE, "onDelete": "delete"}
    volume = filled(site, site.bound(claim_at(site, site.make_class(parameters=parameters), "a/b")))

    site.delete_claim("data")

    site.gone(volume)
    assert site.tree() == {"shelf"}


def test_two_nested_directories_of_one_name_are_both_archived(site: Site) -> None:
    site.serve()
    storage_class = site.make_class(parameters={"pathPattern": PLACE})
    for place in ("red", "blue"):
        claim = claim_at(site, storage_class, f"{place}/data", place)
        (site.directory(site.bound(claim)) / "file").write_text(place)

    for place in ("red", "blue"):
        volume = site.bound(place)
        site.delete_claim(place)
        site.gone(volume)

    archives = site.root.rglob("archived-data*/file")
    assert sorted(path.read_text() for path in archives) == ["blue", "red"]


def test_a_class_deleted_first_does_not_strand_its_volumes(site: Site) -> None:
    site.serve()
    storage_class = site.make_class(parameters={"onDelete": "delete"})
    volume = filled(site, site.bound(site.claim(storage_class)))

    site.delete_class(storage_class)
    site.delete_claim("data")

    site.gone(volume)
    assert site.tree() == set()


def test_a_misspelt_action_is_refused_instead_of_archiving(site: Site) -> None:
    site.serve()

    claim = site.claim(site.make_class(parameters={"onDelete": "Delete"}))

    site.refusal(claim, "parameter 'onDelete' is 'Delete'")


def test_a_clone_is_refused_instead_of_being_empty(site: Site) -> None:
    site.serve()
    storage_class = site.make_class()
    site.bound(site.claim(storage_class, "source"))

    claim = site.claim(
        storage_class, "clone", dataSource={"kind": "PersistentVolumeClaim", "name": "source"}
    )

    site.refusal(claim, "dataSource")
    assert site.volume_of(claim) is None
