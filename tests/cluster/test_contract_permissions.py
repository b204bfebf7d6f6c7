"""The provisioner works with exactly the permissions that it asks for, and needs each of them."""

from __future__ import annotations

from holdfast.controller.permissions import NEEDED, NEEDED_TO_LEAD
from tests.cluster.objects import finalizers_of, name_of
from tests.cluster.site import Site
from tests.support import eventually


def test_it_provisions_and_reclaims_with_what_is_needed_and_nothing_else(site: Site) -> None:
    running = site.serve(kubeconfig=site.kubeconfig_with(NEEDED))
    volume = site.bound(site.claim(site.make_class(parameters={"onDelete": "delete"})))
    site.patch_volume(name_of(volume), {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
    eventually(lambda: len(finalizers_of(site.get_volume(name_of(volume)))) == 1)
    site.patch_volume(name_of(volume), {"spec": {"persistentVolumeReclaimPolicy": "Delete"}})
    eventually(lambda: len(finalizers_of(site.get_volume(name_of(volume)))) == 2)
    refused = site.claim(site.make_class("bad", parameters={"onDelete": "shred"}), "refused")
    assert site.refusal(refused)

    site.delete_claim("data")

    site.gone(volume)
    assert running.metric("holdfast_api_requests_total", code="403") == 0


def test_it_leads_with_what_leading_needs(site: Site) -> None:
    config = site.kubeconfig_with(NEEDED | NEEDED_TO_LEAD)
    running = site.serve(kubeconfig=config, leader_election=True)

    site.bound(site.claim(site.make_class()))

    assert running.metric("holdfast_leader") == 1
    running.stop()
    lease = site.plane.client.get(
        f"/apis/coordination.k8s.io/v1/namespaces/{site.namespace}/leases/"
        + site.name.replace("/", "-")
    )
    assert not lease["spec"].get("holderIdentity")
