"""Data in trash or archive whose volume exists or says Retain goes back (rules 4, 5)."""

from __future__ import annotations

import os
from errno import EIO, ENOSPC
from typing import Any

import pytest

from holdfast.claims.constants import FINALIZER, ON_DELETE
from holdfast.claims.parameters import Action
from holdfast.controller.requeue import Requeue
from holdfast.exports.errors import ExportUnavailable, Failed, TimedOut
from holdfast.exports.record import State
from holdfast.kube import errors as kube
from holdfast.kube.resources import VOLUMES, Json
from tests.fake.apiserver import Fault
from tests.unit.controller.given import ANOTHER_ID, a_volume, emptied, ref
from tests.unit.controller.site import Site, before, failing, once

RETAIN: Json = {"spec": {"persistentVolumeReclaimPolicy": "Retain"}}
DELETE: Json = {"spec": {"persistentVolumeReclaimPolicy": "Delete"}}
BACKUP = "example.com/backup"
PATH = VOLUMES.path(name="pvc-1")


@pytest.fixture
def trashed(site: Site) -> Site:
    """A directory with a file in the trash, and nothing that says why."""
    make_with_data(site)
    site.export.reclaim(site.grant, "pvc-1", "1", Action.DELETE)
    return site


@pytest.fixture
def held(site: Site) -> Site:
    """A volume that was reclaimed, and that somebody else's finalizer holds."""
    make_with_data(site)
    site.add_volume(a_volume(ref(), phase="Released", finalizers=(FINALIZER, BACKUP)))
    site.look_after()
    site.see()
    assert not is_back(site)
    return site


def let_go(site: Site) -> None:
    """The last finalizer is taken off, and the cache sees the volume's end."""
    gone = site.server.objects.patch(PATH, {"metadata": {"finalizers": None}})
    site._take(2, "DELETED", gone)


def deleted(made: Json) -> Json:
    """A volume as the last event about it shows it."""
    return {**made, "metadata": {**made["metadata"], "resourceVersion": "9999"}}


def make_with_data(site: Site) -> None:
    """A volume's directory, and a file in it."""
    site.made_on_export(ref())
    (site.root / "team" / "data" / "file").write_text("data")


def retain_while_reclaimed(site: Site, made: Json) -> None:
    """A person sets a volume to Retain just before its directory is moved."""
    make_with_data(site)
    site.add_volume(made)
    before(site.export, "reclaim", once(lambda: site.edit("1", RETAIN, seen=False)))
    with pytest.raises(Requeue):
        site.look_after()
    assert not is_back(site)


def lead_next(site: Site) -> None:
    """Another process begins a term, which compares the names of volumes and records."""
    site.set_up(site.context)
    site.view.record_checks.done("pvc-1")
    emptied(site.view.volume_queue)
    site.lead()
    site.volumes_controller.check_recorded(site.export.recorded())


def no_room(*_: object) -> None:
    raise OSError(ENOSPC, "full")


def is_back(site: Site) -> bool:
    return (site.root / "team" / "data" / "file").exists()


def is_live(site: Site, policy: str = "Delete") -> bool:
    record = site.record()
    assert record is not None
    return (record.state, record.reclaim_policy) == (State.LIVE, policy)


class TestRetain:
    def test_one_that_was_said_while_the_directory_was_moved_is_heeded(self, site: Site) -> None:
        retain_while_reclaimed(site, a_volume(ref(), phase="Released"))

        site.look_after()

        volume = site.volume()
        assert volume is not None
        assert "deletionTimestamp" not in volume["metadata"]
        assert volume["metadata"]["finalizers"] == []
        assert is_back(site)
        assert is_live(site, "Retain")
        assert site.only("DirectoryMovedBack").message == (
            "its directory 'team/data' was found at '.holdfast/trash/pvc-1' and moved back"
        )
        assert site.metric("holdfast_directories_moved_back_total") == 1

    def test_one_that_is_said_on_a_volume_which_others_hold_is_heeded(self, held: Site) -> None:
        held.edit("1", RETAIN)

        held.look_after()
        let_go(held)
        held.look_after()

        assert is_back(held)
        assert is_live(held, "Retain")
        assert held.export.trashed() == ()

    def test_the_finalizer_stays_until_the_data_is_back(self, trashed: Site) -> None:
        """After it, the volume is gone, and the reaper removes what is in the trash."""
        trashed.add_volume(a_volume(ref(), phase="Released", policy="Retain"))
        trashed.server.objects.delete(PATH)
        trashed.see()
        before(trashed.export, "recover", once(failing(Failed("the disk says no"))))
        with pytest.raises(Requeue):
            trashed.look_after()
        volume = trashed.volume()
        assert volume is not None
        assert volume["metadata"]["finalizers"] == [FINALIZER]

        trashed.look_after()

        assert trashed.volume() is None
        assert is_back(trashed)

    def test_the_finalizer_stays_while_only_the_record_is_back(
        self, trashed: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The record is moved first: that it is live does not say that the data is back."""
        trashed.add_volume(a_volume(ref(), phase="Released", policy="Retain"))
        trashed.server.objects.delete(PATH)
        trashed.see()
        with monkeypatch.context() as patch:
            patch.setattr("holdfast.exports.recover_directory.move_back", no_room)
            for _ in range(2):
                with pytest.raises(Requeue):
                    trashed.look_after()
        volume = trashed.volume()
        assert volume is not None
        assert volume["metadata"]["finalizers"] == [FINALIZER]
        assert "the export is full" in trashed.only("DirectoryNotMovedBack").message

        trashed.look_after()

        assert trashed.volume() is None
        assert is_back(trashed)
        assert is_live(trashed, "Retain")

    def test_a_live_record_of_another_cluster_holds_no_finalizer(self, site: Site) -> None:
        """The volume was brought here with its data, which is at its path."""
        site.made_on_export(ref())
        place = site.root / ".holdfast/volumes/pvc-1"
        place.write_text(place.read_text().replace('"origin": "cluster"', '"origin": "other"'))
        site.add_volume(a_volume(ref(), policy="Retain"))

        site.look_after()

        volume = site.volume()
        assert volume is not None
        assert volume["metadata"]["finalizers"] == []
        assert "another cluster, other" in site.only("VolumeNotRecorded").message
        assert is_live(site, "Delete")

    def test_a_live_record_of_another_directory_is_told_and_holds_no_finalizer(
        self, site: Site
    ) -> None:
        site.made_on_export(ref())
        site.add_volume(a_volume(ref(), "team/elsewhere", policy="Retain"))

        site.look_after()

        volume = site.volume()
        assert volume is not None
        assert volume["metadata"]["finalizers"] == []
        assert "names directory 'team/data'" in site.only("VolumeNotRecorded").message

    def test_a_call_that_may_have_been_too_slow_says_nothing_of_the_trash(self, site: Site) -> None:
        """Where the directory of a live record is, is not known."""
        site.made_on_export(ref())
        site.add_volume(a_volume(ref(), policy="Retain"))
        before(site.export, "recover", once(failing(TimedOut("it hangs"))))

        with pytest.raises(TimedOut):
            site.look_after()

        assert site.said() == []

    def test_one_that_was_seen_just_before_the_volume_was_gone_is_heeded(self, held: Site) -> None:
        held.edit("1", RETAIN)
        let_go(held)
        assert held.view.was_kept("pvc-1")

        held.look_after()

        assert is_back(held)
        assert is_live(held, "Retain")
        assert not held.view.was_kept("pvc-1")

    def test_one_whose_path_is_in_use_is_left_to_the_reaper_which_keeps_it(
        self, held: Site
    ) -> None:
        (held.root / "team" / "data").mkdir(parents=True)
        held.edit("1", RETAIN)
        let_go(held)

        held.look_after()

        record = held.record()
        assert record is not None
        assert (record.state, record.reclaim_policy) == (State.TRASHED, "Retain")
        assert record.retained_in_trash

    def test_one_that_is_taken_back_is_forgotten(self, held: Site) -> None:
        held.edit("1", RETAIN)
        held.edit("1", {"spec": {"persistentVolumeReclaimPolicy": "Delete"}})

        assert not held.view.was_kept("pvc-1")

    def test_a_record_that_cannot_be_read_is_told(self, trashed: Site) -> None:
        trashed.add_volume(a_volume(ref(), policy="Retain"))
        before(trashed.export, "find", failing(Failed("the disk says no")))

        with pytest.raises(Failed):
            trashed.look_after()

        assert trashed.only("VolumeNotRecorded").message == "the disk says no"


@pytest.mark.parametrize("phase", ["Available", "Bound"])
class TestCreatedAgain:
    """A person creates the volume again from a file, while its data is in the trash."""

    def test_its_directory_is_moved_back(self, trashed: Site, phase: str) -> None:
        trashed.add_volume(a_volume(ref(), phase=phase))
        trashed.view.volume_queue._due.clear()
        trashed.volumes_controller.check_trashed("pvc-1")
        assert trashed.queued()[1] == {"pvc-1"}

        trashed.look_after()

        assert is_back(trashed)
        assert is_live(trashed)
        assert len(trashed.said("DirectoryMovedBack")) == 1

    def test_a_path_that_is_in_use_is_told_and_tried_again(self, trashed: Site, phase: str) -> None:
        (trashed.root / "team" / "data").mkdir(parents=True)
        trashed.add_volume(a_volume(ref(), phase=phase))
        trashed.volumes_controller.check_trashed("pvc-1")

        for _ in range(2):
            with pytest.raises(Requeue):
                trashed.look_after()

        assert trashed.only("DirectoryNotMovedBack").message == (
            "its directory is at '.holdfast/trash/pvc-1' and cannot be moved back: 'team/data' "
            "exists, move it away"
        )
        (trashed.root / "team" / "data").rmdir()
        trashed.look_after()
        assert is_back(trashed)

    def test_one_at_another_path_is_told(self, trashed: Site, phase: str) -> None:
        trashed.add_volume(a_volume(ref(), "team/elsewhere", phase=phase))
        trashed.volumes_controller.check_trashed("pvc-1")

        with pytest.raises(Requeue):
            trashed.look_after()

        assert "names directory 'team/data'" in trashed.only("DirectoryNotMovedBack").message

    def test_one_on_another_export_has_nothing_to_do_with_it(
        self, trashed: Site, phase: str
    ) -> None:
        trashed.add_volume(a_volume(ref(), phase=phase, export_id=ANOTHER_ID))
        trashed.volumes_controller.check_trashed("pvc-1")

        trashed.look_after()

        assert not is_back(trashed)

    def test_what_only_the_cache_takes_for_one_is_not(self, trashed: Site, phase: str) -> None:
        """It lags behind what an earlier leader did: the volume was released and deleted."""
        trashed.add_volume(a_volume(ref(), phase=phase, finalizers=()))
        trashed.view.record_checks.done("pvc-1")
        trashed.server.objects.delete(PATH)
        trashed.volumes_controller.check_trashed("pvc-1")

        with pytest.raises(Requeue):
            trashed.look_after()

        assert not is_back(trashed)

    @pytest.mark.parametrize("error", [ExportUnavailable("no answer"), TimedOut("it hangs")])
    def test_an_end_that_is_not_known_is_told_to_the_worker(
        self, trashed: Site, phase: str, error: Failed
    ) -> None:
        trashed.add_volume(a_volume(ref(), phase=phase))
        trashed.volumes_controller.check_trashed("pvc-1")
        before(trashed.export, "recover", once(failing(error)))
        with pytest.raises(type(error)):
            trashed.look_after()

        trashed.look_after()

        assert is_back(trashed)


@pytest.mark.parametrize("call", ["rename", "mkdir"])
def test_no_claim_joins_a_shared_directory_before_it_is_back(
    site: Site, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """The record is live before the directory is at its path: a new one would keep it away."""
    site.add_class(pathPattern="common", sharedPaths="true", onDelete="delete")
    site.serve_and_bind(ref())
    (site.root / "common" / "file").touch()
    site.release()
    site.server.fail("delete", Fault(503))
    with pytest.raises(kube.ApiError):
        site.look_after()
    for_another_claim = {"namespace": "team", "name": "recovered", "uid": "3"}
    site.edit("1", {**RETAIN, "status": {"phase": "Bound"}})
    site.edit("1", {"spec": {"claimRef": for_another_claim}})
    with monkeypatch.context() as patch:
        _refuse_once(patch, call)
        with pytest.raises(Requeue):
            site.look_after()
    site.add_claim(ref("2", "joins"))

    with pytest.raises(Requeue):
        site.serve("team/joins")
    site.look_after()
    site.serve("team/joins")

    assert "the directory of volume pvc-1 is at" in site.only("ProvisioningFailed").message
    assert (site.root / "common" / "file").exists()
    assert site.volume("2") is not None


def _refuse_once(patch: pytest.MonkeyPatch, call: str) -> None:
    """Has a call fail once by which a directory goes back to its path."""
    real = getattr(os, call)

    def refuse(*given: Any, **more: Any) -> None:
        if "-pvc-1" in given or given[0] == "common":
            patch.setattr(os, call, real)
            raise OSError(EIO, "EIO")
        real(*given, **more)

    patch.setattr(os, call, refuse)


class TestCreatedAgainAndDeleted:
    """A person creates the volume again from a file, and deletes it; our finalizer holds it."""

    def create_and_delete(self, site: Site, phase: str) -> None:
        site.add_volume(a_volume(ref(), phase=phase))
        site.view.record_checks.done("pvc-1")
        site.server.objects.delete(PATH)
        site.see()
        site.volumes_controller.check_trashed("pvc-1")

    def test_one_that_is_in_use_gets_its_directory_back(self, trashed: Site) -> None:
        """Pods have it until its claim is deleted."""
        self.create_and_delete(trashed, "Bound")
        assert trashed.queued()[1] == {"pvc-1"}

        trashed.look_after()

        assert is_back(trashed)
        assert is_live(trashed)

    def test_it_is_reclaimed_once_its_claim_is_gone(self, trashed: Site) -> None:
        self.create_and_delete(trashed, "Bound")
        trashed.look_after()
        trashed.release()

        trashed.look_after()

        assert trashed.volume() is None
        assert not is_back(trashed)
        assert trashed.export.trashed() == ("pvc-1",)

    def test_one_that_no_claim_has_does_not(self, trashed: Site) -> None:
        self.create_and_delete(trashed, "Available")

        trashed.look_after()

        assert not is_back(trashed)


class TestArchivedAndCreatedAgain:
    """A person creates the volume again from a file, while its data is in an archive."""

    def create_again(self, site: Site) -> None:
        site.lead()
        site.view.record_checks.begin([])
        site.add_volume(a_volume(ref(), phase="Bound"))

    def test_its_directory_is_moved_back(self, archived: Site) -> None:
        self.create_again(archived)
        assert archived.queued()[1] == {"pvc-1"}

        archived.look_after()

        assert is_back(archived)
        assert is_live(archived, "Delete")
        assert archived.only("DirectoryMovedBack").message == MOVED_BACK

    def test_a_path_that_is_another_volume_s_by_now_is_told(self, archived: Site) -> None:
        self.create_again(archived)
        archived.made_on_export(ref("2"))

        with pytest.raises(Requeue):
            archived.look_after()

        message = archived.only("DirectoryNotMovedBack").message
        assert message.startswith("its directory is at 'archived-data' and cannot be moved back")
        assert "belongs to volume pvc-2" in message

    @pytest.mark.parametrize("namespace", ["team", "others"])
    def test_one_that_was_bound_to_another_claim_before_the_term_began_is_moved_back(
        self, archived: Site, namespace: str
    ) -> None:
        """As after a restore from a backup while Holdfast was down: nothing else shows it."""
        whose = ref("2", "recovered", namespace)
        archived.add_volume(a_volume(whose, phase="Bound", name="pvc-1"))
        lead_next(archived)
        assert archived.queued()[1] == {"pvc-1"}

        with pytest.raises(Requeue):
            archived.look_after()
        archived.look_after()

        assert is_back(archived)
        assert is_live(archived, "Delete")
        record = archived.record()
        assert record is not None
        assert record.claim == whose
        assert archived.only("DirectoryMovedBack").message == MOVED_BACK

    def test_a_crash_after_its_record_is_live_again_leaves_nothing_in_the_archive(
        self, archived: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        archived.add_volume(a_volume(ref("2"), phase="Bound", name="pvc-1"))
        with monkeypatch.context() as patch:
            patch.setattr("holdfast.exports.recover_directory._move_to_path", no_room)
            with pytest.raises(Requeue):
                archived.look_after()
        assert is_live(archived)
        assert not is_back(archived)
        lead_next(archived)

        with pytest.raises(Requeue):
            archived.look_after()
        archived.look_after()

        assert is_back(archived)

    def test_what_another_cluster_archived_is_told_and_not_tried_again(
        self, archived: Site
    ) -> None:
        place = archived.root / ".holdfast/volumes/pvc-1"
        place.write_text(place.read_text().replace('"origin": "cluster"', '"origin": "other"'))
        archived.add_volume(a_volume(ref("2", "recovered"), phase="Bound", name="pvc-1"))
        lead_next(archived)

        archived.look_after()

        assert not is_back(archived)
        assert "another cluster, other" in archived.only("VolumeNotRecorded").message


class TestSwitchedToDelete:
    """A volume was Retain and is deleted by the policy Delete: nothing of it comes back."""

    def switch_and_delete(self, site: Site) -> None:
        site.edit("1", RETAIN)
        site.look_after()
        site.release()
        site.look_after()
        site.edit("1", DELETE)
        site.look_after()
        assert site.volume() is None
        site._take(2, "DELETED", deleted(a_volume(ref())))

    def test_its_data_is_removed_and_no_later_claim_gets_it(self, site: Site) -> None:
        site.made_on_export(ref())
        (site.root / "team/data/file").write_text("data")
        site.add_volume(a_volume(ref()))
        site.look_after()

        self.switch_and_delete(site)
        assert site.export.reap(site.grant, "pvc-1", 100).done
        site.add_claim(ref("2"))
        site.serve()

        assert site.record() is None
        assert list((site.root / "team/data").iterdir()) == []

    def test_no_record_of_it_keeps_what_it_shared(self, site: Site) -> None:
        site.add_class(sharedPaths="true")
        for uid in "12":
            site.made_on_export(ref(uid), shared=True)
            site.add_volume(a_volume(ref(uid)))
            site.look_after(uid)

        self.switch_and_delete(site)
        assert site.export.reap(site.grant, "pvc-1", 100).done
        site.release("2")
        site.look_after("2")

        assert site.record() is None
        assert not (site.root / "team/data").exists()


@pytest.fixture
def archived(site: Site) -> Site:
    """A directory with a file in an archive, and nothing that says why."""
    make_with_data(site)
    site.export.reclaim(site.grant, "pvc-1", "1", Action.ARCHIVE)
    return site


MOVED_BACK = "its directory 'team/data' was found at 'archived-data' and moved back"


class TestArchivedAndRetained:
    """Rule 5: the volume said Retain, its path was missing, and nobody was told."""

    def test_one_that_was_said_while_the_directory_was_moved_is_heeded(self, site: Site) -> None:
        made = a_volume(ref(), phase="Released")
        made["metadata"]["annotations"][ON_DELETE] = "archive"
        retain_while_reclaimed(site, made)

        site.look_after()

        volume = site.volume()
        assert volume is not None
        assert volume["metadata"]["finalizers"] == []
        assert is_back(site)
        assert is_live(site, "Retain")
        assert site.only("DirectoryMovedBack").message == MOVED_BACK

    def test_the_next_leader_heeds_it(self, archived: Site) -> None:
        archived.add_volume(a_volume(ref(), phase="Released", policy="Retain"))
        archived.lead()
        assert archived.queued()[1] == {"pvc-1"}

        archived.look_after()

        assert is_back(archived)
        assert is_live(archived, "Retain")

    def test_where_its_path_is_in_use_the_archive_is_named(self, archived: Site) -> None:
        (archived.root / "team" / "data").mkdir(parents=True)
        archived.add_volume(a_volume(ref(), phase="Released", policy="Retain"))

        for _ in range(2):
            with pytest.raises(Requeue):
                archived.look_after()

        assert archived.only("DirectoryNotMovedBack").message == (
            "its directory is at 'archived-data' and cannot be moved back: 'team/data' exists, "
            "move it away"
        )
        volume = archived.volume()
        assert volume is not None
        assert volume["metadata"]["finalizers"] == [FINALIZER]
        (archived.root / "team" / "data").rmdir()
        archived.look_after()
        assert is_back(archived)

    @pytest.mark.parametrize("is_taken", [False, True])
    def test_one_that_was_seen_just_before_the_volume_was_gone_is_heeded_if_it_can_be(
        self, archived: Site, *, is_taken: bool
    ) -> None:
        if is_taken:
            (archived.root / "team" / "data").mkdir(parents=True)
        archived.add_volume(a_volume(ref(), phase="Released", finalizers=(FINALIZER, BACKUP)))
        archived.server.objects.delete(PATH)
        archived.edit("1", RETAIN)
        let_go(archived)

        archived.look_after()

        assert is_back(archived) is not is_taken
        assert (archived.root / "archived-data").exists() is is_taken
        assert not archived.view.was_kept("pvc-1")


class TestStays:
    def test_what_others_only_hold_stays_in_the_trash(self, held: Site) -> None:
        held.view.volume_queue._due.clear()

        held.volumes_controller.check_trashed("pvc-1")
        held.look_after()

        assert held.queued()[1] == set()
        assert not is_back(held)

    def test_a_released_one_is_not_asked_for_more_often(self, trashed: Site) -> None:
        """In a burst, the cache still has volumes that are gone."""
        trashed.add_volume(a_volume(ref(), phase="Released"))
        trashed.view.volume_queue._due.clear()

        trashed.volumes_controller.check_trashed("pvc-1")

        assert trashed.queued()[1] == set()

    def test_that_of_a_volume_of_others_stays(self, trashed: Site) -> None:
        made = a_volume(ref())
        made["metadata"]["annotations"] = {}
        trashed.add_volume(made)
        trashed.view.volume_queue._due.clear()

        trashed.volumes_controller.check_trashed("pvc-1")

        assert trashed.queued()[1] == set()

    @pytest.mark.parametrize("is_gone", [True, False])
    def test_a_retain_that_only_the_cache_still_has_is_not_recorded(
        self, trashed: Site, *, is_gone: bool
    ) -> None:
        """An earlier leader saw that it was switched to Delete, and deleted its directory."""
        trashed.add_volume(a_volume(ref(), phase="Released", policy="Retain", finalizers=()))
        trashed.edit("1", DELETE, seen=False)
        if is_gone:
            trashed.server.objects.delete(PATH)

        with pytest.raises(Requeue):
            trashed.look_after()

        record = trashed.record()
        assert record is not None
        assert not record.retained_in_trash

    def test_that_of_one_that_is_gone_stays(self, trashed: Site) -> None:
        trashed.volumes_controller.check_trashed("pvc-1")
        trashed.look_after()

        assert trashed.queued()[1] == set()
        assert not is_back(trashed)

    def test_the_usual_reclaim_costs_no_more_requests(self, site: Site) -> None:
        site.made_on_export(ref())
        site.add_volume(a_volume(ref(), phase="Released"))
        site.server.fail("delete", Fault(403, "Forbidden"))
        with pytest.raises(Requeue):
            site.look_after()
        site.server.requests.clear()

        site.look_after()

        verbs = [request.verb for request in site.server.requests]
        assert verbs == ["get", "delete", "get", "patch"]
