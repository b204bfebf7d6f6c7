"""A namespace of nfs-subdir-external-provisioner: switched to Holdfast, used, and switched back.

Every volume is deleted, archived or kept as its class said, on both sides. What the former
provisioner does wrong itself is told before the way back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

import pytest

from holdfast.claims.constants import FINALIZER
from holdfast.controller import permissions
from testbed.client import Json
from tests.cluster.nfs_subdir import NfsSubdir
from tests.cluster.objects import finalizers_of, name_of, phase_of
from tests.cluster.site import Site
from tests.cluster.test_contract_permissions import ITS_RULES, LACKED
from tests.cluster.typed import holdfast, variables_of
from tests.support import eventually


class Fate(Enum):
    """What becomes of a directory once its claim is deleted."""

    DELETED = "deleted"
    ARCHIVED = "archived"
    KEPT = "kept"


@dataclass(frozen=True)
class Class:
    """A class of nfs-subdir; what Holdfast does with its volumes, and what the former does."""

    parameters: Mapping[str, str]
    fate: Fate
    former: Fate | None = None  # the same, if not said
    reclaim: str = "Delete"
    serves: bool = False  # Holdfast serves new claims of it


CLASSES = {
    "plain": Class({}, Fate.ARCHIVED, serves=True),
    "delete": Class({"onDelete": "delete"}, Fate.DELETED, serves=True),
    "retain": Class({"onDelete": "retain"}, Fate.KEPT, serves=True),
    "no-archive": Class({"archiveOnDelete": "false"}, Fate.DELETED, serves=True),
    "policy": Class({"onDelete": "delete"}, Fate.KEPT, reclaim="Retain", serves=True),
    "nested": Class(
        {"pathPattern": "team/${.PVC.name}", "onDelete": "delete"},
        Fate.DELETED,
        Fate.KEPT,  # it looks for it at the root, and finds nothing
        serves=True,
    ),
    "slash": Class(
        {"pathPattern": "/${.PVC.namespace}-${.PVC.name}", "onDelete": "delete"}, Fate.DELETED
    ),
    "odd-action": Class(
        {"pathPattern": "${.PVC.namespace}.${.PVC.name}", "onDelete": "true"}, Fate.ARCHIVED
    ),
    "literal": Class(
        {"pathPattern": "x-${.PVC.name}-${.PV.name}", "onDelete": "delete"}, Fate.DELETED
    ),
    "unknown-field": Class(
        {"pathPattern": "y-${.PVC.name}-${.PVC.nmae}", "archiveOnDelete": "F"}, Fate.DELETED
    ),
    "unknown-parameter": Class({"onDelete": "delete", "color": "blue"}, Fate.DELETED),
    "unreadable": Class({"archiveOnDelete": "maybe"}, Fate.ARCHIVED, Fate.KEPT),
}


# With `db`, 4.0.2 would act on the shared directory at the root of the export.
SHARED = {"pathPattern": "${.PVC.labels.app}", "onDelete": "delete"}
BY_APP = {"pathPattern": "team/${.PVC.labels.app}", "onDelete": "delete"}
# Their volumes are nobody's to delete, or the former fails at them.
STAY = {"policy-first", "policy-here", "policy-back", "policy-used-here", "policy-used-back"}
STAY |= {"unreadable-back", "by-app"}


@dataclass
class Namespace:
    """The claims of a namespace, each with a file of its name, and what should be left of them."""

    site: Site
    classes: dict[str, str] = field(default_factory=dict)
    volumes: dict[str, Json] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)

    def make(self, when: str, names: Iterator[str]) -> None:
        """A claim of each class."""
        for name in names:
            claim = self.site.claim(f"{self.site.namespace}-{name}", f"{name}-{when}")
            self.classes[claim] = name

    def write(self) -> None:
        """Waits until the claims are bound, and writes into the volumes that have no file yet."""
        for claim in (one for one in map(name_of, self.site.claims()) if one not in self.volumes):
            self.volumes[claim] = self.site.bound(claim)
            (self.site.root / self.path(claim) / claim).write_text("a tenant's")
            self.files.add(f"{self.path(claim)}/{claim}")

    def path(self, claim: str) -> str:
        """Of the claim's directory, relative to the export."""
        return str(self.site.directory(self.volumes[claim]).relative_to(self.site.root))

    def delete(self, when: str, *, former: bool = False) -> None:
        """Deletes the claims of each class, and says what is to become of their files."""
        for claim, name in self.classes.items():
            if claim.endswith(f"-{when}"):
                known = CLASSES[name]
                self.end(claim, (former and known.former) or known.fate)

    def end(self, claim: str, fate: Fate) -> None:
        """Deletes a claim whose directory has this fate."""
        self.site.delete_claim(claim)
        path = self.path(claim)
        if fate is not Fate.KEPT:
            self.files = {one for one in self.files if not one.startswith(f"{path}/")}
        if fate is Fate.ARCHIVED:
            self.files.add(f"archived-{path}/{claim}")

    def is_settled(self) -> bool:
        """Whether the export has the files that it should, and no volume waits to be deleted."""
        files = {one for one in self.site.tree() if (self.site.root / one).is_file()}
        released = [one for one in self.site.volumes() if phase_of(one) == "Released"]
        claims = {one["spec"]["claimRef"]["name"] for one in released}
        return files == self.files and claims <= STAY

    def unguarded(self) -> set[str]:
        """The volumes that are to be deleted with their claims, and lack the finalizer."""
        return {
            name_of(one)
            for one in self.site.volumes()
            if one["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
            and FINALIZER not in finalizers_of(one)
        }


@pytest.fixture
def space(site: Site) -> Namespace:
    """Three claims of each class, two pairs that share a directory, and one beneath a folder."""
    for name, one in CLASSES.items():
        site.make_class(name, parameters=one.parameters, reclaim=one.reclaim)
    shared = site.make_class("shared", parameters=SHARED)
    for app in ("web", "db"):
        for number in (1, 2):
            site.claim(shared, f"{app}-{number}", labels={"app": app})
    site.claim(site.make_class("by-app", parameters=BY_APP), "by-app", labels={"app": "db"})
    made = Namespace(site)
    for when in ("first", "here", "back"):
        made.make(when, iter(CLASSES))
    return made


@pytest.mark.timeout(240)
def test_every_volume_ends_as_its_class_said_on_both_sides(
    site: Site, space: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permissions, "_WHILE_MISSING", 0.0)
    former = NfsSubdir(site)
    former.work_until(lambda: all(map(is_bound, site.claims())), "all claims are bound")
    space.write()

    user = f"{site.namespace}-user"
    site.grant(user, ITS_RULES)
    running = site.serve(kubeconfig=str(site.plane.kubeconfig_for(user)))
    eventually(lambda: records_of(site) == {name_of(one) for one in site.volumes()})
    space.delete("first")
    eventually(space.is_settled, what="all is as the classes said, without the rights that lack")
    site.grant(user, LACKED)
    running.manager.api_circuit.check_soon()
    eventually(lambda: not space.unguarded(), what="every volume has the finalizer")
    for when in ("used-here", "used-back"):
        space.make(when, (name for name, one in CLASSES.items() if one.serves))
    space.write()
    space.delete("here")
    site.delete_claim("web-1")
    eventually(space.is_settled, what="all is as the classes said")
    space.end("web-2", Fate.DELETED)
    eventually(space.is_settled, what="a shared directory goes with its last claim")
    running.stop()

    switch_back(site)
    space.delete("back", former=True)
    site.delete_claim("by-app")
    former.work_until(space.is_settled, "all is as the classes said, or as was told")
    space.end("db-1", Fate.DELETED)
    former.work_until(space.is_settled, "a shared directory goes with its first claim")


def switch_back(site: Site) -> None:
    """As docs/nfs-subdir.md has it."""
    planned = holdfast("uninstall", "--dry-run", "-o", "json", variables=variables_of(site))
    rows = {row["claim"].partition("/")[2]: row for row in json.loads(planned.out)}
    assert {claim for claim, row in rows.items() if row["target_has"]} == {"by-app"}
    assert {claim for claim, row in rows.items() if row["shares_with"]} == {"db-1", "db-2"}
    policy = {"spec": {"persistentVolumeReclaimPolicy": "Retain"}}
    site.patch_volume(rows["by-app"]["volume"], policy)

    done = holdfast("uninstall", "--yes", variables=variables_of(site))

    assert done.code == 0, done.err
    assert not any(FINALIZER in finalizers_of(one) for one in site.volumes())


def is_bound(claim: Json) -> bool:
    return phase_of(claim) == "Bound"


def records_of(site: Site) -> set[str]:
    """The volumes that Holdfast has recorded."""
    folder = site.root / ".holdfast/volumes"
    return {one.name for one in folder.iterdir()} if folder.is_dir() else set()
