"""The PersistentVolume that results from a plan, and the address that it carries."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.claims import constants, servers
from holdfast.claims.decide import Plan
from holdfast.claims.objects import Json
from holdfast.claims.paths import cleaned


@dataclass(frozen=True, slots=True)
class Address:
    """Where pods mount the export from: a host name or address, and an absolute path.

    `aliases` are the other names and addresses of the same server. The server is part of what a
    volume is known by (design, rule 9: the wrong place is recognised).
    """

    server: str
    path: str
    aliases: frozenset[str] = frozenset()

    def is_served_by(self, other: str) -> bool:
        """Whether a volume's server is certainly this one, by its name or an alias."""
        return any(servers.same(own, other) for own in self._names)

    def may_be_served_by(self, other: str) -> bool:
        """Whether a volume's server is this one, or cannot be told apart from it.

        A host name is told apart from host names, an address from addresses. So an alias of the
        other kind settles what would be doubtful without it.
        """
        if not other:
            return False
        kind = servers.is_literal(other)
        comparable = [own for own in self._names if servers.is_literal(own) == kind]
        return not comparable or any(servers.may_be_same(own, other) for own in comparable)

    def may_have(self, server: str, *, is_static: bool) -> bool:
        """Whether volumes of a server count as being on this one.

        Somebody's own volume (`is_static`) may point into this export under another name of the
        server; where the two cannot be told apart, it counts as being here.
        """
        return self.is_served_by(server) or (is_static and self.may_be_served_by(server))

    def place(self, server: str, path: str, *, is_static: bool) -> str:
        """The directory of a volume, relative to the export; empty where it is not on it."""
        is_here = self.may_have(server, is_static=is_static)
        return (self.directory_of(path) or "") if is_here else ""

    def __str__(self) -> str:
        return f"{self.server}:{self.path}"

    @property
    def _names(self) -> frozenset[str]:
        return self.aliases | {self.server}

    def path_of(self, directory: str) -> str:
        """The path that a volume carries for a directory beneath the export."""
        return f"{self.path.rstrip('/')}/{directory}"

    def directory_of(self, path: str) -> str | None:
        """The directory, relative to the export, of a volume's absolute path.

        None outside of the export, for its root, and for a path with `..` in it. Doubled and
        trailing slashes and `.` mean nothing, as in nfs-subdir-external-provisioner.
        """
        root, found = cleaned(self.path), cleaned(path)
        if root is None or found is None or not path.startswith("/"):
            return None
        if not root:
            return found or None
        return found.removeprefix(root + "/") if found.startswith(root + "/") else None


def volume(plan: Plan, address: Address, *, finalizer: bool, export_id: str = "") -> Json:
    """The PersistentVolume of a plan, as JSON for the API server.

    Only a claim that asks for ReadOnlyMany alone is mounted read-only. The finalizer goes on
    volumes of reclaim policy Delete.
    """
    storage_class, claim = plan.storage_class, plan.claim
    metadata: Json = {
        "name": plan.volume,
        "annotations": {
            constants.PROVISIONED_BY: storage_class.provisioner,
            constants.ON_DELETE: plan.action.value,
            constants.DIRECTORY: plan.directory,
        },
    }
    if export_id:
        metadata["annotations"][constants.EXPORT] = export_id
    if finalizer and storage_class.reclaim_policy == "Delete":
        metadata["finalizers"] = [constants.FINALIZER]
    spec: Json = {
        "capacity": {"storage": claim.size},
        "accessModes": list(claim.access_modes),
        "persistentVolumeReclaimPolicy": storage_class.reclaim_policy,
        "storageClassName": storage_class.name,
        "volumeMode": "Filesystem",
        "nfs": {
            "server": address.server,
            "path": address.path_of(plan.directory),
            "readOnly": set(claim.access_modes) == {"ReadOnlyMany"},
        },
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": plan.ref.namespace,
            "name": plan.ref.name,
            "uid": plan.ref.uid,
            "resourceVersion": claim.version,
        },
    }
    if storage_class.mount_options:
        spec["mountOptions"] = list(storage_class.mount_options)
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}
