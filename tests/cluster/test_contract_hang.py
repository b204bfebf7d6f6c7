"""The contract of a provisioner: an export or API server that does not answer for a while."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.kube import errors as kube
from holdfast.kube.resources import VOLUMES, Json, Resource
from tests.cluster.faults import Hang
from tests.cluster.running import Running
from tests.cluster.site import Site
from tests.support import eventually

DELETED = "controller_persistentvolume_delete_total"


class TestAnExportThatHangs:
    def test_a_claim_is_told_stays_in_progress_and_is_served_when_the_export_is_back(
        self, site: Site, hanging: tuple[Running, Hang]
    ) -> None:
        running, hang = hanging

        claim = site.claim(site.make_class())
        uid = site.assigned(claim)

        site.refusal(claim, "did not answer in 1 s")
        eventually(lambda: running.claims_controller.in_progress == {uid})
        hang.over.set()
        site.bound(claim)
        eventually(lambda: not running.claims_controller.in_progress)

    def test_of_a_claim_deleted_meanwhile_nothing_is_left(
        self, site: Site, hanging: tuple[Running, Hang]
    ) -> None:
        """On the export or in the cluster.

        What hung is finished and reclaimed; or it is not begun at all, where it goes on in the
        moment in which no work may be done because the export is taken for lost.
        """
        running, hang = hanging
        claim = site.claim(site.make_class(parameters={"onDelete": "delete"}))
        name = f"pvc-{site.assigned(claim)}"
        site.refusal(claim, "did not answer")
        eventually(lambda: running.claims_controller.in_progress)

        site.delete_claim(claim)
        eventually(lambda: site.find_claim(claim) is None)
        hang.over.set()

        eventually(lambda: not running.claims_controller.in_progress)
        eventually(lambda: site.find_volume(name) is None)
        assert site.tree() == set()

    @pytest.mark.usefixtures("slow")
    def test_a_claim_is_told_that_its_volume_is_being_made(self, site: Site) -> None:
        claim = site.claim(site.make_class())

        eventually(lambda: site.said(claim, "Provisioning"))

    def test_a_claim_deleted_during_mkdir_is_finished_and_reclaimed(
        self, site: Site, slow: tuple[Running, Hang]
    ) -> None:
        running, hang = slow
        claim = site.claim(site.make_class())
        assert hang.entered.wait(30)

        site.delete_claim(claim)
        eventually(lambda: site.find_claim(claim) is None)
        hang.over.set()

        eventually(lambda: running.metric(DELETED) == 1)
        eventually(lambda: site.volumes() == [])
        assert [path.startswith("archived-") for path in site.tree()] == [True]


def test_the_pv_object_fails_to_be_saved_twice_and_then_is_saved(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time the claim stays queued, and the directory stays made."""
    running = site.serve()
    answers = [kube.ServerUnavailable("no answer"), kube.ServerUnavailable("no answer")]
    create = running.api.create

    def flaky(resource: Resource, body: Json, namespace: str = "", **more: Any) -> Json:
        if resource == VOLUMES and answers:
            raise answers.pop()
        return create(resource, body, namespace, **more)

    monkeypatch.setattr(running.api, "create", flaky)

    volume = site.bound(site.claim(site.make_class()))

    assert answers == []
    assert site.directory(volume).is_dir()
    assert site.tree() == {site.directory(volume).name}
    running.settle()
    assert running.claims_controller.in_progress == set()
