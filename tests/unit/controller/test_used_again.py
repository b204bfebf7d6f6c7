"""Paths that nfs-subdir used again while it was in charge: their former volume is gone."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import Failed, Unsafe
from holdfast.exports.ledger import Ledger
from holdfast.exports.record import DirectoryTaken, Record, State
from holdfast.kube import errors as kube
from holdfast.kube.resources import VOLUMES
from tests.fake.apiserver import NO_ANSWER
from tests.unit.controller.given import a_volume, ref
from tests.unit.controller.site import CLUSTER, Site

PLACE = "team/data"
FORMER = "9"


def former(site: Site, namespace: str = "team", *, policy: str = "Delete") -> None:
    """The record of a volume that nfs-subdir has deleted since, and its directory with data."""
    whose = ref(FORMER, "data", namespace)
    site.made_on_export(whose, PLACE)
    site.export.update_record(site.grant, f"pvc-{FORMER}", whose, "1Gi", policy)
    (site.root / PLACE / "file").write_text("former")


def replace_directory(site: Site) -> None:
    """Another directory is at the path; the former one's inode number is not used again."""
    (site.root / PLACE).rename(site.root / "elsewhere")
    (site.root / PLACE).mkdir()
    shutil.rmtree(site.root / "elsewhere")


def made_by_nfs_subdir(site: Site, directory: str = PLACE, **given: str) -> None:
    """The volume of the claim of the same name, as nfs-subdir made it meanwhile."""
    (site.root / directory).mkdir(parents=True, exist_ok=True)
    (site.root / directory / "new").write_text("data")
    site.add_volume(a_volume(ref(), directory, annotated=False, finalizers=(), **given))


def recorded(site: Site) -> Record:
    """The record of the new volume, which is the only one."""
    record = site.record()
    assert record is not None
    assert site.record(FORMER) is None
    assert site.export.owners(record.directory) == ("pvc-1",)
    return record


def refused(site: Site, error: type[Exception]) -> str:
    """What the event says; both volumes' records are as before."""
    before = site.record(FORMER)
    with pytest.raises(error):
        site.look_after()
    assert site.record() is None
    assert site.record(FORMER) == before
    return site.only("VolumeNotRecorded").message


class TestADirectoryThatIsNotThereAnyMore:
    def test_its_record_gives_way_and_the_new_volume_is_reclaimed(self, site: Site) -> None:
        site.add_class(onDelete="delete")
        former(site)
        replace_directory(site)
        made_by_nfs_subdir(site)

        site.look_after()

        assert recorded(site).succeeds == ()
        site.release()
        site.look_after()
        assert site.volume() is None
        assert not (site.root / PLACE).exists()
        assert site.said() == []

    def test_one_of_another_namespace_gives_way_too(self, site: Site) -> None:
        former(site, "other")
        replace_directory(site)
        made_by_nfs_subdir(site)

        site.look_after()

        assert recorded(site).claim == ref()

    def test_one_beneath_the_new_one_gives_way(self, site: Site) -> None:
        site.made_on_export(ref(FORMER, "x", "other"), f"{PLACE}/x")
        shutil.rmtree(site.root / PLACE)
        made_by_nfs_subdir(site)

        site.look_after()

        assert recorded(site).directory == PLACE

    def test_what_nfs_subdir_had_created_does_not_share_it_for_ever(self, site: Site) -> None:
        """The new volume's directory stayed with the volume that was gone."""
        site.add_class(onDelete="delete")
        whose = a_volume(ref(FORMER), PLACE, annotated=False, finalizers=())
        (site.root / PLACE).mkdir(parents=True)
        site.add_volume(whose)
        site.look_after(FORMER)
        site.drop(FORMER)
        replace_directory(site)
        made_by_nfs_subdir(site, phase="Released")

        site.look_after()

        assert site.volume() is None
        assert site.record(FORMER) is None
        assert not (site.root / PLACE).exists()

    def test_a_released_volume_that_waits_for_it_is_reclaimed(self, site: Site) -> None:
        former(site)
        replace_directory(site)
        made_by_nfs_subdir(site, phase="Released")

        site.look_after()

        assert site.volume() is None
        assert (site.root / "archived-data" / "new").exists()

    def test_what_a_crash_cuts_short_is_finished(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The new record is written before the former one is removed."""
        former(site)
        replace_directory(site)
        made_by_nfs_subdir(site)
        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "forget", failing(OSError(errno.EIO, "lost")))
            with pytest.raises(Failed):
                site.look_after()
        assert site.record() is not None
        assert site.record(FORMER) is not None
        site.lead()

        site.look_after()

        assert recorded(site).succeeds == ()


def failing(error: OSError) -> Callable[[Ledger, Record], None]:
    """A method that raises an error."""

    def fail(_: Ledger, __: Record) -> None:
        raise error

    return fail


class TestADirectoryThatWasHandedOn:
    """nfs-subdir uses a directory that is there, as with a retained one."""

    @pytest.mark.parametrize("policy", ["Delete", "Retain"])
    def test_a_volume_of_the_same_namespace_takes_it_over(self, site: Site, policy: str) -> None:
        former(site, policy=policy)
        made_by_nfs_subdir(site)

        site.look_after()

        assert not recorded(site).foreign
        site.release()
        site.look_after()
        assert (site.root / "archived-data" / "file").read_text() == "former"

    def test_also_one_that_was_retained_with_its_claim(self, site: Site) -> None:
        former(site)
        site.export.reclaim(site.grant, f"pvc-{FORMER}", FORMER, Action.RETAIN)
        made_by_nfs_subdir(site)

        site.look_after()

        assert recorded(site).state is State.LIVE

    def test_one_that_was_there_before_any_volume_is_still_never_removed(self, site: Site) -> None:
        (site.root / PLACE).mkdir(parents=True)
        site.made_on_export(ref(FORMER), PLACE, use_existing=True)
        site.add_class(onDelete="delete")
        made_by_nfs_subdir(site)

        site.look_after()
        assert recorded(site).foreign
        site.release()
        site.look_after()

        assert (site.root / PLACE / "new").exists()

    def test_it_is_not_removed_either_if_a_restore_gave_it_another_inode(self, site: Site) -> None:
        (site.root / PLACE).mkdir(parents=True)
        site.made_on_export(ref(FORMER), PLACE, use_existing=True)
        replace_directory(site)
        made_by_nfs_subdir(site)

        site.look_after()

        assert recorded(site).foreign

    def test_one_of_another_namespace_is_refused_until_a_person_decides(self, site: Site) -> None:
        former(site, "other")
        made_by_nfs_subdir(site)

        said = refused(site, Unsafe)

        assert f"directory {PLACE!r} belongs to volume pvc-9 of claim other/data, which" in said
        mark, record = ".holdfast/directories/team/.holdfast/data/pvc-9", ".holdfast/volumes/pvc-9"
        assert f"remove {mark} and {record} on the export" in said
        for path in (mark, record):
            (site.root / path).unlink()
        site.look_after()
        assert recorded(site).claim == ref()


class TestInDoubt:
    def test_a_volume_that_only_the_api_server_knows_is_not_gone(self, site: Site) -> None:
        former(site)
        replace_directory(site)
        site.server.objects.create(VOLUMES.path(), a_volume(ref(FORMER)))
        made_by_nfs_subdir(site)

        assert "on the export" not in refused(site, DirectoryTaken)

    def test_nobody_knows_while_the_api_server_does_not_answer(self, site: Site) -> None:
        former(site)
        replace_directory(site)
        made_by_nfs_subdir(site)
        site.server.fail("get", NO_ANSWER)

        with pytest.raises(kube.ServerUnavailable):
            site.look_after()

        assert site.record(FORMER) is not None

    def test_the_record_of_another_cluster_stays(self, site: Site) -> None:
        former(site)
        replace_directory(site)
        site.identity.cluster = "another"
        made_by_nfs_subdir(site)

        refused(site, DirectoryTaken)

    def test_a_record_of_unknown_origin_stays(self, site: Site) -> None:
        """A cluster that may not read its own uid may use the directory."""
        former(site)
        path = site.root / f".holdfast/volumes/pvc-{FORMER}"
        path.write_text(path.read_text().replace(f'"origin": "{CLUSTER}"', '"origin": ""'))
        made_by_nfs_subdir(site)

        assert "on the export" not in refused(site, DirectoryTaken)

    def test_what_was_to_be_retained_for_another_namespace_stays(self, site: Site) -> None:
        """The export may have been restored: then the directory is that one all the same."""
        former(site, "other", policy="Retain")
        replace_directory(site)
        made_by_nfs_subdir(site)

        assert "pvc-9" in refused(site, Unsafe)

    @pytest.mark.parametrize("is_in_trash", [True, False])
    def test_a_directory_that_was_moved_and_may_come_back_stays_its_own(
        self, site: Site, *, is_in_trash: bool
    ) -> None:
        former(site)
        (term,) = site.root.glob(".holdfast/terms/*/[0-9]*")
        moved = site.root / ".holdfast/trash/pvc-9" if is_in_trash else term / "-pvc-9"
        (site.root / PLACE).rename(moved)
        made_by_nfs_subdir(site)

        place = moved.relative_to(site.root)
        assert f"which is gone, is at '{place}': move it elsewhere" in refused(site, Unsafe)
        moved.rename(site.root / "elsewhere")
        site.look_after()
        assert recorded(site).claim == ref()
        assert (site.root / "elsewhere/file").read_text() == "former"

    def test_one_that_is_being_created_is_not_gone(self, site: Site) -> None:
        site.add_claim(ref(FORMER, "other"))
        site.made_on_export(ref("8"), "unrelated")
        site.server.fail("create", NO_ANSWER)
        with pytest.raises(kube.ServerUnavailable):
            site.serve("team/other")
        site.add_class(pathPattern="${.PVC.namespace}/other")
        made_by_nfs_subdir(site, "team/other")

        assert "on the export" not in refused(site, DirectoryTaken)
