"""A storm of claims that come and go, and what must be on the export when it is over.

The storm keeps its own account of who wrote what where; the provisioner's records are checked
against it, never believed.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed.client import Json
from tests.chaos import Cluster
from tests.cluster.objects import name_of, phase_of
from tests.layout import own_paths, place_of, tenants_paths, wanted_own_paths

_NAMES = 5  # of each class whose directories are named by a pattern: they come again
_PATTERNS = {
    "pattern-erase": "erased/${.PVC.name}",
    "pattern-archive": "put-away/${.PVC.name}",
    "pattern-keep": "kept/${.PVC.name}",
}
_ERASED = {"erase", "pattern-erase"}
_ARCHIVED = {"archive", "pattern-archive"}  # which is what happens unless a class says otherwise
_KEPT = {"keep", "pattern-keep"}
_ACTIONS = dict.fromkeys(_ERASED, "delete") | dict.fromkeys(_KEPT, "retain")
_CLASSES = (*sorted(_ERASED | _ARCHIVED | _KEPT), "policy")


@dataclass
class Tenant:
    """Who made a claim, and wrote a file into its directory once it was bound."""

    name: str
    namespace: str
    class_name: str
    uid: str
    wrote: bool = False
    deleted: bool = False

    @property
    def volume(self) -> str:
        return f"pvc-{self.uid}"

    @property
    def text(self) -> str:
        return f"{self.name} {self.uid}\n"

    @property
    def directory(self) -> str:
        if self.class_name in _PATTERNS:
            return _PATTERNS[self.class_name].replace("${.PVC.name}", self.name)
        return f"{self.namespace}-{self.name}-{self.volume}"

    @property
    def is_erased(self) -> bool:
        return self.deleted and self.class_name in _ERASED

    @property
    def is_archived(self) -> bool:
        return self.deleted and self.class_name in _ARCHIVED

    @property
    def state(self) -> str:
        """What a record, if there is one, must say; a volume of policy Retain never ends."""
        if self.is_archived:
            return "archived"
        return "retained" if self.deleted and self.class_name != "policy" else "live"


@dataclass
class Storm:
    """Who made which claims, and what there was to do at certain moments."""

    cluster: Cluster
    chance: random.Random
    classes: dict[str, str] = field(default_factory=dict)
    tenants: list[Tenant] = field(default_factory=list)
    interrupted: Counter[str] = field(default_factory=Counter)

    def make_classes(self) -> None:
        for name in _CLASSES:
            parameters = {"pathPattern": _PATTERNS[name]} if name in _PATTERNS else {}
            if name in _ACTIONS:
                parameters["onDelete"] = _ACTIONS[name]
            policy = "Retain" if name == "policy" else "Delete"
            self.classes[name] = self.cluster.make_class(
                name, reclaim=policy, parameters=parameters
            )

    def stir(self, numbers: range) -> None:
        """New claims come, some of them deleted in haste; some whose tenants have written go."""
        for number in numbers:
            self._create(number)
            if self.chance.random() < 0.05:
                self._delete(self.tenants[-1])
        settled = [tenant for tenant in self.tenants if tenant.wrote and not tenant.deleted]
        for tenant in self.chance.sample(settled, min(len(settled), 2)):
            if self.chance.random() < 0.35:
                self._delete(tenant)

    def look(self) -> None:
        """Notes what there is to do; then the tenants of new volumes write."""
        claims = self.cluster.claims()
        released = self._released(claims)
        pending = any(phase_of(claim) == "Pending" for claim in claims)
        making, moved = self.files("creating"), map(self.cluster.directory, released)
        found = {
            "work to do": bool(pending or released or making),
            "a volume half made": bool(making),
            "a volume half reclaimed": not all(directory.exists() for directory in moved),
            "trash": bool(self.files("trash")),
        }
        self.interrupted.update(name for name, was in found.items() if was)
        self._write(claims)

    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        claims = self.cluster.claims()
        self._write(claims)
        return (
            _uids(claims) == {tenant.uid for tenant in self.tenants if not tenant.deleted}
            and {phase_of(claim) for claim in claims} == {"Bound"}
            and not self._released(claims)
            and not any(map(self.files, ("creating", "trashed", "trash")))
            and not any((self.cluster.root / ".holdfast").glob(".*"))
        )

    def progress(self) -> set[str]:
        """Changes with each step that is made on the export."""
        folders = ("creating", "volumes", "trashed", "trash")
        return {f"{folder}/{name}" for folder in folders for name in self.files(folder)}

    def files(self, folder: str) -> set[str]:
        """The names in one of the folders of `.holdfast`, without what is half-written."""
        return {file.name for file in (self.cluster.root / ".holdfast" / folder).glob("[!.]*")}

    def _released(self, claims: list[Json]) -> list[Json]:
        """The volumes to be reclaimed, those that the controller manager has not noticed too."""
        uids = _uids(claims)
        gone = [
            volume
            for volume in self.cluster.volumes()
            if volume["spec"]["claimRef"]["uid"] not in uids
        ]
        return [one for one in gone if one["spec"]["persistentVolumeReclaimPolicy"] == "Delete"]

    def _create(self, number: int) -> None:
        class_name = self.chance.choice(_CLASSES)
        name = f"{class_name}-{_NAMES + number}"  # never one of those that come again
        if class_name in _PATTERNS:
            again = f"{class_name}-{self.chance.randrange(_NAMES)}"
            name = name if self.cluster.find_claim(again) else again
        self.cluster.claim(self.classes[class_name], name)
        uid = self.cluster.get_claim(name)["metadata"]["uid"]
        self.tenants.append(Tenant(name, self.cluster.namespace, class_name, uid))

    def _delete(self, tenant: Tenant) -> None:
        self.cluster.delete_claim(tenant.name)
        tenant.deleted = True

    def _write(self, claims: list[Json]) -> None:
        bound = _uids([claim for claim in claims if phase_of(claim) == "Bound"])
        for tenant in self.tenants:
            if tenant.uid in bound and not (tenant.wrote or tenant.deleted):
                file = self.cluster.root / tenant.directory / tenant.uid
                file.write_text(tenant.text, encoding="utf-8")
                tenant.wrote = True

    def assert_all_is_well(self) -> None:
        """Every claim, volume, directory, record and file is what the storm's account says."""
        self._assert_claims_and_volumes_are_pairs()
        records = self.cluster.records()
        self._assert_each_record_is_as_its_claim_ended(records)
        self._assert_each_directory_is_one_records_and_marked_once(records)
        self._assert_each_file_is_where_its_claims_end_put_it(records)

    def _assert_claims_and_volumes_are_pairs(self) -> None:
        live = {tenant.volume for tenant in self.tenants if not tenant.deleted}
        kept = {one.volume for one in self.tenants if one.deleted and one.class_name == "policy"}
        sure = {one.volume for one in self.tenants if one.volume in kept and one.wrote}
        volumes = {name_of(volume): volume for volume in self.cluster.volumes()}
        assert set(self.cluster.bound_claims().values()) == live
        assert live | sure <= set(volumes) <= live | kept
        for name, volume in volumes.items():
            assert name == f"pvc-{volume['spec']['claimRef']['uid']}"
            assert self.cluster.directory(volume).is_dir()

    def _assert_each_record_is_as_its_claim_ended(self, records: dict[str, Any]) -> None:
        tenants = {tenant.volume: tenant for tenant in self.tenants}
        for volume, record in records.items():
            assert not tenants[volume].is_erased, record
            assert record["directory"] == tenants[volume].directory
            assert record["state"] == tenants[volume].state

    def _assert_each_directory_is_one_records_and_marked_once(
        self, records: dict[str, Any]
    ) -> None:
        root = self.cluster.root
        places = [place_of(record) for record in records.values()]
        assert len(places) == len(set(places))
        parents = {place.rpartition("/")[0] for place in places} - {""}
        directories = {path for path in tenants_paths(root) if (root / path).is_dir()}
        assert directories == {*places, *parents}
        assert own_paths(root) == wanted_own_paths(records, parents)

    def _assert_each_file_is_where_its_claims_end_put_it(self, records: dict[str, Any]) -> None:
        wanted = {}
        for tenant in self.tenants:
            if not tenant.wrote or tenant.is_erased:
                continue
            where = tenant.directory
            if tenant.is_archived:
                where = place_of(records[tenant.volume])
                assert where.startswith("archived-" + Path(tenant.directory).name)
            wanted[f"{where}/{tenant.uid}"] = tenant.text
        files = {path: self.cluster.root / path for path in tenants_paths(self.cluster.root)}
        found = {path: file.read_text() for path, file in files.items() if file.is_file()}
        assert found == wanted


def _uids(claims: list[Json]) -> set[str]:
    return {claim["metadata"]["uid"] for claim in claims}
