"""A claim is deleted while it is pending, when its volume is being made (design, rules 4, 5).

No pod has used the volume. A retained directory that it was to reuse stays retained, with its
data, though the class says `delete`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from holdfast.controller.requeue import Requeue
from holdfast.exports.errors import TimedOut
from holdfast.exports.record import State
from holdfast.kube import errors as kube
from holdfast.kube.resources import CLAIMS, Json
from tests.fake.apiserver import NO_ANSWER, Request
from tests.unit.controller.given import a_volume, directory_spec, ref
from tests.unit.controller.site import Site, before, failing, once

# Volumes and claims have workers of their own: which is first is left to chance.
EITHER_FIRST = pytest.mark.parametrize("order", ["claim first", "volume first"])


@pytest.fixture(autouse=True)
def retained(site: Site) -> None:
    """A directory with data, whose volume was set to Retain and is gone."""
    site.made_on_export(ref("9"))
    site.export.update_record(site.grant, "pvc-9", ref("9"), "1Gi", "Retain")
    (site.root / "team" / "data" / "file").write_text("precious")


def is_retained(site: Site) -> bool:
    """Whether the data and its record are as before, and nothing is in progress."""
    return (
        (site.root / "team" / "data" / "file").exists()
        and site.record("9") is not None
        and site.record() is None
        and site.claims_controller.in_progress == set()
    )


def make(site: Site) -> Callable[[Request], object]:
    return lambda request: site.server.objects.create(request.path, request.body)


def ask(site: Site, *, is_made: bool) -> Json:
    """The API server does not answer the request for volume pvc-1, which is returned."""
    site.add_claim(ref())
    if is_made:
        site.server.meanwhile("create", make(site))
    site.server.fail("create", NO_ANSWER)
    with pytest.raises(kube.ServerUnavailable):
        site.serve()
    body: Json = next(one.body for one in site.server.requests if one.verb == "create")
    return body


def work(site: Site, order: str) -> None:
    """Both controllers take their turn."""
    turns = [site.serve, site.look_after]
    for turn in turns if order == "claim first" else reversed(turns):
        turn()


def test_one_whose_volume_was_not_made_is_undone(site: Site) -> None:
    ask(site, is_made=False)
    site.remove_claim(ref())

    site.serve()

    assert is_retained(site)
    assert site.server.count("create") == 1


def test_one_whose_directory_took_too_long_is_undone(site: Site) -> None:
    site.add_claim(ref())
    create = site.export.create

    def create_late(*given: object) -> None:
        create(*given)  # type: ignore[arg-type] # handed on as they are
        raise TimedOut("it hangs")

    site.export.create = create_late  # type: ignore[method-assign,assignment]
    with pytest.raises(TimedOut):
        site.serve()
    site.remove_claim(ref())

    site.serve()

    assert is_retained(site)
    assert site.server.count("create") == 0


@EITHER_FIRST
def test_nobody_is_told_that_the_retained_directory_is_gone(site: Site, order: str) -> None:
    site.add_claim(ref())
    with pytest.raises(Requeue):
        site.serve()
    site.remove_claim(ref())
    site.release()

    work(site, order)

    assert site.volume() is None
    assert is_retained(site)
    assert site.said("DirectoryMissing") == []


@EITHER_FIRST
def test_a_late_request_for_one_that_was_undone_deletes_no_data(site: Site, order: str) -> None:
    body = ask(site, is_made=False)
    site.remove_claim(ref())
    site.serve()
    site.add_volume(body)
    site.release()

    work(site, order)

    assert site.volume() is None
    assert is_retained(site)


@EITHER_FIRST
@pytest.mark.parametrize("action", ["delete", "archive", "retain"])
def test_one_whose_volume_was_made_and_only_the_answer_lost_deletes_no_data(
    site: Site, order: str, action: str
) -> None:
    site.add_class(onDelete=action)
    ask(site, is_made=True)
    site.remove_claim(ref())
    site.see()
    site.release()

    work(site, order)

    assert site.volume() is None
    assert is_retained(site)


@EITHER_FIRST
def test_one_whose_volume_was_made_before_its_claim_was_bound_deletes_no_data(
    site: Site, order: str
) -> None:
    """Nothing has failed: a person was faster than the controller manager."""
    site.add_claim(ref())
    with pytest.raises(Requeue):
        site.serve()
    site.remove_claim(ref())
    site.release()

    work(site, order)

    assert site.volume() is None
    assert is_retained(site)


@EITHER_FIRST
def test_one_that_an_earlier_process_left_deletes_no_data(site: Site, order: str) -> None:
    site.export.create(site.grant, directory_spec(ref()), ("pvc-9",))
    site.add_volume(a_volume(ref(), phase="Released"))
    site.lead()

    work(site, order)

    assert site.volume() is None
    assert is_retained(site)


def test_one_whose_claim_a_person_bound_to_another_volume_deletes_no_data(site: Site) -> None:
    ask(site, is_made=False)
    another = {"spec": {"volumeName": "another"}}
    site.server.objects.patch(CLAIMS.path("team", "data"), another)
    site.remove_claim(ref())  # as the cache sees it, which has only pending ones

    site.serve()

    assert is_retained(site)
    assert site.volume() is None


class TestBound:
    """From then on, the class says what becomes of the data."""

    def is_confirmed(self, site: Site) -> bool:
        return not site.export.is_unfinished("pvc-1") and site.record("9") is None

    def test_its_data_is_deleted_with_it(self, site: Site) -> None:
        site.add_class(onDelete="delete")
        site.add_claim(ref())
        with pytest.raises(Requeue):
            site.serve()
        site.bind_claim(ref())
        site.serve()
        assert self.is_confirmed(site)
        site.release()

        site.look_after()

        record = site.record()
        assert record is not None
        assert record.state is State.TRASHED
        assert site.volume() is None

    def test_one_that_an_earlier_process_left_pending_is_confirmed_then(self, site: Site) -> None:
        site.export.create(site.grant, directory_spec(ref()), ("pvc-9",))
        site.add_volume(a_volume(ref(), phase="Pending"))
        site.add_claim(ref())
        site.lead()
        with pytest.raises(Requeue):
            site.serve()
        assert site.export.is_unfinished("pvc-1")
        site.bind_claim(ref())

        site.serve()

        assert self.is_confirmed(site)

    def test_one_that_is_refused_before_is_not_undone(self, site: Site) -> None:
        """Its volume exists, and will be bound."""
        site.add_claim(ref())
        with pytest.raises(Requeue):
            site.serve()
        site.add_class(unknown="parameter")
        with pytest.raises(Requeue):
            site.serve()
        assert site.export.is_unfinished("pvc-1")
        site.bind_claim(ref())

        site.serve()

        assert self.is_confirmed(site)

    def test_a_late_one_whose_attempt_was_undone_is_confirmed_then(self, site: Site) -> None:
        body = ask(site, is_made=False)
        site.add_class(unknown="parameter")
        site.serve()
        assert is_retained(site)
        site.add_volume(body)
        with pytest.raises(Requeue):
            site.serve()
        assert site.export.is_unfinished("pvc-1")
        site.bind_claim(ref())

        site.serve()

        assert self.is_confirmed(site)

    def test_a_late_one_whose_claim_is_deleted_before_keeps_nothing(self, site: Site) -> None:
        body = ask(site, is_made=False)
        site.add_class(unknown="parameter")
        site.serve()
        site.add_volume(body)
        with pytest.raises(Requeue):
            site.serve()
        site.remove_claim(ref())

        site.serve()

        assert is_retained(site)
        assert site.view.late.of("team/data") == []

    def test_one_that_is_confirmed_while_its_volume_is_reclaimed_is_reclaimed_by_its_class(
        self, site: Site
    ) -> None:
        site.add_class(onDelete="delete")
        site.add_claim(ref())
        with pytest.raises(Requeue):
            site.serve()
        site.release()
        before(site.export, "undo", once(lambda: site.export.confirm(site.grant, "pvc-1")))

        with pytest.raises(Requeue):
            site.look_after()
        site.look_after()

        record = site.record()
        assert record is not None
        assert record.state is State.TRASHED


def test_one_that_cannot_be_undone_is_told_of_and_tried_again(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    ask(site, is_made=False)
    site.remove_claim(ref())
    before(site.export, "undo", once(failing(TimedOut("it hangs"))))

    with pytest.raises(TimedOut):
        site.serve()
    assert "unfinished volume neither confirmed nor undone" in caplog.text

    site.serve()
    assert is_retained(site)


class TestNewDirectory:
    """One that reuses nothing is undone too: made later, it would only be reclaimed."""

    @pytest.fixture(autouse=True)
    def elsewhere(self, site: Site) -> None:
        site.add_class(pathPattern="new", onDelete="delete")

    def test_its_directory_is_removed_if_its_volume_was_not_made(self, site: Site) -> None:
        ask(site, is_made=False)
        site.remove_claim(ref())

        site.serve()

        assert not (site.root / "new").exists()
        assert site.server.count("create") == 1
        assert is_retained(site)

    def test_it_is_reclaimed_by_its_class_if_its_volume_was_made(self, site: Site) -> None:
        """Its claim may have been bound meanwhile, and pods have used it."""
        ask(site, is_made=True)
        (site.root / "new" / "file").write_text("used")
        site.remove_claim(ref())
        site.see()
        site.release()

        work(site, "claim first")

        assert site.volume() is None
        assert not (site.root / "new").exists()
        assert (site.root / ".holdfast" / "trash" / "pvc-1" / "file").exists()
