"""A pending claim becomes a directory and a volume, or an event says why it does not."""

from __future__ import annotations

from itertools import count

import pytest

from holdfast.claims import constants
from holdfast.claims.build_volume import Address
from holdfast.claims.decide import DEFAULT_EXPORT, Provisioner
from holdfast.claims.objects import StorageClass
from holdfast.claims.parameters import Action
from holdfast.controller.export_view import ExportView
from holdfast.controller.requeue import Requeue
from holdfast.kube import errors as kube
from holdfast.kube.resources import CLAIMS, VOLUMES
from tests.fake.apiserver import NO_ANSWER
from tests.unit.controller.given import ID, NAME, a_volume, ref
from tests.unit.controller.site import Site, once

FAILED = "ProvisioningFailed"
MADE = "controller_persistentvolumeclaim_provision_total"
LABELS = {"class": "nfs", "source": ""}


def test_a_claim_gets_its_directory_record_volume_and_events(site: Site) -> None:
    site.add_claim(ref())

    site.serve()

    record, volume = site.record(), site.volume()
    assert record is not None
    assert volume is not None
    assert (site.root / "team" / "data").is_dir()
    assert not site.export.is_unfinished("pvc-1")
    assert (record.directory, record.claim, record.origin) == ("team/data", ref(), "cluster")
    assert volume["metadata"]["annotations"][constants.EXPORT] == ID
    assert volume["metadata"]["finalizers"] == [constants.FINALIZER]
    assert volume["spec"]["nfs"] == {"server": "nas", "path": "/srv/team/data", "readOnly": False}
    assert [said.reason for said in site.said()] == ["ProvisioningSucceeded"]
    assert site.only("ProvisioningSucceeded").message == "created volume pvc-1 in 'team/data'"
    assert site.metric(MADE, **LABELS) == 1
    assert site.claims_controller.in_progress == set()


def test_of_several_exports_the_event_names_the_one_that_has_the_directory(site: Site) -> None:
    ExportView(site.caches, Provisioner(NAME), Address("ssd", "/fast"), "fast")
    site.add_claim(ref())

    site.serve()

    [said] = site.said()
    assert said.message == "created volume pvc-1 in 'team/data' on export default"


def test_an_export_that_is_added_while_its_claim_is_refused_gets_the_claim(site: Site) -> None:
    """Names are read once: the class's export is configured in neither look, or in both."""
    site.add_class(export="b")
    site.add_claim(ref())
    looks = count()
    names = site.caches.names
    site.caches.names = lambda: (  # type: ignore[method-assign]
        names() if next(looks) == 0 else (DEFAULT_EXPORT, "b")
    )

    site.serve()

    assert "'b', which is not configured" in site.only("ProvisioningFailed").message
    site.serve()
    assert site.volume() is None


def test_a_class_that_comes_back_with_another_export_meanwhile_is_read_once(site: Site) -> None:
    site.caches.arrange([DEFAULT_EXPORT, "b"])
    site.add_class(onDelete="archive")
    site.add_claim(ref())
    read = site.view.classes.get
    edit = once(lambda: site.add_class(export="b", onDelete="delete"))

    def then_edited(name: str) -> StorageClass | None:
        found = read(name)
        edit()
        return found

    site.view.classes.get = then_edited  # type: ignore[assignment, method-assign]

    site.serve()

    record = site.record()
    assert record is not None
    assert record.on_delete is Action.ARCHIVE


def test_the_volume_is_known_at_once_without_its_event(site: Site) -> None:
    site.add_claim(ref())
    site.serve()

    site.serve()

    assert site.server.count("create") == 1
    assert len(site.said()) == 1


def test_what_is_asked_for_is_in_the_record(site: Site) -> None:
    site.add_class("Retain", onDelete="archive", sharedPaths="true")
    site.add_claim(ref())

    site.serve()

    record = site.record()
    assert record is not None
    assert (record.storage_class, record.size, record.mode) == ("nfs", "1Gi", "0777")
    assert (record.reclaim_policy, record.on_delete.value) == ("Retain", "archive")
    assert record.shared
    assert (record.uid, record.gid) == (None, None)


def test_an_existing_directory_is_refused_unless_the_class_says_otherwise(site: Site) -> None:
    """Rule 3: what was there before its volume is never removed, nor handed out unasked."""
    (site.root / "team" / "data").mkdir(parents=True)
    site.add_claim(ref())
    with pytest.raises(Requeue):
        site.serve()
    assert "exists without a record" in site.only(FAILED).message
    assert site.volume() is None

    site.add_class(existingDirectories="use")
    site.serve()

    record, volume = site.record(), site.volume()
    assert record is not None
    assert record.foreign
    assert volume is not None
    assert volume["metadata"]["annotations"]["holdfast.io/on-delete"] == "retain"


def test_a_claim_whose_class_is_missing_is_told_so_and_not_tried_again(site: Site) -> None:
    site.add_claim(ref(), storageClassName="none")

    site.serve()

    assert site.only(FAILED).message.startswith("StorageClass 'none' does not exist")
    name = "controller_persistentvolumeclaim_provision_failed_total"
    assert site.metric(name, **{"class": "unknown", "source": ""}) == 1


def test_a_directory_of_a_live_volume_is_refused_and_tried_again(site: Site) -> None:
    site.add_volume(a_volume(ref("9", "other")))
    site.add_claim(ref())

    with pytest.raises(Requeue):
        site.serve()

    assert "is the directory of volume pvc-9 of claim team/other" in site.only(FAILED).message
    name = "controller_persistentvolumeclaim_provision_failed_total"
    assert site.metric(name, **LABELS) == 1


def test_a_claim_for_a_populator_is_told_so_once_and_left_to_it(site: Site) -> None:
    """Row 5 of the public cases: the populator makes a claim of its own, without a source."""
    source = {"apiGroup": "populator.example.com", "kind": "Backup", "name": "monday"}
    site.add_claim(ref(), dataSourceRef=source)

    site.serve()
    site.serve()

    assert site.only("WaitForPopulator").type == "Normal"
    assert site.said(FAILED) == []
    assert site.volume() is None


class TestExpansion:
    """Row 12 of the public cases: a class allows it, and a claim that was grown heard nothing."""

    def test_a_claim_that_asks_for_more_is_told_once_for_each_size(self, site: Site) -> None:
        site.made_on_export(ref())
        site.add_volume(a_volume(ref()))
        for size in ("2Gi", "3Gi", "2Gi"):
            site.grow_claim(ref(), size)
            assert site.queued()[0] == {"team/data"}
            site.serve()

        first, second = site.said()
        assert (first.kind, first.type, first.reason) == (CLAIMS.kind, "Normal", "SizeNotEnforced")
        assert first.message.startswith("the claim asks for 2Gi, and volume pvc-1 has 1Gi")
        assert second.message.startswith("the claim asks for 3Gi")

    def test_neither_volume_nor_record_grows(self, site: Site) -> None:
        site.made_on_export(ref())
        site.add_volume(a_volume(ref()))
        site.grow_claim(ref(), "2Gi")

        site.serve()

        record, volume = site.record(), site.volume()
        assert record is not None
        assert volume is not None
        assert (record.size, volume["spec"]["capacity"]["storage"]) == ("1Gi", "1Gi")
        assert site.server.count("patch") == 0

    def test_a_volume_of_another_provisioner_is_not_ours_to_speak_of(self, site: Site) -> None:
        others = a_volume(ref())
        others["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"] = "others"
        site.add_volume(others)
        site.grow_claim(ref(), "2Gi")

        site.serve()

        assert site.said() == []

    def test_an_attempt_in_progress_is_finished(self, site: Site) -> None:
        """The volume is there, and only the answer was lost."""
        site.add_claim(ref())
        site.server.fail("create", NO_ANSWER)
        with pytest.raises(kube.ServerUnavailable):
            site.serve()
        site.grow_claim(ref(), "2Gi")

        site.serve()

        assert site.claims_controller.in_progress == set()


@pytest.mark.parametrize("kind", ["claim", "server", "path", "export"])
def test_a_volume_of_the_same_name_but_of_something_else_is_refused(site: Site, kind: str) -> None:
    """Issue 12, no 6: the server is part of a volume's identity. Nothing of it is touched."""
    other = {
        "claim": a_volume(ref("1", "other")),
        "server": a_volume(ref(), server="other"),
        "path": a_volume(ref(), "elsewhere"),
        "export": a_volume(ref(), export_id="another"),
    }[kind]
    site.server.objects.create(VOLUMES.path(), other)  # the cache has not seen it
    before = site.volume()
    site.add_claim(ref())

    with pytest.raises(Requeue):
        site.serve()

    assert site.only(FAILED).message == (
        "volume pvc-1 exists, but for another claim, server or directory: delete it if it is not "
        "needed, or delete this claim and create it again"
    )
    assert site.volume() == before


@pytest.mark.parametrize(("host", "export_id"), [("nas", ID), ("192.0.2.1", ID), ("nas", "")])
def test_a_volume_that_an_earlier_attempt_made_is_taken_up(
    site: Site, host: str, export_id: str
) -> None:
    """Also one of version 1, without an id, or made under another name of the server."""
    made = a_volume(ref(), server=host, export_id=export_id, phase="Pending")
    site.server.objects.create(VOLUMES.path(), made)
    site.add_claim(ref())

    site.serve()

    assert not site.export.is_unfinished("pvc-1")
    assert site.view.volumes.get("pvc-1") is not None
    assert len(site.said("ProvisioningSucceeded")) == 1
