"""What an earlier process left is confirmed or undone in its claim's turn (design, rule 4)."""

from __future__ import annotations

import pytest

from holdfast.claims.constants import BIND_COMPLETED
from holdfast.controller.requeue import Requeue
from holdfast.exports.errors import ExportUnavailable, Failed, TimedOut
from holdfast.exports.interface import Grant
from holdfast.kube import errors as kube
from holdfast.kube.resources import CLAIMS, VOLUMES, Json
from tests.fake.apiserver import NO_ANSWER, Fault
from tests.unit.controller.given import ANOTHER_ID, a_claim, a_volume, directory_spec, ref
from tests.unit.controller.site import Site, before, failing, once


def is_clean(site: Site) -> bool:
    """Whether nothing is left of volume pvc-1."""
    return site.record() is None and not (site.root / "team").exists()


def leave_unfinished(site: Site, uid: str = "1") -> None:
    site.export.create(site.grant, directory_spec(ref(uid)))


def test_one_whose_volume_exists_is_confirmed(site: Site) -> None:
    leave_unfinished(site)
    site.server.objects.create(VOLUMES.path(), a_volume(ref()))
    assert [record.volume for record in site.lead()] == ["pvc-1"]
    assert site.queued()[0] == {"team/data"}

    site.serve()

    assert not site.export.is_unfinished("pvc-1")
    assert (site.root / "team" / "data").is_dir()


def test_one_whose_claim_is_gone_is_undone(site: Site) -> None:
    leave_unfinished(site)
    site.lead()

    site.serve()

    assert is_clean(site)


def test_one_whose_claim_was_made_anew_is_undone_and_the_new_one_served(site: Site) -> None:
    leave_unfinished(site)
    site.add_claim(ref("2"))
    site.lead()

    site.serve()

    assert site.record() is None
    assert site.volume("2") is not None


def test_one_whose_claim_has_another_volume_is_undone(site: Site) -> None:
    leave_unfinished(site)
    site.server.objects.create(
        CLAIMS.path("team"),
        a_claim(ref(), volumeName="another"),
    )
    site.lead()

    site.serve()

    assert is_clean(site)


def test_one_whose_claim_is_pending_is_finished(site: Site) -> None:
    leave_unfinished(site)
    site.add_claim(ref())
    site.lead()

    site.serve()

    assert site.volume() is not None
    assert not site.export.is_unfinished("pvc-1")


def test_one_whose_claim_is_pending_is_not_undone_before_the_cache_has_seen_it(site: Site) -> None:
    leave_unfinished(site)
    site.server.objects.create(CLAIMS.path("team"), a_claim(ref()))
    site.lead()

    site.serve()

    assert site.export.is_unfinished("pvc-1")


def test_nothing_is_undone_while_the_api_server_does_not_answer(site: Site) -> None:
    """Whether the volume exists is not known: it is undone once that is."""
    leave_unfinished(site)
    site.lead()
    site.server.fail("get", NO_ANSWER)
    with pytest.raises(kube.ServerUnavailable):
        site.serve()
    assert (site.root / "team" / "data").is_dir()

    site.serve()

    assert is_clean(site)


def test_two_of_one_claim_s_name_are_both_undone(site: Site) -> None:
    leave_unfinished(site)
    site.export.create(site.grant, directory_spec(ref("2"), "team/other"))
    assert len(site.lead()) == 2

    site.serve()

    assert site.record("1") is None
    assert site.record("2") is None


def test_what_an_earlier_term_found_is_forgotten_with_the_next(site: Site) -> None:
    leave_unfinished(site)
    site.lead()
    site.export.undo(site.grant, "pvc-1")

    site.lead()

    assert site.queued()[0] == {"team/data"}  # from the first time
    site.serve()
    assert site.server.count("get") == 0


def test_one_whose_claim_can_be_served_no_more_is_undone(site: Site) -> None:
    """Its class was edited while nobody led."""
    leave_unfinished(site)
    site.add_claim(ref())
    site.add_class(unknown="parameter")
    site.lead()

    site.serve()

    assert "unknown" in site.only("ProvisioningFailed").message
    assert is_clean(site)


def test_one_whose_claim_is_deleted_before_it_is_served_is_undone(site: Site) -> None:
    """Also where the claim was pending when it was looked at first."""
    leave_unfinished(site)
    site.server.objects.create(CLAIMS.path("team"), a_claim(ref()))
    site.lead()
    site.serve()
    site.remove_claim(ref(), seen=False)

    site.serve()

    assert is_clean(site)


def test_one_whose_undoing_fails_is_undone_at_the_next_attempt(site: Site) -> None:
    """It was forgotten, and stayed on the export until the next term."""
    leave_unfinished(site)
    site.add_claim(ref())
    site.lead()
    site.add_class(unknown="parameter")
    before(site.export, "undo", once(failing(TimedOut("it hangs"))))

    with pytest.raises(TimedOut):
        site.serve()
    site.serve()

    assert is_clean(site)


def test_one_whose_volume_a_late_request_makes_between_two_looks_is_confirmed(site: Site) -> None:
    """The former leader's request arrives after the first look, and the claim is bound at once."""
    leave_unfinished(site)
    site.server.objects.create(CLAIMS.path("team"), a_claim(ref()))
    site.lead()

    def arrive(_: object) -> None:
        site.server.objects.create(VOLUMES.path(), a_volume(ref()))
        bound = {"spec": {"volumeName": "pvc-1"}}
        site.server.objects.patch(CLAIMS.path("team", "data"), bound)

    site.server.meanwhile("get", lambda _: None)
    site.server.meanwhile("get", arrive)

    site.serve()

    assert not site.export.is_unfinished("pvc-1")
    assert (site.root / "team" / "data").is_dir()


def test_one_whose_claim_is_bound_to_its_volume_is_confirmed_though_that_is_gone(
    site: Site,
) -> None:
    """Pods may have used it before somebody deleted the volume."""
    leave_unfinished(site)
    claim = a_claim(ref(), volumeName="pvc-1")
    claim["metadata"]["annotations"][BIND_COMPLETED] = "yes"
    site.server.objects.create(CLAIMS.path("team"), claim)
    site.lead()

    site.serve()

    assert not site.export.is_unfinished("pvc-1")
    assert (site.root / "team" / "data").is_dir()


@pytest.mark.parametrize(
    "elsewhere",
    [a_volume(ref(), "elsewhere"), a_volume(ref(), server="ssd", export_id=ANOTHER_ID)],
    ids=["another directory", "another export"],
)
@pytest.mark.parametrize("bound", [False, True])
def test_one_whose_claim_has_its_volume_elsewhere_is_undone(
    site: Site, elsewhere: Json, *, bound: bool
) -> None:
    """The default moved to another export while this one's server was lost."""
    leave_unfinished(site)
    name = {"volumeName": "pvc-1"} if bound else {}
    site.server.objects.create(CLAIMS.path("team"), a_claim(ref(), **name))
    site.server.objects.create(VOLUMES.path(), elsewhere)
    site.lead()

    site.serve()

    assert is_clean(site)


def test_one_that_its_claim_does_not_get_leaves_the_retained_directory_that_it_reused(
    site: Site,
) -> None:
    site.made_on_export(ref("9"))
    (site.root / "team" / "data" / "file").write_text("data")
    site.export.create(site.grant, directory_spec(ref()), ("pvc-9",))
    site.server.objects.create(CLAIMS.path("team"), a_claim(ref(), volumeName="pvc-1"))
    site.server.objects.create(VOLUMES.path(), a_volume(ref(), server="ssd", export_id=ANOTHER_ID))
    site.lead()

    site.serve()

    assert site.record() is None
    assert site.record("9") is not None
    assert (site.root / "team" / "data" / "file").exists()


def test_one_whose_volume_was_handed_to_another_claim_is_confirmed(site: Site) -> None:
    """While the export was lost; an empty directory would be removed beneath the pods."""
    leave_unfinished(site)
    site.server.objects.create(VOLUMES.path(), a_volume(ref("1", "other")))
    site.lead()

    site.serve()

    assert not site.export.is_unfinished("pvc-1")
    assert (site.root / "team" / "data").is_dir()


class TestTrouble:
    """One that cannot be undone does not keep the claim of its name unserved (rules 6, 7)."""

    @pytest.fixture(autouse=True)
    def broken(self, site: Site) -> None:
        site.export.create(site.grant, directory_spec(ref("old"), "elsewhere"))
        site.lead()
        self.fail(site, "the disk says no")

    def fail(self, site: Site, message: str) -> None:
        undo = type(site.export).undo

        def fail(grant: Grant, volume: str) -> None:
            if volume == "pvc-old":
                raise Failed(message)
            undo(site.export, grant, volume)

        site.export.undo = fail  # type: ignore[method-assign]

    def test_the_claim_is_served_and_the_undoing_tried_again(self, site: Site) -> None:
        site.add_claim(ref())

        with pytest.raises(Failed):
            site.serve()

        assert site.volume() is not None
        assert site.export.is_unfinished("pvc-old")

    def test_it_is_said_once_for_each_reason(self, site: Site) -> None:
        site.add_claim(ref())
        for _ in range(2):
            with pytest.raises(Failed):
                site.serve()
        assert "pvc-old" in site.only("VolumeUnfinished").message
        assert "the disk says no" in site.only("VolumeUnfinished").message

        self.fail(site, "and no again")
        with pytest.raises(Failed):
            site.serve()

        assert "and no again" in site.said("VolumeUnfinished")[1].message

    def test_it_is_logged_where_no_claim_has_its_name(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        with pytest.raises(Failed):
            site.serve()

        assert site.said() == []
        assert "unfinished volume neither confirmed nor undone" in caplog.text

    def test_a_claim_that_is_made_later_is_told_so_too(self, site: Site) -> None:
        """Nobody was told, as nobody had the name when it was noticed first."""
        site.add_class(unknown="parameter")
        for uid in "12":
            with pytest.raises(Failed):
                site.serve()
            site.add_claim(ref(uid))
            with pytest.raises(Failed):
                site.serve()
            assert "of an earlier claim of this name" in site.only("VolumeUnfinished").message
            site.remove_claim(ref(uid))
            site.broadcaster._queue.clear()

    def test_its_own_claim_is_not_told_of_an_earlier_one(self, site: Site) -> None:
        site.server.fail("get", Fault(403, "Forbidden"))
        site.add_claim(ref("old"))

        with pytest.raises(kube.Forbidden):
            site.serve()

        message = site.only("VolumeUnfinished").message
        assert message == "volume pvc-old was left unfinished: fault 403"

    def test_a_claim_of_the_same_directory_is_told_who_has_it(self, site: Site) -> None:
        site.add_class(pathPattern="elsewhere")
        site.add_claim(ref())

        with pytest.raises(Requeue):
            site.serve()

        message = site.only("ProvisioningFailed").message
        assert "being created for volume pvc-old of an earlier claim of this name" in message
        assert "see the other events of this claim" in message
        assert "the disk says no" in site.only("VolumeUnfinished").message

    def test_it_is_not_undone_because_the_claim_of_its_name_is_refused(self, site: Site) -> None:
        """Its own volume may exist."""
        site.server.objects.create(VOLUMES.path(), a_volume(ref("old"), "elsewhere"))
        site.server.fail("get", Fault(403, "Forbidden"))
        site.add_class(unknown="parameter")
        site.add_claim(ref())

        with pytest.raises(kube.Forbidden):
            site.serve()

        assert (site.root / "elsewhere").is_dir()
        assert site.export.is_unfinished("pvc-old")


def test_a_fault_of_the_whole_export_ends_the_turn(site: Site) -> None:
    leave_unfinished(site)
    site.lead()
    site.add_claim(ref("2"))
    before(site.export, "undo", failing(ExportUnavailable("no answer")))

    with pytest.raises(ExportUnavailable):
        site.serve()

    assert site.said() == []
    assert site.server.count("create") == 0
