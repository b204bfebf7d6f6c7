"""A released volume without our finalizer, as its policy became Delete after its release.

Somebody may set it to Retain again, or delete it, while it is being reclaimed (design, rule 5).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from holdfast.claims.constants import FINALIZER
from holdfast.claims.decide import Provisioner
from holdfast.controller.requeue import Requeue
from holdfast.exports.errors import Failed
from holdfast.exports.record import Record, State
from holdfast.kube import errors as kube
from holdfast.kube.resources import VOLUMES
from tests.fake.apiserver import NO_ANSWER, Fault, Request
from tests.unit.controller.given import NAME, a_volume, ref
from tests.unit.controller.site import Site, before, failing, once

PATH = VOLUMES.path(name="pvc-1")


def released(site: Site, action: str) -> None:
    """A volume that was retained at its release, and is to be reclaimed now."""
    site.add_class("Retain", pathPattern="data", onDelete=action)
    site.serve_and_bind(ref("1"))
    (site.root / "data" / "file").write_text("precious")
    site.release("1")
    site.edit("1", {"spec": {"persistentVolumeReclaimPolicy": "Delete"}})


@contextmanager
def renames_failing(source: str) -> Iterator[None]:
    """The NFS server reports an I/O error for each rename of a name."""
    rename = os.rename

    def fail(old: Any, new: Any, **more: Any) -> None:
        if old == source:
            raise OSError(5, "Input/output error")
        rename(old, new, **more)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "rename", fail)
        yield


def archive_halfway(site: Site, source: str) -> None:
    """The archive has its name, and a rename fails: of the directory, or out of the term."""
    released(site, "archive")
    with renames_failing(source), pytest.raises(Requeue):
        site.look_after()


def record(site: Site) -> Record:
    found = site.record("1")
    assert found is not None
    return found


def finalizers(site: Site) -> list[str]:
    volume = site.volume()
    assert volume is not None
    return list(volume["metadata"].get("finalizers") or [])


def verbs(site: Site) -> list[str]:
    """What the API server is asked for while a volume is reclaimed."""
    site.server.requests.clear()
    site.look_after()
    return [request.verb for request in site.server.requests]


def names(site: Site) -> list[str]:
    return sorted(path.name for path in site.root.iterdir() if path.name != ".holdfast")


class TestAdded:
    def test_it_is_on_the_volume_before_its_directory_is_touched(self, site: Site) -> None:
        released(site, "delete")
        held: list[list[str]] = []
        before(site.export, "reclaim", lambda: held.append(finalizers(site)))

        site.look_after()

        assert held == [[FINALIZER]]
        assert site.volume() is None

    def test_one_more_request_puts_it_on(self, site: Site) -> None:
        released(site, "delete")

        assert verbs(site) == ["get", "patch", "delete", "get", "patch"]

    def test_a_volume_that_has_it_already_costs_no_request_more(self, site: Site) -> None:
        site.serve_and_bind(ref())
        site.release()

        assert verbs(site) == ["get", "delete", "get", "patch"]

    def test_it_is_added_once_though_the_reclaim_fails(self, site: Site) -> None:
        archive_halfway(site, "data")

        assert verbs(site) == ["get", "delete", "get", "patch"]

    def test_finalizers_of_others_stay(self, site: Site) -> None:
        released(site, "delete")
        site.edit("1", {"metadata": {"finalizers": ["example.com/theirs"]}})

        site.look_after()

        assert finalizers(site) == ["example.com/theirs"]

    def test_none_is_put_on_where_finalizers_are_switched_off(self, site: Site) -> None:
        site.set_up(replace(site.context, provisioner=Provisioner(NAME, finalizer=False)))
        released(site, "delete")

        assert verbs(site) == ["get", "delete"]

    def test_none_is_put_on_without_the_right_to_take_it_off(self, site: Site) -> None:
        site.may_patch_volumes = False
        released(site, "delete")

        assert verbs(site) == ["get", "delete"]

    def test_none_is_put_on_a_volume_whose_reclaim_is_refused_as_it_is_elsewhere(
        self, site: Site
    ) -> None:
        site.add_volume(a_volume(ref(), server="nas2", phase="Released", finalizers=()))

        with pytest.raises(Requeue):
            site.look_after()

        assert finalizers(site) == []

    @pytest.mark.parametrize("fault", [Fault(403, "Forbidden"), Fault(422, "Invalid")])
    def test_the_directory_is_left_alone_where_the_api_server_refuses_it(
        self, site: Site, fault: Fault
    ) -> None:
        released(site, "delete")
        site.server.fail("patch", fault)

        with pytest.raises(Requeue):
            site.look_after()

        assert (site.root / "data" / "file").exists()
        assert site.only("VolumeFinalizerFailed").message == f"fault {fault.code}"
        assert site.metric("holdfast_finalizer_update_failed_total") == 1

        site.look_after()
        assert site.volume() is None

    def test_a_volume_that_is_deleted_first_is_not_reclaimed(self, site: Site) -> None:
        """Without our finalizer, the API server forgets it at once."""
        released(site, "delete")
        site.server.meanwhile("patch", lambda _: site.server.objects.delete(PATH))

        with pytest.raises(Requeue):
            site.look_after()
        site.look_after()

        assert (site.root / "data" / "file").exists()
        assert site.server.count("delete") == 0

    def test_a_volume_under_deletion_gets_none(self, site: Site) -> None:
        """The API server refuses new finalizers then; another one holds this volume."""
        released(site, "delete")
        site.edit("1", {"metadata": {"finalizers": ["example.com/theirs"]}})

        def delete(_: Request) -> None:
            site.server.objects.delete(PATH)

        site.server.meanwhile("patch", delete)
        with pytest.raises(Requeue):
            site.look_after()
        site.look_after()

        assert finalizers(site) == ["example.com/theirs"]
        assert (site.root / "data" / "file").exists()


class TestThoughtBetter:
    def test_data_of_a_volume_set_to_retain_while_nobody_leads_outlives_it(
        self, site: Site
    ) -> None:
        released(site, "delete")
        site.server.fail("delete", NO_ANSWER)
        with pytest.raises(kube.ServerUnavailable):
            site.look_after()
        assert record(site).state is State.TRASHED

        site.edit("1", {"spec": {"persistentVolumeReclaimPolicy": "Retain"}}, seen=False)
        site.server.objects.delete(PATH)
        site.see()
        site.set_up(site.context)
        site.lead()
        site.look_after()

        assert site.volume() is None
        assert (site.root / "data" / "file").exists()
        assert record(site).state is State.LIVE

    @pytest.mark.parametrize("source", ["data", "-pvc-1"])
    def test_an_archive_is_completed_though_its_volume_is_deleted_meanwhile(
        self, site: Site, source: str
    ) -> None:
        archive_halfway(site, source)
        site.server.objects.delete(PATH)
        site.see()

        site.look_after()

        assert site.volume() is None
        assert names(site) == ["archived-data"]
        assert record(site).state is State.ARCHIVED


class TestGoneHalfway:
    """Without the right to patch volumes, no finalizer holds a volume that somebody deletes."""

    @pytest.fixture(autouse=True)
    def without_right(self, site: Site) -> None:
        site.may_patch_volumes = False

    @pytest.mark.parametrize("source", ["data", "-pvc-1"])
    def test_an_archive_is_undone(self, site: Site, source: str) -> None:
        archive_halfway(site, source)
        site.drop()

        site.look_after()

        assert names(site) == ["data"]
        assert (site.root / "data" / "file").exists()
        assert record(site).in_place

    def test_one_that_is_complete_but_for_its_record_stays_an_archive(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        released(site, "archive")
        with monkeypatch.context() as patched:
            fail = failing(Failed("the disk is bad"))
            patched.setattr("holdfast.exports.reclaim_directory._write_outcome", lambda *_: fail())
            with pytest.raises(Requeue):
                site.look_after()
        assert record(site).state is State.LIVE
        site.drop()

        site.look_after()

        assert names(site) == ["archived-data"]
        assert record(site).state is State.ARCHIVED

    @pytest.mark.parametrize("source", ["data", "-pvc-1"])
    def test_an_archive_is_undone_in_the_next_term_of_this_process(
        self, site: Site, source: str
    ) -> None:
        """The event of its deletion came while the term had ended."""
        archive_halfway(site, source)
        site.drop()
        site.view.volume_queue._due.clear()

        site.lead()

        assert "pvc-1" in site.queued()[1]
        site.look_after()
        assert names(site) == ["data"]
        assert record(site).in_place

    def test_an_archive_is_undone_if_its_volume_is_set_to_retain(self, site: Site) -> None:
        archive_halfway(site, "data")
        site.edit("1", {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})

        site.look_after()

        assert names(site) == ["data"]
        assert record(site).in_place

    def test_a_volume_that_was_reclaimed_costs_no_call_to_the_export_once_it_is_gone(
        self, site: Site
    ) -> None:
        released(site, "archive")
        site.look_after()
        calls: list[str] = []
        before(site.export, "move_back", lambda: calls.append("move back"))
        before(site.export, "find", lambda: calls.append("find"))

        assert site.volume() is None
        site.view.volumes.apply("pvc-1", 10**6, None)
        site.look_after()

        assert calls == []

    def test_an_archive_that_cannot_be_undone_now_is_undone_later(self, site: Site) -> None:
        archive_halfway(site, "data")
        site.drop()
        before(site.export, "move_back", once(failing(Failed("the disk is bad"))))

        with pytest.raises(Failed):
            site.look_after()
        site.look_after()

        assert names(site) == ["data"]
