"""Shared directories that keep the data of volumes that are gone (design, rule 2: whose data)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.claims.objects import ClaimRef
from holdfast.controller.requeue import Requeue
from holdfast.kube import errors as kube
from holdfast.kube.resources import VOLUMES
from tests.fake.apiserver import Fault
from tests.unit.controller.given import a_volume, ref
from tests.unit.controller.site import Site

FAILED = "ProvisioningFailed"
RETAIN = {"spec": {"persistentVolumeReclaimPolicy": "Retain"}}


@pytest.fixture
def sharing(site: Site) -> Site:
    """Claims of one name have one directory, in whatever namespace they are."""
    site.add_class(pathPattern="${.PVC.name}", sharedPaths="true")
    return site


def _bound(site: Site, whose: ClaimRef) -> None:
    site.add_claim(whose)
    site.serve(str(whose))
    site.bind_claim(whose)


def _released(site: Site, whose: ClaimRef) -> None:
    """The claim is deleted, and its volume was set to Retain before."""
    site.edit(whose.uid, RETAIN)
    site.look_after(whose.uid)
    site.remove_claim(whose)
    site.release(whose.uid)
    site.look_after(whose.uid)


@pytest.fixture
def kept(sharing: Site) -> ClaimRef:
    """A claim whose volume was deleted with policy Retain, and left data."""
    kept = ref("9")
    _bound(sharing, kept)
    (sharing.root / "data/file").write_text("data")
    _released(sharing, kept)
    sharing.drop("9")
    sharing.look_after("9")
    return kept


def test_retained_data_stays_in_its_namespace(sharing: Site, kept: ClaimRef) -> None:
    sharing.add_claim(replace(kept, uid="1", namespace="others"))

    with pytest.raises(Requeue):
        sharing.serve("others/data")

    assert "only a claim of namespace team gets it" in sharing.only(FAILED).message
    assert sharing.volume("1") is None
    assert sharing.record("1") is None
    assert sharing.record("9") is not None


def test_retained_data_goes_to_a_claim_of_its_namespace_which_others_then_share(
    sharing: Site, kept: ClaimRef
) -> None:
    sharing.add_claim(replace(kept, uid="1"))
    with pytest.raises(Requeue):  # until the claim is bound
        sharing.serve()
    sharing.bind_claim(replace(kept, uid="1"))
    sharing.serve()

    assert sharing.record("9") is None
    assert (sharing.root / "data/file").exists()
    _bound(sharing, replace(kept, uid="2", namespace="others"))
    assert sharing.record("2") is not None


def test_data_that_a_released_volume_keeps_is_not_joined(sharing: Site) -> None:
    _bound(sharing, ref("9"))
    _released(sharing, ref("9"))
    sharing.add_claim(ref("1", namespace="others"))

    with pytest.raises(Requeue):
        sharing.serve("others/data")

    assert "volume pvc-9 is Released and keeps its directory" in sharing.only(FAILED).message
    assert sharing.record("1") is None


@pytest.mark.parametrize("namespace", ["team", "others"])
def test_a_volume_that_is_retained_in_the_trash_gets_its_path_back(
    sharing: Site, namespace: str
) -> None:
    """It could not be deleted, and a person has set it to Retain; a claim of its path is faster."""
    sharing.add_class(pathPattern="${.PVC.name}", sharedPaths="true", onDelete="delete")
    sharing.serve_and_bind(ref("9"))
    (sharing.root / "data/file").write_text("data")
    sharing.release("9")
    sharing.server.fail("delete", Fault(503))
    with pytest.raises(kube.ApiError):
        sharing.look_after("9")
    sharing.edit("9", RETAIN)
    sharing.add_claim(ref("1", namespace=namespace))

    with pytest.raises(Requeue):
        sharing.serve(f"{namespace}/data")
    sharing.look_after("9")

    assert "volume pvc-9 is Released and keeps its directory" in sharing.only(FAILED).message
    assert (sharing.root / "data/file").exists()


def test_data_of_a_volume_that_is_gone_is_shared_while_another_volume_shares_it(
    sharing: Site,
) -> None:
    _bound(sharing, ref("9"))
    _bound(sharing, ref("8", namespace="others"))
    _released(sharing, ref("9"))
    sharing.drop("9")
    sharing.look_after("9")

    _bound(sharing, ref("1", namespace="third"))

    assert sharing.record("1") is not None


def test_data_of_a_volume_that_vanished_is_not_joined(sharing: Site) -> None:
    """Somebody removed its finalizer: nobody said that it was to be retained."""
    _bound(sharing, ref("9"))
    sharing.remove_claim(ref("9"))
    sharing.drop("9")
    sharing.look_after("9")
    sharing.add_claim(ref("1", namespace="others"))

    with pytest.raises(Requeue):
        sharing.serve("others/data")

    assert sharing.record("1") is None


def test_a_volume_that_only_the_api_server_knows_is_joined(sharing: Site, kept: ClaimRef) -> None:
    """The API server is asked by name: the cache may not have seen it."""
    sharing.server.objects.create(VOLUMES.path(), a_volume(kept, "data"))

    _bound(sharing, replace(kept, uid="1", namespace="others"))

    assert sharing.record("1") is not None


def test_a_volume_of_another_cluster_is_joined(sharing: Site) -> None:
    """Whether it is gone cannot be seen from here."""
    sharing.identity.cluster = "other"
    sharing.made_on_export(ref("9"), "data", shared=True)

    _bound(sharing, ref("1", namespace="others"))

    assert sharing.record("1") is not None


def test_leaving_a_shared_directory_is_counted_as_a_reclaim(sharing: Site) -> None:
    for uid, namespace in (("1", "team"), ("2", "others")):
        _bound(sharing, ref(uid, namespace=namespace))
    sharing.remove_claim(ref("1"))
    sharing.release("1")

    sharing.look_after("1")

    counted = "holdfast_export_operation_duration_seconds_count"
    assert sharing.metric(counted, operation="reclaim") == 1
    assert (sharing.root / "data").exists()
