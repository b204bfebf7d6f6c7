"""A released volume's end: its directory first, then the volume (design, rules 3 to 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from holdfast.claims.build_volume import Address
from holdfast.claims.constants import DIRECTORY, FINALIZER, ON_DELETE
from holdfast.claims.decide import Provisioner
from holdfast.claims.parameters import Action
from holdfast.controller.export_view import ExportView
from holdfast.controller.requeue import LeadershipLost, Requeue
from holdfast.exports.errors import ExportError, ExportUnavailable, Failed, Fenced, TimedOut
from holdfast.exports.record import Record, State
from holdfast.kube import errors as kube
from holdfast.kube.resources import Json
from tests.fake.apiserver import NO_ANSWER, Fault, Request, Verb
from tests.logged import captured_logs
from tests.unit.controller.given import ID, NAME, a_volume, directory_spec, ref
from tests.unit.controller.site import Site, before, failing

FAILED = "VolumeFailedDelete"
RETAIN: Json = {"spec": {"persistentVolumeReclaimPolicy": "Retain"}}
CLASS = {"class": "nfs"}


@pytest.fixture
def released(site: Site) -> Site:
    """A volume whose claim is gone, with a file in it."""
    site.made_on_export(ref())
    (site.root / "team" / "data" / "file").write_text("data")
    site.add_volume(a_volume(ref(), phase="Released"))
    return site


def state(site: Site, uid: str = "1") -> State:
    record = site.record(uid)
    assert record is not None
    return record.state


def there(site: Site) -> bool:
    return (site.root / "team" / "data" / "file").exists()


def test_the_directory_goes_to_the_trash_and_the_volume_is_deleted(released: Site) -> None:
    released.look_after()

    assert released.volume() is None
    assert state(released) is State.TRASHED
    assert not (released.root / "team").exists()
    assert released.trash_looks == 1
    assert released.metric("controller_persistentvolume_delete_total", **CLASS) == 1
    assert released.said() == []


def test_the_log_says_what_became_of_the_directory(released: Site) -> None:
    with captured_logs() as lines:
        released.look_after()

    (line,) = (line for line in lines if line["event"] == "volume reclaimed")
    assert (line["outcome"], line["place"]) == ("trashed", ".holdfast/trash/pvc-1")
    assert "directory" not in line


def test_a_volume_without_our_finalizer_is_not_asked_for_after_its_end(site: Site) -> None:
    site.may_patch_volumes = False
    site.made_on_export(ref())
    site.add_volume(a_volume(ref(), phase="Released", finalizers=()))

    site.look_after()

    assert [request.verb for request in site.server.requests] == ["get", "delete"]
    assert site.volume() is None


@pytest.mark.parametrize(("action", "end"), [("archive", "archived"), ("retain", "retained")])
def test_what_becomes_of_it_is_what_the_volume_says(site: Site, action: str, end: str) -> None:
    """A person may have changed the annotation since the record was written."""
    site.made_on_export(ref())
    made = a_volume(ref(), phase="Released")
    made["metadata"]["annotations"][ON_DELETE] = action
    site.add_volume(made)

    site.look_after()

    assert state(site).value == end
    assert site.volume() is None


def test_else_it_is_what_the_record_says(site: Site) -> None:
    site.export.create(site.grant, replace(directory_spec(ref()), on_delete=Action.ARCHIVE))
    made = a_volume(ref(), phase="Released")
    del made["metadata"]["annotations"][ON_DELETE]
    site.add_volume(made)

    site.look_after()

    assert state(site) is State.ARCHIVED


def test_an_annotation_that_says_nothing_known_is_refused(released: Site) -> None:
    released.edit("1", {"metadata": {"annotations": {ON_DELETE: "shred"}}})

    with pytest.raises(Requeue):
        released.look_after()

    assert released.only(FAILED).message == (
        "annotation holdfast.io/on-delete of volume pvc-1 is 'shred'; it must be 'delete', "
        "'archive' or 'retain'"
    )
    assert there(released)


def test_a_directory_that_was_there_before_its_volume_stays(site: Site) -> None:
    """Rule 3, whatever the annotation says."""
    (site.root / "team" / "data").mkdir(parents=True)
    site.made_on_export(ref(), use_existing=True)
    site.add_volume(a_volume(ref(), phase="Released"))

    site.look_after()

    assert (site.root / "team" / "data").is_dir()
    assert state(site) is State.RETAINED
    assert site.volume() is None


def test_a_retain_that_the_cache_has_not_seen_is_heeded(released: Site) -> None:
    """Rule 5: a person has just said it. The record and the finalizer follow as well."""
    released.edit("1", {"spec": {"persistentVolumeReclaimPolicy": "Retain"}}, seen=False)

    released.look_after()

    volume, record = released.volume(), released.record()
    assert volume is not None
    assert record is not None
    assert there(released)
    assert volume["metadata"]["finalizers"] == []
    assert record.reclaim_policy == "Retain"
    assert released.server.count("delete") == 0


def test_a_volume_that_is_gone_by_now_is_done_with(released: Site) -> None:
    released.drop()
    released.view.volumes.apply("pvc-1", 10**6, None)

    released.look_after()

    assert there(released)


def test_one_that_the_cache_still_has_but_is_gone_is_left(released: Site) -> None:
    path = "/api/v1/persistentvolumes/pvc-1"
    released.server.objects.patch(path, {"metadata": {"finalizers": None}})
    released.server.objects.delete(path)

    released.look_after()

    assert there(released)
    assert released.said() == []


def test_only_the_volume_that_was_reclaimed_is_deleted(released: Site) -> None:
    """Another of its name, made in the meantime, has another uid."""

    def replace_it(request: Request) -> None:
        del released.server.objects.by_path[request.path]
        another = a_volume(ref(), phase="Available")
        another["metadata"]["uid"] = "another"
        released.server.objects.create("/api/v1/persistentvolumes", another)

    released.server.meanwhile("delete", replace_it)

    with pytest.raises(Requeue):
        released.look_after()

    volume = released.volume()
    assert volume is not None
    assert "deletionTimestamp" not in volume["metadata"]
    assert released.said() == []


class TestChangedMeanwhile:
    """Others write to volumes too, which is usual, and no failure that an event has to report."""

    def test_one_whose_labels_are_changed_is_deleted_at_once(self, released: Site) -> None:
        change = {"metadata": {"labels": {"edited": "yes"}}}
        released.server.meanwhile("delete", lambda _: released.edit("1", change, seen=False))

        released.look_after()

        assert released.volume() is None
        assert released.said() == []
        assert released.trash_looks == 1

    def test_one_that_others_deleted_first_is_released_from_our_finalizer(
        self, released: Site
    ) -> None:
        path = "/api/v1/persistentvolumes/pvc-1"
        released.server.meanwhile("delete", lambda _: released.server.objects.delete(path))

        released.look_after()

        assert released.volume() is None

    def test_one_that_is_gone_by_then_is_done_with(self, released: Site) -> None:
        path = "/api/v1/persistentvolumes/pvc-1"
        released.server.meanwhile("delete", lambda _: released.server.objects.by_path.pop(path))
        released.server.fail("delete", Fault(409, "Conflict"))

        released.look_after()

        assert released.volume() is None
        assert released.said() == []

    @pytest.mark.parametrize(
        "change",
        [
            {"spec": {"claimRef": {"uid": "another"}}},
            {"status": {"phase": "Available"}},
            {"metadata": {"annotations": {ON_DELETE: "retain"}}},
        ],
    )
    def test_one_whose_reclaim_is_decided_anew_is_not_deleted_as_it_was(
        self, released: Site, change: Json
    ) -> None:
        released.server.meanwhile("delete", lambda _: released.edit("1", change, seen=False))

        with pytest.raises(Requeue):
            released.look_after()

        volume = released.volume()
        assert volume is not None
        assert "deletionTimestamp" not in volume["metadata"]
        assert released.said() == []

    @pytest.mark.parametrize(
        ("verb", "what"), [("delete", "delete"), ("patch", "remove our finalizer from")]
    )
    def test_one_that_others_change_all_the_time_is_told(
        self, released: Site, verb: Verb, what: str
    ) -> None:
        """It stayed, its data in the trash, and nobody was told."""
        released.server.fail(verb, Fault(409, "Conflict"), times=5)

        with pytest.raises(Requeue):
            released.look_after()

        assert released.only(FAILED).message == (
            f"cannot {what} volume pvc-1: something else changed it 5 times in a row; find out "
            "what keeps changing it (its managedFields name the writers)"
        )
        name = "controller_persistentvolume_delete_failed_total"
        assert released.metric(name, **CLASS) == 1
        released.look_after()
        assert released.volume() is None


@pytest.mark.parametrize("verb", ["delete", "patch"])
def test_a_retain_that_was_said_after_the_directory_was_moved_keeps_the_volume(
    released: Site, verb: Verb
) -> None:
    """Rule 5: only its uid was compared, and the reaper destroyed the data."""
    released.server.meanwhile(verb, lambda _: released.edit("1", RETAIN, seen=False))

    with pytest.raises(Requeue):
        released.look_after()

    volume = released.volume()
    assert volume is not None
    assert volume["metadata"]["finalizers"] == [FINALIZER]
    assert released.said() == []


class TestTrouble:
    @pytest.mark.parametrize("error", [Failed("the disk says no"), ExportError("no")])
    def test_one_volume_s_error_is_its_event_and_its_back_off(
        self, released: Site, error: ExportError
    ) -> None:
        before(released.export, "reclaim", failing(error))

        with pytest.raises(Requeue):
            released.look_after()

        assert released.only(FAILED).message == error.message
        name = "controller_persistentvolume_delete_failed_total"
        assert released.metric(name, **CLASS) == 1
        assert released.volume() is not None
        assert released.trash_looks == 0

    @pytest.mark.parametrize("error", [ExportUnavailable("no answer"), TimedOut("it hangs")])
    def test_an_end_that_is_not_known_is_told_to_the_worker(
        self, released: Site, error: ExportError
    ) -> None:
        before(released.export, "reclaim", failing(error))

        with pytest.raises(type(error)):
            released.look_after()

        assert released.only(FAILED).message == error.message

    def test_an_api_server_that_is_away_is_told_to_the_worker(self, released: Site) -> None:
        released.server.fail("delete", NO_ANSWER)

        with pytest.raises(kube.ServerUnavailable):
            released.look_after()

        assert state(released) is State.TRASHED

    def test_a_later_term_is_no_fault_of_the_volume(self, released: Site) -> None:
        before(released.export, "reclaim", failing(Fenced("the term has ended")))

        with pytest.raises(Fenced):
            released.look_after()

        assert released.said() == []

    def test_the_next_try_ends_what_was_cut_short(self, released: Site) -> None:
        released.server.fail("delete", Fault(403, "Forbidden"))
        with pytest.raises(Requeue):
            released.look_after()

        released.look_after()

        assert released.volume() is None
        assert released.said("DirectoryMissing") == []


class TestFence:
    def test_one_that_does_not_lead_removes_nothing(self, released: Site) -> None:
        released.leads = False

        with pytest.raises(LeadershipLost):
            released.look_after()

        assert there(released)
        assert released.server.count("delete") == 0

    def test_the_lease_lost_after_the_directory_leaves_the_volume(self, released: Site) -> None:
        """A fence that passes once and then raises."""
        released.set_up(replace(released.context, check_term=failing(LeadershipLost())))

        with pytest.raises(LeadershipLost):
            released.look_after()

        assert state(released) is State.TRASHED
        assert released.volume() is not None
        assert released.server.count("delete") == 0

    def test_the_lease_lost_after_the_delete_leaves_the_finalizer(self, released: Site) -> None:
        fences: list[Callable[[], None]] = [lambda: None, failing(LeadershipLost())]

        def fence() -> None:
            fences.pop(0)()

        released.set_up(replace(released.context, check_term=fence))

        with pytest.raises(LeadershipLost):
            released.look_after()

        volume = released.volume()
        assert volume is not None
        assert volume["metadata"]["finalizers"] == [FINALIZER]


class TestOverlap:
    """Rule 2: a directory belongs to one live volume, recorded or not."""

    @pytest.mark.parametrize("directory", ["team/data", "team/data/deeper", "team"])
    def test_a_directory_that_overlaps_another_volume_s_is_refused(
        self, released: Site, directory: str
    ) -> None:
        released.add_volume(a_volume(ref("2", "other"), directory))

        with pytest.raises(Requeue):
            released.look_after()

        assert "volume pvc-2 of claim team/other" in released.only(FAILED).message
        assert there(released)

    def test_one_that_a_person_gave_a_volume_as_well_is_refused_though_its_class_shares(
        self, site: Site
    ) -> None:
        """It went to the trash with the data of the volume that a person made."""
        site.made_on_export(ref(), shared=True)
        site.add_volume(a_volume(ref(), phase="Released"))
        static = a_volume(ref("9", "other"), name="static", annotated=False, finalizers=())
        static["metadata"]["annotations"] = {}
        site.add_volume(static)

        with pytest.raises(Requeue):
            site.look_after()

        assert "volume static, which somebody created by hand" in site.only(FAILED).message
        assert (site.root / "team" / "data").is_dir()

    def test_one_that_both_classes_share_stays_for_the_other(self, site: Site) -> None:
        for uid in "12":
            site.made_on_export(ref(uid), shared=True)
            site.add_volume(a_volume(ref(uid), phase="Released" if uid == "1" else "Bound"))

        site.look_after()

        assert (site.root / "team" / "data").is_dir()
        assert site.volume("1") is None
        assert site.said() == []

    def test_the_last_of_those_that_share_is_refused_while_a_person_gave_it_away(
        self, site: Site
    ) -> None:
        """The others leave it to the last, with which the data would go."""
        for uid in "12":
            site.made_on_export(ref(uid), shared=True)
            site.add_volume(a_volume(ref(uid), phase="Released"))
        static = a_volume(ref("9", "other"), name="static", annotated=False, finalizers=())
        static["metadata"]["annotations"] = {}
        site.add_volume(static)

        site.look_after("1")
        with pytest.raises(Requeue):
            site.look_after("2")

        assert "volume static, which somebody created by hand" in site.only(FAILED).message
        assert (site.root / "team" / "data").is_dir()

    @pytest.mark.parametrize("phase", ["Bound", "Released"])
    def test_one_of_many_that_share_reads_no_records_of_the_others(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, phase: str
    ) -> None:
        read, real = list[str](), site.export.find

        def noted(name: str) -> Record | None:
            read.append(name)
            return real(name)

        for number in range(1, 10):
            site.made_on_export(ref(f"{number}"), shared=True)
            site.add_volume(a_volume(ref(f"{number}"), phase="Released" if number == 1 else phase))
        monkeypatch.setattr(site.export, "find", noted)

        site.look_after()

        assert set(read) == {"pvc-1"}
        assert site.volume("1") is None
        assert (site.root / "team" / "data").is_dir()

    @pytest.mark.parametrize("order", ["12", "21"])
    def test_what_one_of_them_retains_stays_whichever_goes_first(
        self, site: Site, order: str
    ) -> None:
        for uid, action in (("1", "retain"), ("2", "delete")):
            site.made_on_export(ref(uid), shared=True)
            made = a_volume(ref(uid), phase="Released")
            made["metadata"]["annotations"][ON_DELETE] = action
            site.add_volume(made)

        for uid in order:
            site.look_after(uid)

        assert (site.root / "team" / "data").is_dir()
        assert state(site, order[1]) is State.RETAINED


class TestLost:
    """A volume of ours without a record (issue 12, no 5)."""

    def test_one_without_anything_at_its_path_is_deleted_with_an_event(self, site: Site) -> None:
        site.add_volume(a_volume(ref(), phase="Released"))

        site.look_after()

        assert site.volume() is None
        message = site.only("DirectoryMissing").message
        assert message.startswith("its directory 'team/data' was not on the export")

    @pytest.mark.parametrize("directory", ["team/data", "team", "team/data/deeper"])
    def test_one_whose_path_is_another_volume_s_by_now_is_deleted(
        self, site: Site, directory: str
    ) -> None:
        """A former leader's request made it late; both blocked each other for ever."""
        site.serve_and_bind(ref("2"))
        (site.root / "team/data/deeper").mkdir()
        site.add_volume(a_volume(ref(), directory, phase="Released"))

        site.look_after()

        assert site.volume() is None
        assert (site.root / "team/data/deeper").is_dir()

    @pytest.mark.parametrize("annotated", ["team/elsewhere", "team", "team/data/", "../data"])
    def test_one_whose_annotation_names_another_directory_than_its_path_is_refused(
        self, site: Site, annotated: str
    ) -> None:
        """Pods use the path: nothing at the annotation's place says nothing of their data."""
        made = a_volume(ref(), phase="Released")
        made["metadata"]["annotations"][DIRECTORY] = annotated
        site.add_volume(made)

        for is_there in (True, False):
            if is_there:
                (site.root / "team" / "data").mkdir(parents=True)
            else:
                (site.root / "team" / "data").rmdir()
            with pytest.raises(Requeue):
                site.look_after()

        assert site.volume() is not None
        for said in site.said(FAILED):
            assert f"its path is '/srv/team/data', and its annotation {DIRECTORY}" in said.message

    def test_one_with_something_at_its_path_is_refused(self, site: Site) -> None:
        (site.root / "team" / "data").mkdir(parents=True)
        site.add_volume(a_volume(ref(), phase="Released"))

        with pytest.raises(Requeue):
            site.look_after()

        assert "volume pvc-1 has no record on the export" in site.only(FAILED).message
        assert site.volume() is not None
        assert (site.root / "team" / "data").is_dir()

    @pytest.mark.parametrize("export_id", [ID, ""])
    def test_it_is_not_treated_like_one_of_nfs_subdir(self, site: Site, export_id: str) -> None:
        """Though its path is the one that nfs-subdir would have given it."""
        directory = "team-data-pvc-1"
        (site.root / directory).mkdir()
        site.add_volume(a_volume(ref(), directory, phase="Released", export_id=export_id))

        with pytest.raises(Requeue):
            site.look_after()

        assert "although Holdfast created it" in site.only(FAILED).message
        assert site.record() is None
        assert (site.root / directory).is_dir()

    def test_one_of_version_1_is_refused_even_so(self, site: Site) -> None:
        """Whether this is the export that it was made on is not known."""
        site.add_volume(a_volume(ref(), phase="Released", export_id=""))

        with pytest.raises(Requeue):
            site.look_after()

        assert site.volume() is not None

    def test_a_directory_that_is_gone_though_recorded_is_told(self, released: Site) -> None:
        (released.root / "team" / "data").rename(released.root / "elsewhere")

        released.look_after()

        assert released.volume() is None
        assert len(released.said("DirectoryMissing")) == 1


class TestElsewhere:
    """Issue 12, no 6: server, path and id together decide whether a volume is ours."""

    def refusal(self, site: Site, **given: str) -> str:
        site.made_on_export(ref())
        made = a_volume(ref(), phase="Released", server=given.get("server", "nas"))
        if path := given.get("path"):
            made["spec"]["nfs"]["path"] = path
        if export_id := given.get("export_id"):
            made["metadata"]["annotations"]["holdfast.io/export"] = export_id
        site.add_volume(made)
        with pytest.raises(Requeue):
            site.look_after()
        assert (site.root / "team" / "data").is_dir()
        assert site.volume() is not None
        return site.only(FAILED).message

    def test_another_server_with_our_export_s_id_needs_an_alias(self, site: Site) -> None:
        message = self.refusal(site, server="nas2")

        assert message == (
            "volume pvc-1 is on this export, but names it as nas2:/srv/team/data: its data is left "
            "alone; if nas2 is another name of nas, start Holdfast with it in "
            "HOLDFAST_NFS_SERVER_ALIASES (chart: nfs.serverAliases; several exports: "
            "exports[].serverAliases)"
        )

    @pytest.mark.parametrize("path", ["/export/team/data", "/srv/nfs/team/data"])
    def test_another_path_with_our_export_s_id_needs_the_path(self, site: Site, path: str) -> None:
        message = self.refusal(site, path=path)

        root = path.removesuffix("/team/data")
        assert message == (
            f"volume pvc-1 is on this export, but names it as nas:{path}: its data is left alone; "
            f"set NFS_PATH (chart: nfs.path; several exports: exports[].path) to {root}; or, if "
            "nas:/srv is right, create it again"
        )

    def test_another_server_and_id_is_refused_by_name(self, site: Site) -> None:
        message = self.refusal(site, server="nas2", export_id="another")

        assert message == (
            "volume pvc-1 is at nas2:/srv/team/data of export another, which is not this "
            "provisioner's export nas:/srv (e4f1c2d0-0000-4000-8000-00000000000e): its data is "
            "left alone; if that export is not configured any more, configure it again"
        )

    def test_another_server_without_an_id_may_need_an_alias(self, site: Site) -> None:
        made = a_volume(ref(), phase="Released", server="nas2", export_id="")
        site.add_volume(made)

        with pytest.raises(Requeue):
            site.look_after()

        assert site.only(FAILED).message.endswith(
            "configure it again; if nas2 is another name of an export's server, add it to "
            "HOLDFAST_NFS_SERVER_ALIASES (chart: nfs.serverAliases; several exports: "
            "exports[].serverAliases)"
        )

    def test_none_of_several_exports_is_named_alone(self, site: Site) -> None:
        ExportView(site.caches, Provisioner(NAME), Address("ssd", "/srv"), "fast")

        said = self.refusal(site, server="nas2", export_id="another")

        assert "which is none of this provisioner's exports (default, fast): its data" in said

    def test_another_id_at_our_path_is_refused_by_name(self, site: Site) -> None:
        assert "of export another, which is not" in self.refusal(site, export_id="another")

    def test_a_record_that_names_another_directory_is_refused(self, site: Site) -> None:
        site.made_on_export(ref(), "team/other")
        site.add_volume(a_volume(ref(), phase="Released"))

        with pytest.raises(Requeue):
            site.look_after()

        assert site.only(FAILED).message == (
            "the record of volume pvc-1 names directory 'team/other', the volume names path "
            "'/srv/team/data': its data is left alone"
        )

    def test_an_alias_of_the_server_is_the_server(self, site: Site) -> None:
        site.made_on_export(ref())
        site.add_volume(a_volume(ref(), phase="Released", server="192.0.2.1"))

        site.look_after()

        assert site.volume() is None
