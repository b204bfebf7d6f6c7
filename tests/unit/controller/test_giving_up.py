"""The directory of a volume that exists is never undone (design, rules 3 and 4).

A claim that is refused is given up, with what earlier attempts for it left. The API server is asked
for the volume then, whatever an earlier look said or failed to say.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from holdfast.claims.build_volume import Address
from holdfast.claims.constants import DIRECTORY, EXPORT
from holdfast.claims.decide import Provisioner
from holdfast.controller.export_view import ExportView
from holdfast.controller.requeue import Requeue
from holdfast.exports.errors import ExportError, Failed, TimedOut
from holdfast.exports.record import State
from holdfast.kube import errors as kube
from holdfast.kube.resources import VOLUMES, Json
from tests.fake.apiserver import Fault
from tests.unit.controller.given import ANOTHER_ID, NAME, a_volume, directory_spec, ref
from tests.unit.controller.site import Site, before, failing, once

ERRORS = [Failed("the disk says no"), TimedOut("it hangs")]


def is_confirmed(site: Site) -> bool:
    record = site.record()
    is_live = record is not None and record.state is State.LIVE
    return is_live and not site.export.is_unfinished("pvc-1") and _directory_exists(site)


def _directory_exists(site: Site) -> bool:
    return (site.root / "team" / "data").is_dir()


def name_an_unknown_parameter(site: Site) -> None:
    site.add_class(unknown="parameter")


def name_another_export(site: Site) -> None:
    ExportView(site.caches, Provisioner(NAME), Address("ssd", "/srv"), "other")
    site.add_class(export="other")


REFUSALS = pytest.mark.parametrize("refuse", [name_an_unknown_parameter, name_another_export])


class TestOfAFormerLeader:
    """What a former leader left: the volume exists, and its record is not confirmed yet."""

    @pytest.fixture(autouse=True)
    def left(self, site: Site) -> None:
        site.export.create(site.grant, directory_spec(ref()))
        site.add_claim(ref())  # which is bound already, but not in the cache
        site.add_volume(a_volume(ref()))
        site.lead()

    @REFUSALS
    @pytest.mark.parametrize("error", ERRORS)
    def test_it_is_kept_though_its_confirmation_failed(
        self, site: Site, refuse: Callable[[Site], None], error: ExportError
    ) -> None:
        """An empty directory was removed, with its record."""
        refuse(site)
        before(site.export, "confirm", once(failing(error)))

        with pytest.raises(type(error)):
            site.serve()

        assert is_confirmed(site)

    @REFUSALS
    def test_it_is_kept_though_the_api_server_gave_no_answer_once(
        self, site: Site, refuse: Callable[[Site], None]
    ) -> None:
        refuse(site)
        site.server.fail("get", Fault(403, "Forbidden"))

        with pytest.raises(kube.Forbidden):
            site.serve()

        assert is_confirmed(site)

    @REFUSALS
    def test_nothing_is_undone_while_the_api_server_may_not_be_asked(
        self, site: Site, refuse: Callable[[Site], None]
    ) -> None:
        refuse(site)
        site.server.fail("get", Fault(403, "Forbidden"), times=9)

        with pytest.raises(kube.Forbidden):
            site.serve()

        assert _directory_exists(site)
        assert site.export.is_unfinished("pvc-1")

    def test_one_whose_record_was_undone_gets_it_again(self, site: Site) -> None:
        name_an_unknown_parameter(site)
        site.export.undo(site.grant, "pvc-1")

        site.serve()

        assert is_confirmed(site)

    def test_one_with_data_is_reclaimed_in_the_end(self, site: Site) -> None:
        """Its record became that of a retained directory, which is never reclaimed."""
        (site.root / "team" / "data" / "file").write_text("data")
        name_an_unknown_parameter(site)
        before(site.export, "confirm", once(failing(Failed("the disk says no"))))
        with pytest.raises(Failed):
            site.serve()
        site.release()

        site.look_after()

        record = site.record()
        assert record is not None
        assert record.state is State.TRASHED
        assert site.volume() is None


class TestNotMadeHere:
    """What a former leader left, where its volume does not exist, or not here."""

    @pytest.fixture(autouse=True)
    def left(self, site: Site) -> None:
        site.export.create(site.grant, directory_spec(ref()))
        site.add_claim(ref())

    def test_one_whose_volume_is_on_another_export_is_undone(self, site: Site) -> None:
        site.add_volume(a_volume(ref(), server="ssd", export_id=ANOTHER_ID))
        site.lead()
        name_another_export(site)

        site.serve()

        assert site.record() is None
        assert not _directory_exists(site)

    def test_one_that_is_made_after_all_is_not_forgotten(self, site: Site) -> None:
        """Also where the first look at its claim failed, which remembers a late request."""
        site.lead()
        name_an_unknown_parameter(site)
        site.server.fail("get", Fault(403, "Forbidden"))
        with pytest.raises(kube.Forbidden):
            site.serve()
        assert site.record() is None

        site.add_volume(a_volume(ref()))
        site.serve()

        assert is_confirmed(site)

    def test_one_whose_undoing_took_effect_late_is_made_again(self, site: Site) -> None:
        """A record that is gone cannot be confirmed: the volume was left without a word."""
        site.lead()
        name_an_unknown_parameter(site)
        before(site.export, "undo", once(failing(TimedOut("it hangs"))))
        with pytest.raises(TimedOut):
            site.serve()
        site.export.undo(site.grant, "pvc-1")
        site.add_volume(a_volume(ref()))

        site.serve()

        assert is_confirmed(site)


class TestServedAgain:
    """The cache does not know the volume yet, and the first look failed: the claim is served."""

    @pytest.fixture(autouse=True)
    def left(self, site: Site) -> None:
        site.export.create(site.grant, directory_spec(ref()))
        site.add_claim(ref())
        site.server.objects.create(VOLUMES.path(), a_volume(ref()))
        site.lead()
        before(site.export, "confirm", once(failing(Failed("the disk says no"))))

    def test_its_directory_is_not_given_the_mode_of_the_class(self, site: Site) -> None:
        (site.root / "team" / "data").chmod(0o700)

        with pytest.raises(Failed):
            site.serve()

        assert is_confirmed(site)
        assert (site.root / "team" / "data").stat().st_mode & 0o7777 == 0o700

    def test_its_directory_is_not_exchanged_for_that_of_an_edited_class(self, site: Site) -> None:
        """The first one was undone without a look."""
        site.add_class(pathPattern="another")

        with pytest.raises(Requeue):
            site.serve()

        assert is_confirmed(site)
        assert not (site.root / "another").exists()


class TestHandedOver:
    """An attempt whose volume has another claim by now: a populator gave it away."""

    def hand_over(self, site: Site, change: Json) -> None:
        site.add_claim(ref())
        before(site.export, "confirm", once(failing(TimedOut("it hangs"))))
        with pytest.raises(TimedOut):
            site.serve()
        site.edit("1", {"spec": {"claimRef": {"namespace": "team", "name": "b", "uid": "b"}}})
        site.edit("1", change)

    @pytest.mark.parametrize(
        "change",
        [
            {},
            {"spec": {"nfs": {"server": "alias"}}},
            {"metadata": {"annotations": {EXPORT: ANOTHER_ID}}},
        ],
        ids=["as it was made", "under another name of the server", "with another export's id"],
    )
    def test_its_directory_is_kept(self, site: Site, change: Json) -> None:
        self.hand_over(site, change)

        with pytest.raises(Requeue):
            site.serve()

        assert is_confirmed(site)

    @pytest.mark.parametrize(
        "change",
        [
            {
                "metadata": {"annotations": {EXPORT: ANOTHER_ID}},
                "spec": {"nfs": {"server": "ssd"}},
            },
            {
                "metadata": {"annotations": {DIRECTORY: "b"}},
                "spec": {"nfs": {"path": "/srv/b"}},
            },
        ],
        ids=["another export", "another directory"],
    )
    def test_a_volume_elsewhere_does_not_keep_it(self, site: Site, change: Json) -> None:
        self.hand_over(site, change)

        with pytest.raises(Requeue):
            site.serve()

        assert site.record() is None
        assert not _directory_exists(site)


def test_an_attempt_without_a_record_whose_volume_exists_is_made_again(site: Site) -> None:
    """Another leader undid it: it was forgotten, and its volume was left without a directory."""
    site.add_claim(ref())
    before(site.export, "confirm", once(failing(TimedOut("it hangs"))))
    with pytest.raises(TimedOut):
        site.serve()
    site.export.undo(site.grant, "pvc-1")
    site.remove_claim(ref())

    with pytest.raises(Requeue):
        site.serve()

    assert is_confirmed(site)
