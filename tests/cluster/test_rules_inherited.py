"""What always holds: nothing is removed or renamed without a record that names this volume.

Volumes of nfs-subdir-external-provisioner have none: they are checked against its naming rules
and recorded first. What a person made by hand, or forged, does not pass.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from holdfast.claims.constants import BETA_CLASS, EXPORT, PROVISIONED_BY
from holdfast.kube.resources import VOLUMES, Resource
from testbed.client import Json
from tests.cluster.objects import annotations_of, finalizers_of, name_of, phase_of
from tests.cluster.running import Running
from tests.cluster.site import Site
from tests.cluster.typed import holdfast, variables_of
from tests.support import eventually

DELETE = {"onDelete": "delete"}


def inherit(site: Site, storage_class: str, directory: str = "", **claim: object) -> Json:
    """A volume as nfs-subdir makes it, bound to a claim, with a tenant's file in it.

    `directory` is what its pathPattern gave; without one, it is the default name.
    """
    name = site.claim(storage_class, **claim)  # type: ignore[arg-type] # passed on as it is
    uid = site.assigned(name)
    place = directory or f"{site.namespace}-{name}-pvc-{uid}"
    (site.root / place).mkdir(parents=True)
    (site.root / place).chmod(0o777)
    (site.root / place / "file").write_text("a tenant's")
    site.make_volume(
        f"pvc-{uid}",
        f"/export/{place}",
        annotations={PROVISIONED_BY: site.name},
        storageClassName=site.get_claim(name)["spec"].get("storageClassName")
        or site.get_claim(name)["metadata"]["annotations"][BETA_CLASS],
        claimRef={"namespace": site.namespace, "name": name, "uid": uid},
    )
    return site.bound(name)


def empty(site: Site) -> Path:
    """Puts an empty folder in the place of the export; where that is now."""
    right = site.root.rename(site.root.with_name("right"))
    site.root.mkdir()
    return right


def record_of(site: Site, volume: Json) -> Path:
    return site.root / ".holdfast" / "volumes" / name_of(volume)


class TestAnEmptyExport:
    """It was taken for theirs: volumes were recorded there, and deleted with their claims."""

    @pytest.fixture
    def swapped(self, site: Site) -> tuple[Json, Path]:
        """An inherited volume, and its export, in whose place an empty folder is."""
        volume = inherit(site, site.make_class(parameters=DELETE))
        return volume, empty(site)

    def test_nothing_is_touched_until_the_right_one_is_back(
        self, site: Site, swapped: tuple[Json, Path]
    ) -> None:
        volume, right = swapped
        checked = holdfast("check", variables=variables_of(site))
        assert checked.code == 1
        assert "FAILS the export's id matches the volumes" in checked.out
        running = site.serve()
        eventually(lambda: "accept --allow-empty" in running.get("/readyz")[1])
        eventually(lambda: running.metric("holdfast_wrong_export") == 1)

        site.delete_claim("data")
        site.released(volume)
        eventually(running._has_seen_everything)

        assert site.find_volume(name_of(volume)) is not None
        assert list(site.root.iterdir()) == []
        site.root.rmdir()
        right.rename(site.root)
        eventually(lambda: running.get("/readyz")[0] == 200)
        site.gone(volume)
        assert site.tree() == set()

    def test_one_that_is_theirs_all_the_same_is_accepted_and_served(
        self, site: Site, swapped: tuple[Json, Path]
    ) -> None:
        volume, _ = swapped
        running = site.serve()
        eventually(lambda: "accept --allow-empty" in running.get("/readyz")[1])
        accept = ("exports", "accept", "--yes")
        assert "add --allow-empty" in holdfast(*accept, variables=variables_of(site)).err

        assert holdfast(*accept, "--allow-empty", variables=variables_of(site)).code == 0

        eventually(lambda: running.get("/readyz")[0] == 200)
        site.recorded(volume)
        new = site.bound(site.claim(f"{site.namespace}-nfs", "new"))
        assert site.directory(new).is_dir()
        site.delete_claim("data")
        site.gone(volume)

    def test_once_the_volumes_were_recorded_the_id_decides(self, site: Site) -> None:
        volume = inherit(site, site.make_class(parameters=DELETE))
        running = site.serve()
        site.recorded(volume)
        running.settle()
        export_id = annotations_of(site.get_volume(name_of(volume)))[EXPORT]
        running.stop()
        empty(site)
        site.directory(volume).mkdir()

        running = site.serve()

        eventually(lambda: f"not {export_id}" in running.get("/readyz")[1])
        assert not (site.root / ".holdfast").exists()


class TestInheritedVolumes:
    def test_one_is_recorded_while_it_is_bound(self, site: Site) -> None:
        volume = inherit(site, site.make_class(parameters=DELETE))

        site.serve()

        record = site.recorded(volume)
        assert record["directory"] == f"{site.namespace}-data-{name_of(volume)}"
        assert record["on_delete"] == "delete"
        assert (site.directory(volume) / "file").exists()

    @pytest.mark.parametrize(
        ("parameters", "left"),
        [
            ({}, "archived-{}"),
            ({"archiveOnDelete": "false"}, ""),
            ({"onDelete": "delete"}, ""),
            ({"onDelete": "retain"}, "{}"),
        ],
    )
    def test_one_is_reclaimed_by_the_action_of_its_class(
        self, site: Site, parameters: dict[str, str], left: str
    ) -> None:
        volume = inherit(site, site.make_class(parameters=parameters))
        running = site.serve()
        site.recorded(volume)
        running.settle()

        site.delete_claim("data")

        site.gone(volume)
        place = left.format(site.directory(volume).name)
        assert site.tree() == ({place, f"{place}/file"} if place else set())

    def test_one_whose_class_is_named_by_the_beta_annotation(self, site: Site) -> None:
        """As the manifests of its early users have it."""
        storage_class = site.make_class(parameters=DELETE)
        volume = inherit(site, "", annotations={BETA_CLASS: storage_class})
        running = site.serve()
        site.recorded(volume)
        running.settle()

        site.delete_claim("data")

        site.gone(volume)
        assert site.tree() == set()

    def test_one_whose_path_was_made_from_labels_is_reclaimed_after_they_are_gone(
        self, site: Site
    ) -> None:
        """It was recorded while its claim could still be asked for them."""
        pattern = {"pathPattern": "${.PVC.namespace}/${.PVC.labels.team}"}
        storage_class = site.make_class(parameters=DELETE | pattern)
        volume = inherit(site, storage_class, f"{site.namespace}/red", labels={"team": "red"})
        running = site.serve()
        site.recorded(volume)
        running.settle()

        site.delete_claim("data")

        site.gone(volume)
        assert site.tree() == {site.namespace}

    @pytest.mark.parametrize(
        ("parameters", "path", "left"),
        [
            ({"pathPattern": "/${.PVC.namespace}-${.PVC.name}"}, "{}-data", ""),
            ({"onDelete": "true", "pathPattern": "${.PVC.namespace}"}, "{}", "archived-{}"),
            ({"pathPattern": "${.PVC.namespace}-${.PV.name}"}, "{}-${{.PV.name}}", ""),
            ({"pathPattern": "x//${.PVC.namespace}", "odd": "x"}, "x/{}", "x"),
        ],
        ids=["row 1", "row 6", "row 7", "row 10"],
    )
    def test_one_of_a_class_that_serves_no_new_claim_is_reclaimed_by_nfs_subdirs_rules(
        self, site: Site, parameters: dict[str, str], path: str, left: str
    ) -> None:
        """Rows 1, 6, 7 and 10 of the public cases: it stayed, Released, for ever."""
        storage_class = site.make_class(parameters=DELETE | parameters)
        volume = inherit(site, storage_class, path.format(site.namespace))
        running = site.serve()
        site.recorded(volume)
        running.settle()

        site.delete_claim("data")

        site.gone(volume)
        folders = {place for place in site.tree() if not place.endswith("/file")}
        assert folders == {left.format(site.namespace)} - {""}

    def test_one_that_was_released_before_the_first_start_is_reclaimed(self, site: Site) -> None:
        volume = inherit(site, site.make_class(parameters=DELETE))
        site.delete_claim("data")
        site.released(volume)

        site.serve()

        site.gone(volume)
        assert site.tree() == set()

    def test_one_whose_class_is_gone_is_archived(self, site: Site) -> None:
        """Nobody can say any more what it was to be: the action that loses nothing."""
        storage_class = site.make_class(parameters=DELETE)
        volume = inherit(site, storage_class)
        site.delete_class(storage_class)
        site.delete_claim("data")
        site.released(volume)

        site.serve()

        site.gone(volume)
        assert f"archived-{site.directory(volume).name}/file" in site.tree()

    def test_one_made_while_ours_was_being_made_is_recorded_and_reclaimed(self, site: Site) -> None:
        """Both run for a moment during the switch; nfs-subdir knows no `${.PVC.uid}`."""
        running = site.serve()
        create, asked = running.api.create, list[str]()

        def second(resource: Resource, body: Json, namespace: str = "", **more: Any) -> Json:
            if resource is VOLUMES and not asked:
                asked.append(name_of(body))
                (site.root / "data").mkdir()
                site.make_volume(
                    name_of(body),
                    "/export/data",
                    annotations={PROVISIONED_BY: site.name},
                    storageClassName=body["spec"]["storageClassName"],
                    claimRef=body["spec"]["claimRef"],
                )
            return create(resource, body, namespace, **more)

        running.manager.api.create = second  # type: ignore[method-assign]
        parameters = {"pathPattern": "${.PVC.name}${.PVC.uid}", "archiveOnDelete": "false"}
        site.claim(site.make_class(parameters=parameters))
        volume = site.bound("data")

        eventually(lambda: site.tree() == {"data"}, what="Holdfast's own directory is gone")
        assert site.recorded(volume)["directory"] == "data"

        site.delete_claim("data")
        site.gone(volume)
        eventually(lambda: site.tree() == set())

    def test_one_of_reclaim_policy_retain_is_left_alone(self, site: Site) -> None:
        volume = inherit(site, site.make_class(reclaim="Retain", parameters=DELETE))
        site.patch_volume(name_of(volume), {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
        running = site.serve()
        site.recorded(volume)

        site.delete_claim("data")

        site.released(volume)
        running.settle()
        assert (site.directory(volume) / "file").exists()

    def test_its_directory_is_not_given_to_another_claim(self, site: Site) -> None:
        """Not even before it is recorded: the volume itself is known."""
        pattern = {"pathPattern": "${.PVC.annotations.place}"}
        storage_class = site.make_class(parameters=DELETE | pattern)
        volume = inherit(site, storage_class, "shelf", annotations={"place": "shelf"})
        site.serve()

        second = site.claim(storage_class, "second", annotations={"place": "shelf"})

        site.refusal(second, f"'shelf' is the directory of volume {name_of(volume)}")


class TestForgedVolumes:
    """Made by somebody who may write volumes, to have another's data removed."""

    @pytest.fixture
    def running(self, site: Site) -> Running:
        return site.serve()

    @pytest.fixture
    def victim(self, site: Site, running: Running) -> Json:
        """A volume of ours, with a tenant's file in it."""
        assert running
        volume = site.bound(site.claim(site.make_class(parameters=DELETE), "victim"))
        (site.directory(volume) / "file").write_text("a tenant's")
        return volume

    def forge(
        self, site: Site, name: str, path: str, uid: str, claim: str = "nobody", **annotations: str
    ) -> Json:
        """A released volume that names our provisioner and a path that is not its own."""
        return site.make_volume(
            name,
            path,
            annotations={PROVISIONED_BY: site.name, **annotations},
            storageClassName=f"{site.namespace}-nfs",
            claimRef={"namespace": site.namespace, "name": claim, "uid": uid},
        )

    def is_untouched(self, site: Site, forged: Json, victim: Json, words: str) -> bool:
        """Whether the forgery is told of, and everything is where it was."""
        site.said(name_of(forged), "VolumeFailedDelete", words)
        return (
            (site.directory(victim) / "file").exists()
            and phase_of(site.get_volume(name_of(forged))) == "Released"
            and phase_of(site.get_volume(name_of(victim))) == "Bound"
        )

    def test_one_whose_name_is_not_its_claim_s(self, site: Site, victim: Json) -> None:
        uid = str(uuid.uuid4())
        forged = self.forge(site, f"pvc-of-{uid}", victim["spec"]["nfs"]["path"], uid)

        assert self.is_untouched(site, forged, victim, "its name is not")

    def test_one_with_the_path_of_another_claim(self, site: Site, victim: Json) -> None:
        uid = str(uuid.uuid4())
        forged = self.forge(site, f"pvc-{uid}", victim["spec"]["nfs"]["path"], uid)

        assert self.is_untouched(site, forged, victim, "no naming rule")

    def test_one_with_a_path_that_leads_out_of_its_own_directory(
        self, site: Site, victim: Json
    ) -> None:
        uid = str(uuid.uuid4())
        path = f"/export/x/../{site.directory(victim).name}"
        forged = self.forge(site, f"pvc-{uid}", path, uid)

        assert self.is_untouched(site, forged, victim, "'..'")

    def test_one_that_carries_our_annotations(self, site: Site, victim: Json) -> None:
        """They are anybody's to write: the record on the export is what counts."""
        uid = str(uuid.uuid4())
        ours = {
            "holdfast.io/directory": site.directory(victim).name,
            "holdfast.io/on-delete": "delete",
        }
        path = victim["spec"]["nfs"]["path"]
        forged = self.forge(site, f"pvc-{uid}", path, uid, **ours)

        assert self.is_untouched(site, forged, victim, "although Holdfast created it")

    def test_one_made_anew_under_the_name_of_a_volume_that_has_a_record(
        self, site: Site, victim: Json
    ) -> None:
        """The record's directory and the forgery's differ: neither is touched."""
        (site.root / "other").mkdir()
        name = name_of(victim)
        site.patch_volume(name, {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
        eventually(lambda: finalizers_of(site.get_volume(name)) == ["kubernetes.io/pv-protection"])
        site.delete_claim("victim")
        site.released(victim)
        site.delete_volume(name)
        site.gone(victim)

        uid = name.removeprefix("pvc-")
        self.forge(site, name, "/export/other", uid, "victim")

        site.said(name, "VolumeFailedDelete", f"the record of volume {name} names directory")
        assert (site.root / "other").is_dir()
        assert (site.directory(victim) / "file").exists()

    def test_a_volume_made_by_hand_in_our_directory_holds_its_removal_up(
        self, site: Site, victim: Json
    ) -> None:
        """Somebody gave it to other pods as well; they are told, and it goes when theirs does."""
        by_hand = site.make_volume(f"by-hand-{site.namespace}", victim["spec"]["nfs"]["path"])

        site.delete_claim("victim")

        site.said(name_of(victim), "VolumeFailedDelete", name_of(by_hand))
        assert (site.directory(victim) / "file").exists()
        site.delete_volume(name_of(by_hand))
        site.gone(victim)
        assert site.tree() == set()

    def test_a_volume_made_by_hand_beneath_our_directory_holds_its_removal_up(
        self, site: Site, victim: Json
    ) -> None:
        path = victim["spec"]["nfs"]["path"] + "/beneath"
        by_hand = site.make_volume(f"beneath-{site.namespace}", path)

        site.delete_claim("victim")

        site.said(name_of(victim), "VolumeFailedDelete", name_of(by_hand))
        assert (site.directory(victim) / "file").exists()
