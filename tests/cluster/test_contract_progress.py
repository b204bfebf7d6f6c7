"""The contract of a provisioner: an attempt whose end is not known stays in progress.

The cases are those by which sig-storage-lib-external-provisioner tests its controller. An
*error* is final when the export or the API server said no, provisional when they said nothing,
and changed nothing when this replica was not allowed to begin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from holdfast.claims.constants import SELECTED_NODE, STORAGE_PROVISIONER
from holdfast.claims.decide import Plan
from holdfast.controller.requeue import LeadershipLost, Requeue
from holdfast.exports.errors import ExportUnavailable, Failed
from holdfast.exports.interface import Grant, Term
from holdfast.kube import errors as kube
from tests.cluster.faults import losing_answers, refuse_volumes, silent_about_volumes
from tests.cluster.objects import annotations_of
from tests.cluster.site import Site
from tests.support import eventually

Fault = Callable[[Callable[..., Any]], Callable[..., Any]]


class Hands:
    """The handler of claims with all it needs, and a test instead of a worker that calls it."""

    def __init__(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        self._site = site
        self._monkeypatch = monkeypatch
        self._running = site.stand_by()
        self._manager = self._running.manager
        self._manager.exports["default"].export_client.probe()
        self._manager.caches.start()
        eventually(lambda: self._manager.caches.synced)
        self._term = self._take_over()

    def _take_over(self) -> Term:
        """Begins a term, as `LeaderTasks` does, of which no thread runs, nor one of the workers."""
        export = self._manager.exports["default"]
        export.leader_tasks._take_over()
        assert export.gate.term is not None
        return export.gate.term

    def stop(self) -> None:
        self._manager.caches.stop()

    @property
    def in_progress(self) -> set[str]:
        return self._running.claims_controller.in_progress

    def provision(self, claim: str) -> None:
        """One attempt, once the claim and its class are seen."""
        key = f"{self._site.namespace}/{claim}"
        eventually(lambda: self._manager.caches.synced)
        if found := self._site.find_claim(claim):
            self._site.assigned(claim)
            eventually(lambda: self._manager.caches.claims.get(key))
            name = found["spec"]["storageClassName"]
            eventually(lambda: self._manager.caches.classes.get(name))
        else:
            eventually(lambda: self._manager.caches.claims.get(key) is None)
        with self._manager.exports["default"].gate.within(self._term):
            self._running.claims_controller(key)

    def fail(self, error: Exception, operation: str = "create") -> None:
        """From now on the export answers this operation so."""

        def answer(*_: object) -> None:
            raise error

        self._monkeypatch.setattr(self._running.export, operation, answer)

    def mend(self) -> None:
        self._monkeypatch.undo()

    def fence_off(self) -> None:
        """From now on another replica may lead."""

        def refuse(_: float) -> Grant:
            raise LeadershipLost

        self._monkeypatch.setattr(self._manager.exports["default"].export_client, "_grant", refuse)

    def carry_out(self, begun: Plan) -> None:
        """An attempt at what was begun, whatever became of its claim."""
        with self._manager.exports["default"].gate.within(self._term):
            self._running.claims_controller._carry_out(begun)


@pytest.fixture
def hands(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hands]:
    made = Hands(site, monkeypatch)
    yield made
    made.stop()


def make_claim(site: Site) -> tuple[str, str]:
    """A claim that is to be provisioned; its name and uid."""
    claim = site.claim(site.make_class())
    return claim, site.assigned(claim)


PROVISIONAL = ExportUnavailable("the export does not answer")
FINAL = Failed("the export says no")


class TestTheSet:
    def test_final_error_does_not_mark_the_claim_as_in_progress(
        self, site: Site, hands: Hands
    ) -> None:
        claim, _ = make_claim(site)
        hands.fail(FINAL)

        with pytest.raises(Requeue):
            hands.provision(claim)

        assert hands.in_progress == set()

    def test_provisional_error_marks_the_claim_as_in_progress(
        self, site: Site, hands: Hands
    ) -> None:
        claim, uid = make_claim(site)
        hands.fail(PROVISIONAL)

        with pytest.raises(ExportUnavailable):
            hands.provision(claim)

        assert hands.in_progress == {uid}

    def test_no_change_does_not_mark_the_claim_as_in_progress(
        self, site: Site, hands: Hands
    ) -> None:
        claim, _ = make_claim(site)
        hands.fence_off()

        with pytest.raises(LeadershipLost):
            hands.provision(claim)

        assert hands.in_progress == set()

    def test_final_error_removes_the_claim_from_those_in_progress(
        self, site: Site, hands: Hands
    ) -> None:
        claim, _ = make_claim(site)
        hands.fail(PROVISIONAL)
        with pytest.raises(ExportUnavailable):
            hands.provision(claim)
        hands.fail(FINAL)

        with pytest.raises(Requeue):
            hands.provision(claim)

        assert hands.in_progress == set()

    def test_provisional_error_does_not_remove_the_claim_from_those_in_progress(
        self, site: Site, hands: Hands
    ) -> None:
        claim, uid = make_claim(site)
        hands.fail(PROVISIONAL)
        for _ in range(2):
            with pytest.raises(ExportUnavailable):
                hands.provision(claim)

        assert hands.in_progress == {uid}

    def test_no_change_does_not_remove_the_claim_from_those_in_progress(
        self, site: Site, hands: Hands
    ) -> None:
        claim, uid = make_claim(site)
        hands.fail(PROVISIONAL)
        with pytest.raises(ExportUnavailable):
            hands.provision(claim)
        hands.fence_off()

        with pytest.raises(LeadershipLost):
            hands.provision(claim)

        assert hands.in_progress == {uid}

    def test_a_refusal_after_a_provisional_error_undoes_what_was_begun(
        self, site: Site, hands: Hands, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its class was replaced meanwhile by one that cannot serve it."""
        claim, uid = make_claim(site)
        api = hands._running.api
        monkeypatch.setattr(api, "create", silent_about_volumes(api.create))
        with pytest.raises(kube.ServerUnavailable):
            hands.provision(claim)
        assert (hands.in_progress, len(site.tree())) == ({uid}, 1)
        hands.mend()
        site.delete_class(f"{site.namespace}-nfs")
        site.make_class(parameters={"onDelet": "delete"})
        classes = hands._manager.caches.classes
        eventually(lambda: (found := classes.get(f"{site.namespace}-nfs")) and found.parameters)

        hands.provision(claim)

        assert (hands.in_progress, site.tree()) == (set(), set())

    def test_a_volume_that_was_made_while_the_answer_was_lost_is_not_made_again(
        self, site: Site, hands: Hands, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Pods may use its directory by now."""
        claim, uid = make_claim(site)
        api = hands._running.api
        monkeypatch.setattr(api, "create", losing_answers(api.create))
        with pytest.raises(kube.ServerUnavailable):
            hands.provision(claim)
        hands.mend()
        volume = site.get_volume(f"pvc-{uid}")
        hands.fail(FINAL)

        (begun,) = hands._running.claims_controller._in_progress.all()

        hands.carry_out(begun)

        assert site.directory(volume).is_dir()
        assert (site.root / ".holdfast" / "volumes" / f"pvc-{uid}").exists()
        assert hands.in_progress == set()

    def test_an_attempt_that_cannot_be_undone_for_now_stays_in_progress(
        self, site: Site, hands: Hands, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else nobody would remember the directory once its claim is deleted."""
        claim, uid = make_claim(site)
        monkeypatch.setattr(hands._running.api, "create", refuse_volumes)
        hands.fail(PROVISIONAL, "undo")

        with pytest.raises(ExportUnavailable):
            hands.provision(claim)

        assert hands.in_progress == {uid}

    @pytest.mark.parametrize("fault", [silent_about_volumes, losing_answers])
    def test_claims_in_progress_are_used_for_deleted_claims(
        self, site: Site, hands: Hands, monkeypatch: pytest.MonkeyPatch, fault: Fault
    ) -> None:
        """A volume that was made stays, to be reclaimed in the usual way; else nothing does."""
        claim, uid = make_claim(site)
        api = hands._running.api
        monkeypatch.setattr(api, "create", fault(api.create))
        with pytest.raises(kube.ServerUnavailable):
            hands.provision(claim)
        site.delete_claim(claim)
        eventually(lambda: site.find_claim(claim) is None)
        hands.mend()

        hands.provision(claim)

        was_made = fault is losing_answers
        assert (site.find_volume(f"pvc-{uid}") is not None) == was_made
        assert any(f"pvc-{uid}" in name for name in site.tree()) == was_made
        assert (site.root / ".holdfast" / "volumes" / f"pvc-{uid}").exists() == was_made
        assert hands.in_progress == set()

    def test_nothing_is_made_for_a_deleted_claim_of_which_nothing_was_begun(
        self, site: Site, hands: Hands
    ) -> None:
        claim, uid = make_claim(site)
        hands.fail(PROVISIONAL)
        with pytest.raises(ExportUnavailable):
            hands.provision(claim)
        site.delete_claim(claim)
        eventually(lambda: site.find_claim(claim) is None)
        hands.mend()

        hands.provision(claim)

        assert site.find_volume(f"pvc-{uid}") is None
        assert (hands.in_progress, site.tree()) == (set(), set())


class TestTheSelectedNode:
    """An export is the same from every node: another node would not help, so it stays selected."""

    @pytest.fixture
    def waiting(self, site: Site) -> str:
        claim = site.claim(
            site.make_class(binding="WaitForFirstConsumer"),
            annotations={SELECTED_NODE: "node-1"},
        )
        site.patch_claim(claim, {"metadata": {"annotations": {STORAGE_PROVISIONER[0]: site.name}}})
        return claim

    def test_do_not_remove_the_selected_node_after_a_final_error(
        self, site: Site, hands: Hands, waiting: str
    ) -> None:
        hands.fail(FINAL)

        with pytest.raises(Requeue):
            hands.provision(waiting)

        assert annotations_of(site.get_claim(waiting))[SELECTED_NODE] == "node-1"
        assert hands.in_progress == set()

    def test_do_not_remove_the_selected_node_if_nothing_changes(
        self, site: Site, hands: Hands, waiting: str
    ) -> None:
        hands.fence_off()

        with pytest.raises(LeadershipLost):
            hands.provision(waiting)

        assert annotations_of(site.get_claim(waiting))[SELECTED_NODE] == "node-1"

    def test_do_not_remove_the_selected_node_while_in_progress(
        self, site: Site, hands: Hands, waiting: str
    ) -> None:
        hands.fail(PROVISIONAL)

        with pytest.raises(ExportUnavailable):
            hands.provision(waiting)

        assert annotations_of(site.get_claim(waiting))[SELECTED_NODE] == "node-1"
        assert hands.in_progress == {site.assigned(waiting)}
