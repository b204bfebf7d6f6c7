"""Whether claims, volumes, records, directories and what was written fit each other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from tests.lab.disks import Disks, Entries
from tests.lab.examples.cluster import Cluster
from tests.lab.seeds import EXPORT
from tests.lab.tenants import FILE, NAMESPACE, Tenants, uid_of

_OURS: Final = "pv.kubernetes.io/provisioned-by"
_TOP: Final = {"export", "creating", "volumes", "trashed", "trash", "directories", "terms"}


def volumes_of(cluster: Cluster) -> dict[str, dict[str, Any]]:
    """The volumes that a provisioner has made, by name."""
    return {
        volume["metadata"]["name"]: volume
        for volume in cluster.get("pv")["items"]
        if _OURS in volume["metadata"].get("annotations", {})
    }


@dataclass(frozen=True)
class Found:
    """The cluster and the export at one moment."""

    claims: dict[str, str]  # the volume of each claim that is Bound, by the claim's uid
    pending: list[str]
    volumes: dict[str, dict[str, Any]]
    entries: Entries

    def records(self, folder: str = "volumes") -> dict[str, dict[str, Any]]:
        """The records in one of Holdfast's folders."""
        files = _beneath(self.entries, f".holdfast/{folder}")
        return {name: json.loads(self.entries[path].content) for name, path in files.items()}

    def oddities(self, tenants: Tenants) -> list[str]:
        """A sentence for all that does not fit."""
        return [
            *self._of_volumes(),
            *self._of_records(),
            *self._of_directories(),
            *self._of_ours(),
            *self._of_data(tenants),
        ]

    def _of_volumes(self) -> Iterator[str]:
        yield from (f"claim {name} is not Bound" for name in self.pending)
        owners = {name: volume["spec"]["claimRef"]["uid"] for name, volume in self.volumes.items()}
        bound = {volume: uid for uid, volume in self.claims.items()}
        yield from _differences("volumes' claims", owners, bound)
        for name, volume in self.volumes.items():
            if volume["status"]["phase"] != "Bound":
                yield f"volume {name} is {volume['status']['phase']}"

    def _of_records(self) -> Iterator[str]:
        live = {
            name: record["directory"]
            for name, record in self.records().items()
            if record["state"] == "live"
        }
        paths = {
            name: volume["spec"]["nfs"]["path"].removeprefix(f"{EXPORT}/")
            for name, volume in self.volumes.items()
        }
        yield from _differences("records' directories", live, paths)
        for folder in ("creating", "trashed", "trash"):
            yield from (f"{folder} holds {name}" for name in self._names(folder))

    def _of_directories(self) -> Iterator[str]:
        """Whether what lies on the export is what the records say, and is marked as theirs."""
        owned = dict(self._owned())
        parents = {path.rpartition("/")[0] for path in owned.values()} - {""}
        for path, entry in self.entries.items():
            if path in {".", ".holdfast"} or path.startswith(".holdfast/"):
                continue
            inside = any(path == one or path.startswith(f"{one}/") for one in owned.values())
            if not inside and not (entry.is_directory and path in parents):
                yield f"nobody's: {path}"
        marks = {f"{_place(path)}/{name}" for name, path in owned.items()}
        marks |= {f"{_place(parent)}/.made" for parent in parents}
        found = {
            path.removeprefix(".holdfast/directories/")
            for path, entry in self.entries.items()
            if path.startswith(".holdfast/directories/") and not entry.is_directory
        }
        yield from (f"mark too few: {mark}" for mark in marks - found)
        yield from (f"mark too many: {mark}" for mark in found - marks)
        yield from (f"missing: {path}" for path in owned.values() if path not in self.entries)

    def _owned(self) -> Iterator[tuple[str, str]]:
        for name, record in self.records().items():
            yield name, record["target"] or record["directory"]

    def _of_ours(self) -> Iterator[str]:
        """Whether no draft, probe, intent or directory in the making was left in .holdfast."""
        yield from (f"left: .holdfast/{name}" for name in self._odd_names())
        terms = [
            path
            for path in self.entries
            if path.startswith(".holdfast/terms/") and not path.endswith(("/.spare", "/.term"))
        ]
        yield from (f"left: {path}" for path in terms if path.count("/") > 3)
        numbers = [path for path in terms if path.count("/") == 3]
        if len(numbers) != 1:
            yield f"not one term: {numbers}"

    def _odd_names(self) -> set[str]:
        return (set(self._names("")) - {"reserve"}) ^ _TOP

    def _of_data(self, tenants: Tenants) -> Iterator[str]:
        """Whether each claim's file is where it should be, and nowhere else."""
        found = list(self._written())
        uids = [uid for uid, _ in found]
        yield from (f"twice: {uid}" for uid in set(uids) if uids.count(uid) > 1)
        yield from (
            f"of nobody: {uid} in {path}" for uid, path in found if uid not in tenants.begun
        )
        places = dict(found)
        for uid in tenants.written:
            name, place = tenants.claims[uid], places.get(uid, "")
            if uid in self.claims and place != f"{NAMESPACE}/{name}/{FILE}":
                yield f"{name} ({uid}) is live, its file is at {place!r}"
            elif uid not in self.claims and not _is_rightly_at(name, place):
                yield f"{name} ({uid}) was deleted, its file is at {place!r}"

    def _written(self) -> Iterator[tuple[str, str]]:
        for path, entry in self.entries.items():
            if path.rpartition("/")[2] == FILE:
                yield entry.content.decode().strip(), path

    def _names(self, folder: str) -> list[str]:
        start = f".holdfast/{folder}".rstrip("/") + "/"
        inside = (path.removeprefix(start) for path in self.entries if path.startswith(start))
        return [name for name in inside if "/" not in name]


def look(cluster: Cluster, disks: Disks) -> Found:
    """What there is now."""
    claims = cluster.get("pvc", "--all-namespaces")["items"]
    volumes = volumes_of(cluster)
    own = [claim for claim in claims if claim["metadata"]["namespace"] != "holdfast"]
    bound = [claim for claim in own if claim["status"]["phase"] == "Bound"]
    return Found(
        {uid_of(claim): claim["spec"]["volumeName"] for claim in bound},
        [claim["metadata"]["name"] for claim in own if claim not in bound],
        volumes,
        disks.read(),
    )


def _is_rightly_at(name: str, place: str) -> bool:
    """Whether the file of a claim that was deleted is where its class wanted it."""
    if name.startswith("delete-"):
        return not place
    return place.startswith(f"archived-{name}") and place.count("/") == 1


def _beneath(entries: Entries, folder: str) -> dict[str, str]:
    return {
        path.rpartition("/")[2]: path
        for path, entry in entries.items()
        if path.rpartition("/")[0] == folder and not entry.is_directory
    }


def _differences(what: str, one: dict[str, str], other: dict[str, str]) -> Iterable[str]:
    for name in sorted(one.keys() | other.keys()):
        if one.get(name) != other.get(name):
            yield f"{what}: {name} has {one.get(name)!r}, it should be {other.get(name)!r}"


def _place(directory: str) -> str:
    return directory.replace("/", "/.holdfast/")
