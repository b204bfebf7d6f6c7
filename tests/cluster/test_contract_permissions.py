"""The provisioner works with exactly the permissions that it asks for, and needs each of them.

With those of nfs-subdir-external-provisioner it says which of them are missing.
"""

from __future__ import annotations

import pytest

from holdfast.claims.constants import FINALIZER
from holdfast.controller import permissions
from holdfast.controller.permissions import NEEDED, NEEDED_TO_LEAD
from holdfast.kube.resources import CLAIMS, CLASSES, EVENTS, NAMESPACES, VOLUMES, Resource
from tests.cluster.objects import finalizers_of, name_of
from tests.cluster.running import Running
from tests.cluster.site import Site
from tests.support import eventually

# The ClusterRole of nfs-subdir 4.0.18, as far as it is about what Holdfast uses. Its Role allows
# endpoints in its namespace, on which its leader election locks.
ITS_RULES: dict[Resource, tuple[str, ...]] = {
    VOLUMES: ("get", "list", "watch", "create", "delete"),
    CLAIMS: ("get", "list", "watch", "update"),
    CLASSES: ("get", "list", "watch"),
    EVENTS: ("create", "update", "patch"),
}
LACKED: dict[Resource, tuple[str, ...]] = {VOLUMES: ("patch",), NAMESPACES: ("get",)}


def test_it_provisions_and_reclaims_with_what_is_needed_and_nothing_else(site: Site) -> None:
    running = site.serve(kubeconfig=site.kubeconfig_with(NEEDED))
    volume = site.bound(site.claim(site.make_class(parameters={"onDelete": "delete"})))
    site.patch_volume(name_of(volume), {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
    eventually(lambda: len(finalizers_of(site.get_volume(name_of(volume)))) == 1)
    site.patch_volume(name_of(volume), {"spec": {"persistentVolumeReclaimPolicy": "Delete"}})
    eventually(lambda: len(finalizers_of(site.get_volume(name_of(volume)))) == 2)
    refused = site.claim(site.make_class("bad", parameters={"onDelete": "shred"}), "refused")
    site.refusal(refused, "'shred'")

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


class TestOfNfsSubdir:
    """Its permissions unchanged, and the image another."""

    NO_PATCH = "permission missing: grant 'patch' on 'persistentvolumes' of API group ''\n"

    @pytest.fixture(autouse=True)
    def hasten(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(permissions, "_WHILE_MISSING", 0.0)

    def told(self, running: Running, words: str) -> str:
        """Waits until readiness says so; all that it says."""

        def look() -> str:
            status, text = running.get("/readyz")
            return text if status == 503 and words in text else ""

        return eventually(look)

    def test_readiness_names_each_permission_that_is_missing(self, site: Site) -> None:
        config = site.kubeconfig_with(ITS_RULES)
        running = site.serve(kubeconfig=config, leader_election=True)

        eventually(lambda: running.manager.api_circuit.available)
        leases = "on 'leases' of API group 'coordination.k8s.io'"
        own = f"(resourceNames: {site.name.replace('/', '-')}) in namespace {site.namespace}"
        said = self.told(running, own).splitlines()
        namespaces = "on 'namespaces' of API group '' (resourceNames: kube-system)"
        assert said[:3] == [
            "permission missing: grant 'patch' on 'persistentvolumes' of API group ''",
            f"permission missing: grant 'get' {namespaces}",
            f"permission missing: grant 'create' {leases} in namespace {site.namespace}",
        ]
        assert f"permission missing: grant 'get', 'update' {leases} {own}" in said

    def test_its_volumes_get_no_finalizer_and_are_reclaimed(self, site: Site) -> None:
        running = site.serve(kubeconfig=site.kubeconfig_with(ITS_RULES))
        self.told(running, self.NO_PATCH)

        volume = site.bound(site.claim(site.make_class(parameters={"onDelete": "delete"})))
        running.settle()
        assert FINALIZER not in finalizers_of(site.get_volume(name_of(volume)))
        site.delete_claim("data")

        site.gone(volume)
        assert site.tree() == set()

    def test_once_the_rest_is_granted_it_is_ready_and_volumes_get_the_finalizer(
        self, site: Site
    ) -> None:
        user = f"{site.namespace}-user"
        site.grant(user, ITS_RULES)
        running = site.serve(kubeconfig=str(site.plane.kubeconfig_for(user)))
        volume = site.bound(site.claim(site.make_class()))
        self.told(running, self.NO_PATCH)

        site.grant(user, LACKED)

        running.manager.api_circuit.check_soon()
        eventually(lambda: FINALIZER in finalizers_of(site.get_volume(name_of(volume))))
        assert running.get("/readyz") == (200, "ok\n")
