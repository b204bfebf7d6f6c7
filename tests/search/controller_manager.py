"""What kube-controller-manager does with claims and volumes."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.claims.constants import BIND_COMPLETED
from holdfast.kube.resources import CLAIMS, VOLUMES, Json
from tests.search.cluster import (
    PROTECTION,
    Cluster,
    is_deleting,
    name_of,
    phase_of,
    ref_of,
)


@dataclass
class ControllerManager:
    """Of one cluster."""

    cluster: Cluster

    def sync_one(self) -> None:
        """Looks after one volume."""
        volume = self.cluster.any_volume()
        if volume is not None:
            self._sync(volume)

    def sync_all(self) -> None:
        for volume in self.cluster.volumes():
            self._sync(volume)

    def _sync(self, volume: Json) -> None:
        claim = self.cluster.claim_of(volume)
        if claim is None and not ref_of(volume).uid:
            self._reserve(volume)
        elif claim is None:
            self._release(volume)
        else:
            self._bind(volume, claim)
        current = self.cluster.server.objects.by_path.get(VOLUMES.path(name=name_of(volume)))
        if current is not None:
            self._protect(current, claim)

    def _reserve(self, volume: Json) -> None:
        """A volume whose claimRef has no uid is for the claim of that name that names it."""
        ref = volume["spec"]["claimRef"]
        claim = self.cluster.server.objects.by_path.get(CLAIMS.path(ref["namespace"], ref["name"]))
        if claim and claim["spec"].get("volumeName") == name_of(volume) and not is_deleting(volume):
            self.cluster.say("reserve", name_of(volume))
            change = {"spec": {"claimRef": {**ref, "uid": claim["metadata"]["uid"]}}}
            self.cluster.edit_volume(volume, change)

    def _release(self, volume: Json) -> None:
        if phase_of(volume) != "Released":
            self.cluster.say("released", name_of(volume))
            self.cluster.edit_volume(volume, {"status": {"phase": "Released"}})

    def _bind(self, volume: Json, claim: Json) -> None:
        """A volume that is being deleted gets no claim."""
        name, bound_to = name_of(volume), claim["spec"].get("volumeName")
        if bound_to not in {None, name} or (bound_to is None and is_deleting(volume)):
            return
        if bound_to is None:
            self.cluster.say("bind", name)
            ref = ref_of(volume)
            completed = {"annotations": {BIND_COMPLETED: "yes"}}
            change = {"spec": {"volumeName": name}, "metadata": completed}
            self.cluster.server.objects.patch(CLAIMS.path(ref.namespace, ref.name), change)
        if phase_of(volume) != "Bound":
            self.cluster.was_bound.add(name)
            self.cluster.edit_volume(volume, {"status": {"phase": "Bound"}})

    def _protect(self, volume: Json, claim: Json | None) -> None:
        """Its finalizer is on each volume; off again from one that is deleted and not bound."""
        held = volume["metadata"].get("finalizers") or []
        is_bound = claim is not None and claim["spec"].get("volumeName") == name_of(volume)
        if is_deleting(volume) and not is_bound:
            wanted = [one for one in held if one != PROTECTION]
        else:
            wanted = [*held, *({PROTECTION} - set(held))]
        if is_deleting(volume) and len(wanted) > len(held):
            return  # nothing can be added any more
        if wanted != held:
            self.cluster.edit_volume(volume, {"metadata": {"finalizers": wanted}})
