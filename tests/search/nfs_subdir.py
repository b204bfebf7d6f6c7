"""What nfs-subdir-external-provisioner has left: volumes that Holdfast inherits."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.claims.objects import ClaimRef
from holdfast.claims.paths import overlap
from holdfast.kube.resources import CLAIMS, VOLUMES
from tests.search.cluster import CLASS, Cluster, directory_of
from tests.search.export_tree import records
from tests.unit.controller.given import BY_CLAIM, a_claim, a_volume


@dataclass
class NfsSubdir:
    """It serves the class of one cluster for a moment."""

    cluster: Cluster

    def create_volume(self) -> None:
        """A bound volume without annotations and record, at a path that nothing else has."""
        cluster = self.cluster
        uid, namespace = cluster.new_uid(), cluster.random.choice(["team", "other"])
        whose = ClaimRef(namespace, "old", uid)
        directory = self._directory(whose)
        if not directory or not self._is_free(directory):
            return
        if cluster.create(CLAIMS.path(namespace), a_claim(whose, volumeName=f"pvc-{uid}")):
            (cluster.root / directory).mkdir(parents=True)
            made = a_volume(whose, directory, annotated=False, finalizers=())
            cluster.create(VOLUMES.path(), made)
            cluster.was_bound.add(f"pvc-{uid}")
            cluster.inherited.add(directory)
            cluster.say("nfs-subdir creates", f"pvc-{uid}", "at", directory)

    def _directory(self, whose: ClaimRef) -> str:
        """By the class as it is; empty where namespaces, or all its claims, have one directory."""
        pattern = self.cluster.server.objects.by_path[CLASS]["parameters"]["pathPattern"]
        by_claim = f"{whose.namespace}/{whose.name}"
        by_volume = f"{whose.namespace}-{whose.name}-pvc-{whose.uid}"
        return {BY_CLAIM: by_claim, "": by_volume}.get(pattern, "")

    def _is_free(self, directory: str) -> bool:
        taken = {one.directory for one in records(self.cluster.root)}
        taken |= {directory_of(volume) for volume in self.cluster.volumes()}
        is_there = (self.cluster.root / directory).exists()
        return not is_there and not any(overlap(directory, one) for one in taken)
