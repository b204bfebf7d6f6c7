"""An attempt to make a volume that ends in the middle (design, rule 4: every step can be repeated).

One whose end is not known stays in progress: it is finished or undone later.
"""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from holdfast.controller.requeue import LeadershipLost, Requeue
from holdfast.exports import create
from holdfast.exports.errors import ExportError, ExportUnavailable, Failed, Fenced, TimedOut
from holdfast.kube import errors as kube
from holdfast.kube.resources import VOLUMES, Json
from tests.fake.apiserver import NO_ANSWER, Fault, Request
from tests.unit.controller.given import ANOTHER_ID, a_volume, ref
from tests.unit.controller.site import Site, before, failing, once

FAILED = "ProvisioningFailed"
UNKNOWN = [ExportUnavailable("no answer"), TimedOut("it hangs")]


def lose_the_answer(site: Site) -> None:
    """The next volume is made, and the API server's answer does not arrive."""

    def make(request: Request) -> None:
        site.server.objects.create(request.path, request.body)

    site.server.meanwhile("create", make)
    site.server.fail("create", NO_ANSWER)


def is_clean(site: Site) -> bool:
    """Whether nothing is left of volume pvc-1."""
    return (
        site.volume() is None
        and site.record() is None
        and not (site.root / "team").exists()
        and site.claims_controller.in_progress == set()
    )


class TestKnownEnd:
    """What failed for sure is taken back at once."""

    def test_a_directory_that_cannot_be_made_leaves_nothing(self, site: Site) -> None:
        before(site.export, "create", failing(Failed("the disk says no")))
        site.add_claim(ref())

        with pytest.raises(Requeue):
            site.serve()

        assert site.only(FAILED).message == "the disk says no"
        assert is_clean(site)

    def test_a_volume_that_the_api_server_refuses_leaves_nothing(self, site: Site) -> None:
        site.server.fail("create", Fault(422, "Invalid"))
        site.add_claim(ref())

        with pytest.raises(Requeue):
            site.serve()

        assert site.only(FAILED).message == "fault 422"
        assert is_clean(site)

    def test_a_refusal_that_came_too_late_for_a_volume_that_was_made_keeps_it(
        self, site: Site
    ) -> None:
        """The directory of a live volume is never undone."""
        lose_the_answer(site)
        site.server.faults["create"].clear()  # the second of two requests: it exists
        site.server.fail("get", Fault(422, "Invalid"))
        site.add_claim(ref())

        with pytest.raises(Requeue):
            site.serve()

        assert site.volume() is not None
        assert not site.export.is_unfinished("pvc-1")
        assert (site.root / "team" / "data").is_dir()
        assert site.claims_controller.in_progress == set()

    @pytest.mark.parametrize(
        "elsewhere",
        [
            a_volume(ref("1", "other"), "elsewhere"),
            a_volume(ref(), "elsewhere"),
            a_volume(ref(), server="ssd", export_id=ANOTHER_ID),
            a_volume(ref(), server="other", annotated=False),
        ],
        ids=["another claim and directory", "another directory", "another export", "nfs-subdir"],
    )
    def test_a_volume_of_that_name_that_is_elsewhere_does_not_keep_the_directory(
        self, site: Site, elsewhere: Json
    ) -> None:
        """Nothing would ever reclaim it, and it is in the way of later claims of the name."""
        site.server.objects.create(VOLUMES.path(), elsewhere)
        site.add_claim(ref())

        with pytest.raises(Requeue):
            site.serve()

        assert site.record() is None
        assert not (site.root / "team").exists()
        assert site.claims_controller.in_progress == set()

    @pytest.mark.parametrize(
        "there",
        [
            a_volume(ref("1", "other")),
            a_volume(ref(), server="other"),
            a_volume(ref(), export_id=ANOTHER_ID),
            a_volume(ref(), server="nas.example.com", annotated=False),
        ],
        ids=[
            "another claim",
            "unknown name of the server",
            "another export's id",
            "name that may be the server's",
        ],
    )
    def test_a_volume_that_may_have_the_directory_keeps_it(self, site: Site, there: Json) -> None:
        """Pods may use it, although the claim is refused."""
        site.server.objects.create(VOLUMES.path(), there)
        site.add_claim(ref())

        with pytest.raises(Requeue):
            site.serve()

        assert "exists, but for another claim" in site.only(FAILED).message
        assert (site.root / "team" / "data").is_dir()
        assert not site.export.is_unfinished("pvc-1")

    def test_a_volume_at_the_directory_of_an_earlier_attempt_keeps_that_one(
        self, site: Site
    ) -> None:
        """Its answer was lost, and the path changed before the next try."""
        lose_the_answer(site)
        site.add_claim(ref())
        with pytest.raises(kube.ServerUnavailable):
            site.serve()
        site.add_class(pathPattern="another")

        with pytest.raises(Requeue):
            site.serve()

        record = site.record()
        assert record is not None
        assert record.directory == "team/data"
        assert (site.root / "team" / "data").is_dir()
        assert not site.export.is_unfinished("pvc-1")


class TestVolumeRemovedByHand:
    """A claim was served, and before it is bound, somebody deletes its volume."""

    def test_its_directory_is_given_to_the_claim_again(self, site: Site) -> None:
        site.add_claim(ref())
        site.serve()
        site.drop()
        (site.root / "team" / "data" / "file").write_text("data")

        site.serve()

        assert site.volume() is not None
        assert (site.root / "team" / "data" / "file").exists()

    def test_its_directory_is_made_anew_if_it_is_gone_too(self, site: Site) -> None:
        """The claim failed with "No such file or directory" for ever."""
        site.add_claim(ref())
        site.serve()
        site.drop()
        shutil.rmtree(site.root / "team")

        site.serve()

        record = site.record()
        assert record is not None
        assert record.inode.number == (site.root / "team" / "data").stat().st_ino
        assert site.volume() is not None
        assert site.said(FAILED) == []

    def test_a_volume_that_only_the_cache_misses_gets_no_empty_directory(self, site: Site) -> None:
        site.add_claim(ref())
        site.serve()
        site.caches.volumes.apply("pvc-1", 10**9, None)
        (site.root / "team" / "data").rmdir()

        with pytest.raises(Requeue):
            site.serve()

        assert "is gone: move it back, or delete the claim" in site.only(FAILED).message
        assert not (site.root / "team" / "data").exists()

    def test_a_directory_that_a_late_call_moved_to_the_trash_is_not_replaced(
        self, site: Site
    ) -> None:
        """The next sweep moves it back."""
        site.add_claim(ref())
        site.serve()
        site.drop()
        trashed = site.root / ".holdfast" / "trash" / "pvc-1"
        (site.root / "team" / "data").rename(trashed)

        with pytest.raises(Requeue):
            site.serve()

        assert site.record() is not None
        assert trashed.exists()
        assert not (site.root / "team" / "data").exists()


class TestUnknownEnd:
    @pytest.mark.parametrize("error", UNKNOWN)
    def test_it_stays_in_progress(self, site: Site, error: ExportError) -> None:
        before(site.export, "confirm", once(failing(error)))
        site.add_claim(ref())

        with pytest.raises(type(error)):
            site.serve()

        assert site.claims_controller.in_progress == {"1"}
        assert site.only(FAILED).message == error.message
        assert (site.root / "team" / "data").is_dir()

    def test_the_next_try_finishes_it(self, site: Site) -> None:
        lose_the_answer(site)
        site.add_claim(ref())
        with pytest.raises(kube.ServerUnavailable):
            site.serve()

        site.serve()

        assert len(site.said("ProvisioningSucceeded")) == 1
        assert site.claims_controller.in_progress == set()
        assert not site.export.is_unfinished("pvc-1")

    def test_the_next_try_leaves_alone_what_pods_may_use_by_now(self, site: Site) -> None:
        """It gave the directory the mode of its class once more."""
        lose_the_answer(site)
        site.add_claim(ref())
        with pytest.raises(kube.ServerUnavailable):
            site.serve()
        (site.root / "team" / "data").chmod(0o700)

        site.serve()

        assert not site.export.is_unfinished("pvc-1")
        assert (site.root / "team" / "data").stat().st_mode & 0o7777 == 0o700

    def test_it_is_finished_though_the_volume_is_known_already(self, site: Site) -> None:
        """Its record still lies where those of half-made volumes do."""
        before(site.export, "confirm", once(failing(TimedOut("it hangs"))))
        site.add_claim(ref())
        with pytest.raises(TimedOut):
            site.serve()
        assert site.view.volumes.get("pvc-1") is not None

        site.serve()

        assert not site.export.is_unfinished("pvc-1")

    @pytest.mark.parametrize("again", [False, True], ids=["deleted", "made anew"])
    def test_it_is_finished_for_a_claim_that_is_gone(self, site: Site, *, again: bool) -> None:
        """So that its volume is released and reclaimed in the usual way."""
        lose_the_answer(site)
        site.add_claim(ref())
        with pytest.raises(kube.ServerUnavailable):
            site.serve()
        site.remove_claim(ref())
        if again:
            site.add_claim(ref("2"))
            with pytest.raises(Requeue):  # the directory is the first one's
                site.serve()
        else:
            site.serve()

        assert site.volume() is not None
        assert not site.export.is_unfinished("pvc-1")
        assert "1" not in site.claims_controller.in_progress

    def test_one_that_cannot_be_finished_does_not_hold_up_a_claim_made_anew(
        self, site: Site
    ) -> None:
        """The new claim waited without a word, though its directory is another one."""
        site.add_claim(ref())
        before(site.export, "confirm", once(failing(TimedOut("it hangs"))))
        with pytest.raises(TimedOut):
            site.serve()
        site.remove_claim(ref())
        site.add_class(pathPattern="another")
        site.add_claim(ref("2"))
        before(site.export, "is_unfinished", once(failing(Failed("the disk says no"))))

        with pytest.raises(Failed):
            site.serve()
        assert site.volume("2") is not None
        assert site.claims_controller.in_progress == {"1"}
        message = site.only("VolumeUnfinished").message
        assert "pvc-1 of an earlier claim of this name" in message
        assert "the disk says no" in message

        site.serve()
        assert site.claims_controller.in_progress == set()

    @pytest.mark.parametrize("step", ["_make_directory", "_record"])
    def test_one_that_has_no_record_yet_is_undone_when_its_claim_is_gone(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        """Its intent stayed, and refused every later claim of the path."""

        def hang(*_: object, **__: object) -> None:
            raise TimedOut("it hangs")

        with monkeypatch.context() as patch:
            patch.setattr(create, step, hang)
            site.add_claim(ref())
            with pytest.raises(TimedOut):
                site.serve()
        site.remove_claim(ref())
        site.add_claim(ref("2"))

        site.serve()

        assert site.volume("2") is not None
        assert site.claims_controller.in_progress == set()

    def test_it_is_left_to_another_replica_that_has_finished_it(self, site: Site) -> None:
        lose_the_answer(site)
        site.add_claim(ref())
        with pytest.raises(kube.ServerUnavailable):
            site.serve()
        site.export.confirm(site.grant, "pvc-1")
        site.remove_claim(ref())
        requests = len(site.server.requests)

        site.serve()

        assert site.claims_controller.in_progress == set()
        assert {request.verb for request in site.server.requests[requests:]} == {"get"}
        assert site.record() is not None

    def test_it_is_taken_back_when_its_claim_can_be_served_no_more(self, site: Site) -> None:
        before(site.export, "create", once(failing(TimedOut("it hangs"))))
        site.add_claim(ref())
        with pytest.raises(TimedOut):
            site.serve()
        site.add_class(unknown="parameter")

        site.serve()

        assert is_clean(site)

    def test_one_that_was_taken_back_though_its_volume_exists_is_confirmed(
        self, site: Site
    ) -> None:
        lose_the_answer(site)
        site.add_claim(ref())
        with pytest.raises(kube.ServerUnavailable):
            site.serve()
        site.add_class(unknown="parameter")

        site.serve()

        assert site.volume() is not None
        assert not site.export.is_unfinished("pvc-1")
        assert (site.root / "team" / "data").is_dir()

    def test_its_claim_is_queued_when_it_is_deleted_before_the_next_try(self, site: Site) -> None:
        site.add_claim(ref())
        site.view.claim_queue.get(0)
        site.view.claim_queue.retry("team/data")
        site.view.claim_queue.done("team/data")

        site.remove_claim(ref())

        assert site.queued()[0] == {"team/data"}


class TestFenced:
    """A fence that passes once and then raises leaves no volume made."""

    def test_nothing_is_made_by_one_that_does_not_lead(self, site: Site) -> None:
        site.add_claim(ref())
        site.leads = False

        with pytest.raises(LeadershipLost):
            site.serve()

        assert site.server.count("create") == 0
        assert not (site.root / "team").exists()

    def test_the_lease_lost_after_the_directory_leaves_no_volume(self, site: Site) -> None:
        site.set_up(replace(site.context, check_term=failing(LeadershipLost())))
        site.add_claim(ref())

        with pytest.raises(LeadershipLost):
            site.serve()

        assert site.volume() is None
        assert site.server.count("create") == 0
        assert site.said(FAILED) == []
        assert site.claims_controller.in_progress == set()  # who leads next finds what is half-made

    def test_a_later_term_leaves_the_attempt_to_the_takeover_and_says_nothing(
        self, site: Site
    ) -> None:
        before(site.export, "create", failing(Fenced("the term has ended")))
        site.add_claim(ref())

        with pytest.raises(Fenced):
            site.serve()

        assert site.said(FAILED) == []
        assert site.claims_controller.in_progress == set()
        assert site.volume() is None

    def test_the_work_of_an_ended_term_is_done_in_the_next(self, site: Site) -> None:
        def lose_and_lead() -> None:
            site.gate.close()
            site.lead()

        before(site.export, "create", once(lose_and_lead))
        site.add_claim(ref())
        with pytest.raises(Fenced):
            site.serve()

        site.serve()

        assert site.volume() is not None
