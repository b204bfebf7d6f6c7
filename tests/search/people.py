"""What people do: with claims, classes and volumes, and in pods."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from holdfast.claims import constants
from holdfast.claims.objects import ClaimRef
from holdfast.kube.resources import CLAIMS, CLASSES, VOLUMES, Json
from tests.search.cluster import (
    CLASS,
    POD_MODE,
    Cluster,
    Written,
    directory_of,
    is_as_good_as_gone,
    is_deleting,
    is_retained,
    name_of,
    phase_of,
    ref_of,
)
from tests.search.export_tree import records
from tests.unit.controller.given import BY_CLAIM, a_claim, a_class

_PATTERNS = (BY_CLAIM, "${.PVC.namespace}", "${.PVC.name}", "")
_SHARED_PATTERNS = _PATTERNS[:2]  # no namespace gets another one's directory
_ACTIONS = ("delete", "delete", "archive", "retain")
_POLICIES = ("Delete", "Delete", "Retain")


@dataclass
class People:
    """The people of one cluster; `others` are clusters that use the same export."""

    cluster: Cluster
    others: tuple[Cluster, ...] = ()
    share: bool = False

    def create_class(self, policy: str = "Delete", **parameters: str) -> None:
        """The class, or another one in its place."""
        objects = self.cluster.server.objects
        if CLASS in objects.by_path:
            objects.delete(CLASS)
        objects.create(
            CLASSES.path(), a_class(parameters, policy) | {"volumeBindingMode": "Immediate"}
        )

    def change_class(self) -> None:
        choice, chance = self.cluster.random.choice, self.cluster.random.random
        shared = self.share and chance() < 0.2
        given = {
            "pathPattern": choice(_SHARED_PATTERNS if shared else _PATTERNS),
            "onDelete": choice(_ACTIONS),
        }
        if shared:
            given["sharedPaths"] = "true"
        if chance() < 0.1:
            given["existingDirectories"] = "use"
        policy = choice(_POLICIES)
        self.cluster.say("class", policy, given)
        self.create_class(policy, **given)

    def create_claim(self) -> None:
        choice = self.cluster.random.choice
        whose = ClaimRef(
            choice(["team", "other"]), choice(["data", "logs"]), self.cluster.new_uid()
        )
        if self.cluster.create(CLAIMS.path(whose.namespace), a_claim(whose)):
            self.cluster.say("claim", whose, whose.uid)

    def delete_claim(self) -> None:
        if claims := self.cluster.claims():
            metadata = self.cluster.random.choice(claims)["metadata"]
            self.cluster.say("delete claim", metadata["namespace"], metadata["name"])
            path = CLAIMS.path(metadata["namespace"], metadata["name"])
            self.cluster.server.objects.delete(path)

    def change_policy(self) -> None:
        volume = self.cluster.any_volume(self._may_get_policy)
        if volume is not None:
            policy = "Delete" if is_retained(volume) else constants.RETAIN
            self.cluster.say("policy", name_of(volume), policy)
            change = {"spec": {"persistentVolumeReclaimPolicy": policy}}
            self.cluster.edit_volume(volume, change)

    def delete_released(self) -> None:
        volume = self.cluster.any_volume(lambda one: phase_of(one) == "Released")
        if volume is not None:
            self.cluster.delete_volume(volume)

    def write(self) -> None:
        """A pod writes a file."""
        cluster, volume = self.cluster, self._mounted()
        if volume is None:
            return
        number, directory = next(cluster.file_numbers), directory_of(volume)
        name = f"file-{cluster.name}{number}"
        (cluster.root / directory / name).touch()
        whose = ref_of(volume).namespace
        version = cluster.server.objects.version
        cluster.files[name] = Written(name_of(volume), whose, directory, version)
        cluster.say("write", name, "to", directory, "of", name_of(volume))

    def set_mode(self) -> None:
        """A pod sets the mode of its volume."""
        if volume := self._mounted():
            place = self.cluster.root / directory_of(volume)
            place.chmod(POD_MODE)
            self.cluster.modes[name_of(volume)] = place.stat().st_ino
            self.cluster.say("chmod", directory_of(volume), "of", name_of(volume))

    def remove_files(self) -> None:
        """A pod removes all files in its volume."""
        if volume := self._mounted():
            for place in (self.cluster.root / directory_of(volume)).glob("file-*"):
                place.unlink()
                for cluster in (self.cluster, *self.others):
                    cluster.files.pop(place.name, None)
            self.cluster.say("remove files of", directory_of(volume), "of", name_of(volume))

    # Rarer

    def delete_any_volume(self) -> None:
        volume = self.cluster.any_volume()
        if volume is not None:
            self.cluster.delete_volume(volume)

    def annotate(self) -> None:
        """Another reclaim action for a volume, as `docs/storageclass.md` tells people to set it."""
        volume = self.cluster.any_volume(lambda one: not is_as_good_as_gone(one))
        if volume is not None:
            action = self.cluster.random.choice(_ACTIONS)
            self.cluster.say("annotate", name_of(volume), action)
            change = {"metadata": {"annotations": {constants.ON_DELETE: action}}}
            self.cluster.edit_volume(volume, change)

    def rebind(self) -> None:
        """The usual recovery: a released volume that is retained goes to a new claim by hand."""
        volume = self.cluster.any_volume(self._may_be_rebound)
        if volume is None:
            return
        was = ref_of(volume)
        name = self.cluster.random.choice([was.name, "recovered"])
        whose = ClaimRef(was.namespace, name, self.cluster.new_uid())
        claim = a_claim(whose, volumeName=name_of(volume))
        if self.cluster.create(CLAIMS.path(whose.namespace), claim):
            self.cluster.say("rebind", name_of(volume), "to", whose)
            self.cluster.was_bound.add(name_of(volume))
            ref = {"namespace": whose.namespace, "name": name, "uid": whose.uid}
            bound = {"spec": {"claimRef": ref}, "status": {"phase": "Bound"}}
            self.cluster.edit_volume(volume, bound)

    def create_volume_again(self) -> None:
        """From a backup of its YAML, while its directory is still there, or in the trash."""
        gone = [one for _, one in self.cluster.deleted_volumes() if self._is_kept(one)]
        if gone:
            self._create_copy(
                self.cluster.random.choice(gone), "create again", policies=("Delete", "Retain")
            )

    def copy_volume(self) -> None:
        """Applies another cluster's volume here, as a backup tool does that restores to here.

        Not with policy Retain: when its own cluster has reclaimed it, nothing but the copy would be
        left, which blocks its path, for good.
        """
        others = [other for other in self.others if not other.is_gone]
        volumes = [volume for other in others for volume in other.volumes()]
        volumes = [volume for volume in volumes if not is_retained(volume)]
        if volumes:
            self._create_copy(self.cluster.random.choice(volumes), "copy", policies=("Delete",))

    def _mounted(self) -> Json | None:
        """One of the volumes that pods can use."""
        volume = self.cluster.any_volume(lambda one: phase_of(one) == "Bound")
        if volume is None or not (self.cluster.root / directory_of(volume)).is_dir():
            return None
        return volume

    def end_other_cluster(self) -> bool:
        """A cluster is gone for good, and this one takes it over; False if it was before."""
        [other] = self.others
        if other.is_gone:
            return False
        other.is_gone, self.cluster.takes_over = True, (other.name,)
        self.cluster.say("cluster", other.name, "is gone, and taken over")
        return True

    def create_heirloom(self) -> None:
        """Creates a volume of a cluster that is gone here, with a claim for it.

        As `docs/operations.md` says: without the uid of its former claim.
        """
        held = {name_of(one) for one in self.cluster.volumes()}
        held |= {name_of(one) for _, one in self.cluster.deleted_volumes()}
        volumes = [one for other in self.others if other.is_gone for one in _own_volumes(other)]
        recorded = {(one.volume, one.directory) for one in records(self.cluster.root)}
        volumes = [
            one
            for one in volumes
            if name_of(one) not in held and (name_of(one), directory_of(one)) in recorded
        ]
        if not volumes:
            return
        new = copy.deepcopy(self.cluster.random.choice(volumes))
        for given in ("uid", "resourceVersion", "deletionTimestamp"):
            new["metadata"].pop(given, None)
        was = ref_of(new)
        new["spec"]["claimRef"] = {"namespace": was.namespace, "name": was.name}
        new["status"] = {"phase": "Available"}
        claim = a_claim(
            ClaimRef(was.namespace, was.name, self.cluster.new_uid()), volumeName=name_of(new)
        )
        if self.cluster.create(CLAIMS.path(was.namespace), claim):
            self.cluster.say("create heirloom", name_of(new), "for", was)
            self.cluster.create(VOLUMES.path(), new)

    def _create_copy(self, volume: Json, how: str, *, policies: tuple[str, ...]) -> None:
        new = copy.deepcopy(volume)
        for given in ("uid", "resourceVersion", "deletionTimestamp"):
            new["metadata"].pop(given, None)
        new["metadata"]["finalizers"], new["status"] = [], {}
        new["spec"]["persistentVolumeReclaimPolicy"] = self.cluster.random.choice(policies)
        if self.cluster.create(VOLUMES.path(), new):
            self.cluster.say(how, name_of(new), new["spec"]["persistentVolumeReclaimPolicy"])

    def _is_kept(self, volume: Json) -> bool:
        """Whether a deleted volume has its directory, and nobody else has the path.

        What was removed cannot come back, and a path that another volume has is refused for good.
        """
        directory = directory_of(volume)
        having = [one for one in records(self.cluster.root) if one.directory == directory]
        return [one.volume for one in having] == [name_of(volume)] and self._is_own(volume)

    def _may_be_rebound(self, volume: Json) -> bool:
        """Whether it is released and retained, and has data to recover."""
        place = (name_of(volume), directory_of(volume))
        is_there = place in {(one.volume, one.directory) for one in records(self.cluster.root)}
        is_free = phase_of(volume) == "Released" and not is_deleting(volume)
        return is_free and is_retained(volume) and is_there

    def _may_get_policy(self, volume: Json) -> bool:
        return self._is_own(volume) and not is_as_good_as_gone(volume)

    def _is_own(self, volume: Json) -> bool:
        """Whether it was created here, and is no copy."""
        return name_of(volume).startswith(f"pvc-{self.cluster.name}")


def _own_volumes(cluster: Cluster) -> list[Json]:
    """The volumes that were created in a cluster, and are no copies."""
    return [one for one in cluster.volumes() if name_of(one).startswith(f"pvc-{cluster.name}")]
