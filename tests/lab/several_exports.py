"""Several exports on two servers of a lab, and claims for each of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from testbed.lab.machines import MACHINES
from tests.lab.examples.cluster import Cluster
from tests.lab.tenants import uid_of

NAMESPACE: Final = "several"
# By name: the machine that exports it, and where.
EXPORTS: Final[Mapping[str, tuple[str, str]]] = {
    "one": ("control", "/srv/one"),
    "two": ("control", "/srv/two"),
    "three": ("control", "/srv/three"),
    "four": ("control", "/srv/four"),
    "hung": ("nfs", "/srv/nfs/k8s"),
}
FILE: Final = "whose"  # in each directory: the claim's name
_HOLDFAST: Final = "--namespace=holdfast"
_FILE: Final = ("configmap", "holdfast-exports", _HOLDFAST)
_ADDRESS: Final = {machine.name: machine.address for machine in MACHINES}


def second_server() -> str:
    """The inventory that makes the control plane's machine an NFS server as well."""
    exports = [
        {"path": path, "clients": ["192.168.41.0/24"], "options": ["rw", "no_root_squash"]}
        for machine, path in EXPORTS.values()
        if machine == "control"
    ]
    control = {"nfs_server_filesystems": [], "nfs_server_exports": exports}
    return yaml.safe_dump({"nfs_servers": {"hosts": {"control": control}}})


def variables() -> str:
    """What the role `provisioner` is told, as JSON."""
    exports = [
        {"name": name, "server": _ADDRESS[machine], "path": path}
        for name, (machine, path) in EXPORTS.items()
    ]
    classes: list[dict[str, Any]] = [
        {"name": f"on-{name}", "export": name, "onDelete": "delete"} for name in EXPORTS
    ]
    classes.append({"name": "nfs-client", "defaultClass": True, "onDelete": "delete"})
    return json.dumps({"provisioner_exports": exports, "provisioner_storage_classes": classes})


def several_of(cluster: Cluster) -> Several:
    """The exports of a cluster as site.yml has left it."""
    text = cluster.get(*_FILE)["data"]["exports.yaml"]
    return Several(cluster, yaml.safe_load(text)["exports"])


@dataclass(frozen=True)
class Several:
    """The cluster that has them; `listed` is what the chart wrote of each."""

    cluster: Cluster
    listed: Sequence[dict[str, Any]]

    def list_only(self, names: Collection[str]) -> None:
        """Leaves these exports in the provisioner's file, in the order of `EXPORTS`."""
        kept = [one for one in self.listed if one["name"] in names]
        data = {"exports.yaml": yaml.safe_dump({"exports": kept})}
        self.cluster.kubectl("patch", *_FILE, f"--patch={json.dumps({'data': data})}")

    def states(self) -> dict[str, tuple[str, str]]:
        """The leader and the state of each export that has a lease."""
        return dict(self._states())

    def _states(self) -> Iterator[tuple[str, tuple[str, str]]]:
        for lease in self.cluster.get("lease", _HOLDFAST)["items"]:
            annotations = lease["metadata"].get("annotations", {})
            if name := annotations.get("holdfast.io/export-name"):
                state = json.loads(annotations["holdfast.io/state"])["state"]
                yield name, (lease["spec"].get("holderIdentity") or "", state)

    def leaders(self) -> dict[str, str]:
        """The pod that leads each export that is served."""
        return {
            name: leader
            for name, (leader, state) in self.states().items()
            if leader and state == "serving"
        }

    def claim(self, export: str, numbers: Sequence[int]) -> None:
        """Makes claims of an export's class, called `EXPORT-NUMBER`."""
        items = [_claim(export, number) for number in numbers]
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        self.cluster.kubectl("create", "--filename=-", text=text, deadline=300)

    def delete(self, *names: str) -> None:
        """Deletes claims; not awaited."""
        self.cluster.kubectl("delete", "pvc", f"--namespace={NAMESPACE}", "--wait=false", *names)

    def claims(self) -> dict[str, dict[str, Any]]:
        """The claims by name."""
        found = self.cluster.get("pvc", f"--namespace={NAMESPACE}")["items"]
        return {claim["metadata"]["name"]: claim for claim in found}

    def bound(self, export: str) -> dict[str, str]:
        """The uid of each claim of an export that is Bound, by name."""
        return {
            name: uid_of(claim)
            for name, claim in self.claims().items()
            if name.startswith(f"{export}-") and claim["status"]["phase"] == "Bound"
        }

    def write(self, export: str, names: Collection[str]) -> None:
        """Writes its claim's name into each directory, on the server."""
        machine, path = EXPORTS[export]
        claims = self.claims()
        lines = [
            f"echo {name} > {path}/{_directory(claims[name])}/{FILE}" for name in sorted(names)
        ]
        self.cluster.guest(machine).ssh(f"sudo sh -ec '{'; '.join(lines)}'", deadline=120)

    def oddities(self, export: str) -> list[str]:
        """What of an export's claims, volumes, directories and records does not fit."""
        claims = [one for name, one in self.claims().items() if name.startswith(f"{export}-")]
        wanted = {_directory(claim): claim["metadata"]["name"] for claim in claims}
        volumes = {claim["spec"].get("volumeName", "") for claim in claims}
        machine, path = EXPORTS[export]
        ask = f"cd {path}; ls -A; echo; grep -H '' */{FILE}; echo; ls .holdfast/volumes; echo; "
        ask += "ls .holdfast/creating .holdfast/trashed .holdfast/trash | grep -v : || :"
        parts = self.cluster.guest(machine).ssh(f'sudo sh -c "{ask}"').split("\n\n")
        there, files, records, left = (set(part.split()) for part in parts[:4])
        written = {line.partition(f"/{FILE}:")[::2] for line in files}
        return [
            *(f"directories: {one}" for one in there - {".holdfast"} ^ wanted.keys()),
            *(f"records: {one}" for one in records ^ volumes),
            *(f"data: {one}" for one in written ^ set(wanted.items())),
            *(f"left: {one}" for one in left),
        ]


def _directory(claim: dict[str, Any]) -> str:
    return f"{NAMESPACE}-{claim['metadata']['name']}-{claim['spec'].get('volumeName')}"


def _claim(export: str, number: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": f"{export}-{number}", "namespace": NAMESPACE},
        "spec": {
            "storageClassName": f"on-{export}",
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }
