"""A claim's author names the volume that Holdfast would create for it, before it exists."""

from __future__ import annotations

import pytest

from holdfast.controller.requeue import Requeue
from holdfast.kube import errors as kube
from holdfast.kube.resources import CLAIMS, Json
from tests.fake.apiserver import NO_ANSWER
from tests.unit.controller.given import ref
from tests.unit.controller.site import Site


@pytest.fixture
def asked(site: Site) -> Site:
    """The request for the volume was not answered."""
    site.add_claim(ref())
    site.server.fail("create", NO_ANSWER)
    with pytest.raises(kube.ServerUnavailable):
        site.serve()
    return site


def name_it(site: Site) -> None:
    change = {"spec": {"volumeName": "pvc-1"}}
    site._take(0, "MODIFIED", site.server.objects.patch(CLAIMS.path("team", "data"), change))


def is_clean(site: Site) -> bool:
    return (
        site.record() is None
        and site.volume() is None
        and not (site.root / "team").exists()
        and site.claims_controller.in_progress == set()
    )


def request(site: Site) -> Json:
    """What was asked of the API server."""
    body: Json = next(one.body for one in site.server.requests if one.verb == "create")
    return body


def test_it_is_undone_at_once_and_the_author_is_told(asked: Site) -> None:
    name_it(asked)

    asked.serve()

    assert is_clean(asked)
    assert asked.said("ProvisioningSucceeded") == []
    assert asked.said("ProvisioningFailed")[-1].message == (
        "the claim's spec.volumeName is 'pvc-1', which does not exist, and Holdfast creates no "
        "volume for a claim that names one: create the claim again without spec.volumeName"
    )


def test_nothing_is_done_for_one_that_names_it_from_the_start(site: Site) -> None:
    site.add_claim(ref(), volumeName="pvc-1")

    site.serve()

    assert is_clean(site)
    assert site.said() == []


def test_the_next_leader_undoes_it(asked: Site) -> None:
    name_it(asked)
    asked.set_up(asked.context)
    asked.lead()

    asked.serve()

    assert is_clean(asked)


def test_one_that_a_late_request_creates_gets_its_directory_again(asked: Site) -> None:
    name_it(asked)
    asked.serve()

    asked.add_volume(request(asked))
    asked.bind_claim(ref())
    asked.serve()

    assert asked.record() is not None
    assert (asked.root / "team/data").is_dir()


def test_one_that_exists_and_reuses_a_directory_waits_until_it_is_bound(site: Site) -> None:
    site.add_class("Retain")
    site.made_on_export(ref("9"))
    site.export.update_record(site.grant, "pvc-9", ref("9"), "1Gi", "Retain")
    site.add_claim(ref())
    with pytest.raises(Requeue):
        site.serve()

    name_it(site)
    with pytest.raises(Requeue):
        site.serve()
    assert site.export.is_unfinished("pvc-1")

    site.bind_claim(ref())
    site.serve()
    assert not site.export.is_unfinished("pvc-1")
