"""One cluster: the objects of its API server, and what people have done there."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from holdfast.claims import constants
from holdfast.claims.objects import ClaimRef
from holdfast.kube.api import Api
from holdfast.kube.resources import CLAIMS, CLASSES, VOLUMES, Json
from tests.fake.apiserver import FakeApiServer
from tests.fake.objects import Refused
from tests.unit.controller.given import ADDRESS

PLURALS = ("persistentvolumeclaims", "storageclasses", "persistentvolumes")  # as the reflectors are
CLASS = f"{CLASSES.path()}/nfs"
PROTECTION = "kubernetes.io/pv-protection"
POD_MODE = 0o700  # as databases want it


@dataclass(frozen=True, slots=True)
class Written:
    """A file that a pod wrote: through which volume, and the API server's version then."""

    volume: str
    namespace: str
    directory: str
    version: int


@dataclass
class Cluster:
    """What people, the controller manager and the network act on.

    Attributes:
        name: of the cluster; its volumes' names begin with it.
        root: the export's root.
        log: every step, of all clusters.
        files: what pods wrote, by the names of the files.
        was_bound: volumes that were bound at some time.
        inherited: directories of volumes that nfs-subdir created.
        takes_over: names of clusters that are gone, whose volumes are this one's.
        is_gone: this cluster is gone for good.
        modes: volumes whose pod has set their mode to `POD_MODE`, with the directory's inode.
    """

    name: str
    api: Api
    server: FakeApiServer
    root: Path
    random: Random
    log: list[str]
    files: dict[str, Written] = field(default_factory=dict)
    was_bound: set[str] = field(default_factory=set)
    inherited: set[str] = field(default_factory=set)
    takes_over: tuple[str, ...] = ()
    is_gone: bool = False
    modes: dict[str, int] = field(default_factory=dict)
    file_numbers: itertools.count[int] = field(default_factory=itertools.count)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def say(self, *what: object) -> None:
        text = " ".join(map(str, what)).replace(str(self.root), "EXPORT")
        self.log.append(f"[{self.name}] {text}")

    def new_uid(self) -> str:
        return f"{self.name}{next(self.numbers)}"

    def claims(self) -> list[Json]:
        return self._all(PLURALS[0])

    def volumes(self) -> list[Json]:
        return self._all(PLURALS[2])

    def _all(self, plural: str) -> list[Json]:
        held = self.server.objects.by_path.items()
        return [obj for path, obj in held if path.split("/")[-2] == plural]

    def any_volume(self, fits: Callable[[Json], bool] = lambda _: True) -> Json | None:
        """One of the volumes that fit."""
        fitting = [volume for volume in self.volumes() if fits(volume)]
        return self.random.choice(fitting) if fitting else None

    def deleted_volumes(self) -> list[tuple[int, Json]]:
        """Those that are gone, as they were at last, and the version since which."""
        return [
            (version, obj)
            for version, path, kind, obj in self.server.objects.history
            if kind == "DELETED" and path.split("/")[-2] == PLURALS[2]
        ]

    def claim_of(self, volume: Json) -> Json | None:
        """The claim that a volume is for, if it still exists."""
        ref = volume["spec"]["claimRef"]
        claim = self.server.objects.by_path.get(CLAIMS.path(ref["namespace"], ref["name"]))
        return claim if claim and claim["metadata"]["uid"] == ref.get("uid") else None

    def create(self, collection: str, obj: Json) -> bool:
        """Creates an object; False if its name is in use."""
        try:
            self.server.objects.create(collection, obj)
        except Refused:
            return False
        return True

    def edit_volume(self, volume: Json, change: Json) -> None:
        self.server.objects.patch(VOLUMES.path(name=name_of(volume)), change)

    def delete_volume(self, volume: Json) -> None:
        self.say("delete volume", name_of(volume))
        self.server.objects.delete(VOLUMES.path(name=name_of(volume)))


def name_of(obj: Json) -> str:
    return str(obj["metadata"]["name"])


def phase_of(volume: Json) -> str:
    return str(volume.get("status", {}).get("phase", ""))


def is_retained(volume: Json) -> bool:
    return bool(volume["spec"]["persistentVolumeReclaimPolicy"] == constants.RETAIN)


def action_of(volume: Json) -> str:
    return str(volume["metadata"].get("annotations", {}).get(constants.ON_DELETE, ""))


def directory_of(volume: Json) -> str:
    return str(volume["spec"]["nfs"]["path"]).removeprefix(f"{ADDRESS.path}/")


def is_deleting(obj: Json) -> bool:
    return "deletionTimestamp" in obj["metadata"]


def is_as_good_as_gone(volume: Json) -> bool:
    """Whether Holdfast has let go of a deleted volume: what is edited now is too late."""
    held = volume["metadata"].get("finalizers") or ()
    return is_deleting(volume) and constants.FINALIZER not in held


def ref_of(volume: Json) -> ClaimRef:
    ref = volume["spec"]["claimRef"]
    return ClaimRef(ref["namespace"], ref["name"], ref.get("uid", ""))
