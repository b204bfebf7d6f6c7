"""What always holds: no operation leaves the export's root, whatever a claim's author writes."""

from __future__ import annotations

import pytest

from holdfast.claims.build_volume import Address
from testbed.errors import RequestError
from tests.cluster.objects import name_of, phase_of
from tests.cluster.site import Site
from tests.support import eventually

PLACE = {"pathPattern": "${.PVC.annotations.example.com/place}"}
# What is written there, and the word of the refusal by which its author finds it.
HOSTILE = {
    "..": "'..'",
    "../../../x": "'..'",
    "in/../../out": "'..'",
    ".": "'.'",
    "/etc": "absolute",
    "in//between": "empty component",
    "behind/": "empty component",
    ".holdfast": "reserved",
    "in/.holdfast/volumes": "reserved",
    ".holdfast-of-mine": "reserved",
    "bell\a": "control character",
    "line\nbreak": "control character",
    "nothing\0more": "control character",
    "x" * 300: "255 bytes",
    "é" * 128: "255 bytes",
    "x/" * 600 + "x": "1024 bytes",
}


def write_place(site: Site, storage_class: str, place: str, name: str = "data") -> str:
    """A claim whose author chose the place."""
    return site.claim(storage_class, name, annotations={"example.com/place": place})


def test_hostile_places_are_refused_with_the_reason_and_nothing_is_made(site: Site) -> None:
    site.serve()
    storage_class = site.make_class(parameters=PLACE)
    surroundings = set(site.root.parent.iterdir())
    claims = {
        write_place(site, storage_class, place, f"claim-{number}"): words
        for number, (place, words) in enumerate(HOSTILE.items())
    }

    for claim, words in claims.items():
        assert "pathPattern" in site.refusal(claim, words)

    assert site.volumes() == []
    assert site.tree() == set()
    assert set(site.root.parent.iterdir()) == surroundings


@pytest.mark.parametrize("place", ["data", "a b", "…/données/日本", "..data", "x" * 255, "a/b/c/d"])
def test_any_other_place_is_served_as_it_is_written(site: Site, place: str) -> None:
    site.serve()

    volume = site.bound(write_place(site, site.make_class(parameters=PLACE), place))

    assert volume["spec"]["nfs"]["path"] == f"/export/{place}"
    assert (site.root / place).is_dir()


def test_labels_and_annotations_that_a_claim_lacks_give_the_default_name(site: Site) -> None:
    site.serve()
    parameters = {"pathPattern": "${.PVC.labels.team}${.PVC.annotations.example.com/place}"}

    volume = site.bound(site.claim(site.make_class(parameters=parameters)))

    assert site.tree() == {f"{site.namespace}-data-{name_of(volume)}"}


def test_names_too_long_together_give_a_shortened_default_name(site: Site) -> None:
    """A claim's name may have 253 bytes, a directory's 255."""
    site.serve()

    volume = site.bound(site.claim(site.make_class(), "d" * 253))

    directory = site.directory(volume)
    assert directory.is_dir()
    assert len(directory.name) == 255
    assert directory.name.endswith(name_of(volume))


def test_an_empty_label_within_a_pattern_is_refused(site: Site) -> None:
    """Cleaning it up would put the volume where a claim with another label has its own."""
    site.serve()
    parameters = {"pathPattern": "${.PVC.labels.team}/${.PVC.name}"}

    site.refusal(site.claim(site.make_class(parameters=parameters)), "absolute")


def test_a_symlink_planted_by_a_tenant_is_not_followed(site: Site) -> None:
    site.serve()
    storage_class = site.make_class(parameters=PLACE)
    outside = site.root.parent / "outside"
    outside.mkdir()
    (site.directory(site.bound(write_place(site, storage_class, "mine/volume"))) / ".").chmod(0o777)
    (site.root / "theirs").symlink_to(outside)

    claim = write_place(site, storage_class, "theirs/volume", "through")

    site.refusal(claim, "symlink")
    assert list(outside.iterdir()) == []


def test_a_symlink_in_place_of_a_parent_does_not_lead_a_deletion_astray(site: Site) -> None:
    site.serve()
    parameters = PLACE | {"onDelete": "delete"}
    volume = site.bound(write_place(site, site.make_class(parameters=parameters), "mine/volume"))
    outside = site.root.parent / "outside"
    (outside / "volume").mkdir(parents=True)
    (site.root / "mine").rename(site.root / "moved")
    (site.root / "mine").symlink_to(outside)

    site.delete_claim("data")

    site.said(name_of(volume), "VolumeFailedDelete", "symlink")
    assert (outside / "volume").is_dir()
    assert (site.root / "moved" / "volume").is_dir()


@pytest.mark.parametrize("exported", ["/", "/export", "/export/", "/a/deep/export"])
def test_any_spelling_of_the_exported_path_makes_and_reclaims(site: Site, exported: str) -> None:
    site.address = Address(site.server, exported)
    site.serve()
    volume = site.bound(site.claim(site.make_class(parameters={"onDelete": "delete"})))
    assert volume["spec"]["nfs"]["path"].startswith(exported.rstrip("/") + "/" + site.namespace)
    assert site.directory(volume).is_dir()

    site.delete_claim("data")

    site.gone(volume)
    assert site.tree() == set()


def test_a_volume_on_the_root_made_by_another_provisioner_is_never_reclaimed(site: Site) -> None:
    """Such a volume is what a place of `..` once gave: everybody's data is in it."""
    (site.root / "everybody").mkdir()
    storage_class = site.make_class(parameters={"onDelete": "delete"})
    claim = site.claim(storage_class)
    uid = site.assigned(claim)
    for_claim = {"namespace": site.namespace, "name": claim, "uid": uid}
    volume = site.make_volume(
        f"pvc-{uid}",
        "/export/in/..",
        annotations={"pv.kubernetes.io/provisioned-by": site.name},
        storageClassName=storage_class,
        claimRef=for_claim,
    )
    site.bound(claim)
    site.serve()

    site.delete_claim(claim)

    site.said(name_of(volume), "VolumeFailedDelete", "'..'")
    assert phase_of(site.get_volume(name_of(volume))) == "Released"
    assert (site.root / "everybody").is_dir()


def test_a_label_cannot_hold_what_a_path_must_not(site: Site) -> None:
    """The API server refuses it by itself; annotations are where care is needed."""
    with pytest.raises(RequestError, match="a valid label"):
        site.claim(site.make_class(), labels={"team": "../out"})

    eventually(lambda: site.find_claim("data") is None)
