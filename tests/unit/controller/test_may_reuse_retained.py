"""May a claim have the directory that another volume had? (design, rule 2: whose data)"""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.claims.decide import Provisioner
from holdfast.claims.parameters import Action
from holdfast.controller.requeue import Requeue
from holdfast.exports.record import State
from holdfast.kube.resources import VOLUMES
from tests.unit.controller.given import NAME, a_volume, ref
from tests.unit.controller.site import Site

FAILED = "ProvisioningFailed"


def retained(site: Site, uid: str = "9", namespace: str = "team") -> None:
    """A retained directory `team/data` whose volume is gone."""
    site.made_on_export(ref(uid, "data", namespace))
    site.export.update_record(
        site.grant, f"pvc-{uid}", ref(uid, "data", namespace), "1Gi", "Retain"
    )


def test_one_that_was_retained_goes_to_a_claim_of_the_same_namespace(site: Site) -> None:
    """Once the claim is bound: what becomes of one before is in test_cancelled_claims.py."""
    retained(site)
    site.add_claim(ref())

    with pytest.raises(Requeue):
        site.serve()
    site.bind_claim(ref())
    site.serve()

    assert site.volume() is not None
    assert site.record("9") is None
    assert len(site.said("ProvisioningSucceeded")) == 1
    assert site.said(FAILED) == []


def test_one_of_another_namespace_is_refused(site: Site) -> None:
    """Issue 12, no 7: data does not change namespaces without a person."""
    retained(site, namespace="other")
    site.add_claim(ref())

    with pytest.raises(Requeue):
        site.serve()

    assert "only a claim of namespace other gets it" in site.only(FAILED).message
    assert site.volume() is None
    assert site.record("9") is not None
    assert site.record("1") is None


@pytest.mark.parametrize("retained_first", [True, False])
def test_names_that_read_the_same_once_they_are_joined_do_not_mix_namespaces(
    site: Site, *, retained_first: bool
) -> None:
    """Issue 12, no 7: `a-b` and `c` give the path of `a` and `b-c`."""
    site.add_class(pathPattern="${.PVC.namespace}-${.PVC.name}")
    site.serve_and_bind(ref("9", "c", "a-b"))
    (site.root / "a-b-c" / "file").write_text("data")
    if retained_first:
        site.export.reclaim(site.grant, "pvc-9", "9", Action.RETAIN)
        site.drop("9")
    site.add_claim(ref("1", "b-c", "a"))

    with pytest.raises(Requeue):
        site.serve("a/b-c")

    assert site.volume() is None
    assert site.only(FAILED).message.startswith("directory 'a-b-c' ")
    assert site.record("9") is not None


def test_one_whose_volume_exists_is_refused(site: Site) -> None:
    """The API server is asked by name: the cache may not have seen it."""
    retained(site)
    site.server.objects.create(VOLUMES.path(), a_volume(ref("9")))
    site.add_claim(ref())

    with pytest.raises(Requeue):
        site.serve()

    assert "is the directory of volume pvc-9" in site.only(FAILED).message


def test_one_that_was_not_to_be_retained_is_refused(site: Site) -> None:
    site.made_on_export(ref("9"))
    site.add_claim(ref())

    with pytest.raises(Requeue):
        site.serve()

    assert "was not to be retained" in site.only(FAILED).message


def test_one_whose_directory_a_person_has_removed_is_forgotten(site: Site) -> None:
    """The refusal said to remove it, and said so again afterwards."""
    site.made_on_export(ref("9"))
    (site.root / "team" / "data").rmdir()
    site.add_claim(ref())

    site.serve()

    assert site.record("9") is None
    assert site.volume() is not None


def test_an_archive_that_a_person_has_removed_is_forgotten(site: Site) -> None:
    site.made_on_export(ref("9"))
    moved = site.export.reclaim(site.grant, "pvc-9", "9", Action.ARCHIVE)
    (site.root / moved.place).rmdir()
    site.add_class(pathPattern=moved.place)
    site.add_claim(ref())

    site.serve()

    assert site.record("9") is None
    assert site.volume() is not None


def test_one_whose_directory_is_gone_and_whose_volume_exists_is_not_forgotten(site: Site) -> None:
    retained(site)
    site.server.objects.create(VOLUMES.path(), a_volume(ref("9")))
    (site.root / "team" / "data").rmdir()
    site.add_claim(ref())

    with pytest.raises(Requeue):
        site.serve()

    assert site.record("9") is not None


def test_one_of_another_cluster_is_not_forgotten(site: Site) -> None:
    retained(site)
    (site.root / "team" / "data").rmdir()
    site.identity.cluster = "another"
    site.add_claim(ref())

    with pytest.raises(Requeue):
        site.serve()

    assert site.record("9") is not None


def test_one_above_or_beneath_it_is_refused(site: Site) -> None:
    site.made_on_export(ref("9"), "team/data/deeper")
    site.add_claim(ref())

    with pytest.raises(Requeue):
        site.serve()

    assert "overlaps 'team/data/deeper'" in site.only(FAILED).message


@pytest.mark.parametrize(
    ("beneath", "relation", "advice"),
    [
        ("", "is the archive of volume pvc-9 of", "rename the directory first (mv), then name"),
        ("/sub", "overlaps 'archived-data', the archive of volume pvc-9 of", "change pathPattern"),
    ],
)
def test_an_archive_in_the_way_is_refused_and_the_way_to_its_data_said(
    site: Site, beneath: str, relation: str, advice: str
) -> None:
    site.made_on_export(ref("9"))
    moved = site.export.reclaim(site.grant, "pvc-9", "9", Action.ARCHIVE)
    site.add_class(pathPattern=moved.place + beneath)
    site.add_claim(ref())

    with pytest.raises(Requeue):
        site.serve()

    said = site.only(FAILED).message
    assert f"directory '{moved.place}{beneath}' {relation}" in said
    assert advice in said
    record = site.record("9")
    assert record is not None
    assert record.state is State.ARCHIVED


def test_one_of_another_cluster_is_refused_with_its_name(site: Site) -> None:
    retained(site)
    site.identity.cluster = "another"
    site.add_claim(ref())

    with pytest.raises(Requeue):
        site.serve()

    assert "HOLDFAST_TAKES_OVER=cluster" in site.only(FAILED).message


def test_one_of_a_cluster_that_this_one_takes_over_is_given(site: Site) -> None:
    retained(site)
    site.identity.cluster = "another"
    provisioner = Provisioner(NAME, takes_over=frozenset({"cluster"}))
    site.set_up(replace(site.context, provisioner=provisioner))
    site.add_claim(ref())

    with pytest.raises(Requeue):  # until the claim is bound
        site.serve()

    assert site.volume() is not None
    assert site.said(FAILED) == []
