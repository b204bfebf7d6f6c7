"""A full export is freed by deleting volumes, whatever happened to them before."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.controller.requeue import Requeue
from holdfast.exports.errors import Failed
from holdfast.exports.record import State
from holdfast.kube.resources import Json
from tests.unit.controller.given import a_volume, ref
from tests.unit.controller.site import Site
from tests.unit.exports.faults import FullFileSystem
from tests.unit.exports.given import adopted

FAILED = "VolumeFailedDelete"
RETAIN: Json = {"spec": {"persistentVolumeReclaimPolicy": "Retain"}}
NEW_CLAIM: Json = {"spec": {"claimRef": {"namespace": "team", "name": "data-2", "uid": "new"}}}
DELETE: Json = {"spec": {"persistentVolumeReclaimPolicy": "Delete"}}
LARGER: Json = {"spec": {"capacity": {"storage": "2Gi"}}}


@pytest.fixture
def bound(site: Site) -> Site:
    """A volume that a claim uses, with a file in it."""
    site.made_on_export(ref())
    (site.root / "team/data/file").write_text("data")
    site.add_volume(a_volume(ref()))
    site.look_after()
    return site


def state(site: Site) -> State:
    record = site.record()
    assert record is not None
    return record.state


def data(site: Site) -> Path:
    return site.root / "team/data/file"


def test_a_retained_volume_that_is_switched_to_delete_is_deleted(
    bound: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound.export.sweep(bound.grant)
    bound.edit("1", RETAIN)
    bound.release()
    bound.look_after()
    FullFileSystem(monkeypatch)
    bound.edit("1", DELETE)

    bound.look_after()

    assert bound.volume() is None
    assert state(bound) is State.TRASHED
    assert bound.export.reap(bound.grant, "pvc-1", 100).done
    assert bound.record() is None
    assert bound.said() == []


def test_a_volume_with_an_edited_size_is_deleted(
    bound: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    FullFileSystem(monkeypatch)
    bound.edit("1", LARGER)
    bound.release()

    bound.look_after()

    assert bound.volume() is None
    assert state(bound) is State.TRASHED


def test_a_volume_that_is_to_be_archived_waits_for_room(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add_class(onDelete="archive")
    site.made_on_export(ref())
    (site.root / "team/data/file").write_text("data")
    volume = a_volume(ref(), phase="Released")
    volume["metadata"]["annotations"]["holdfast.io/on-delete"] = "archive"
    site.add_volume(volume)
    site.edit("1", LARGER)
    FullFileSystem(monkeypatch)

    with pytest.raises(Requeue):
        site.look_after()

    assert "the export is full: remove data or archives" in site.only(FAILED).message
    assert data(site).exists()


def test_a_volume_that_was_handed_to_another_claim_is_deleted(
    bound: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound.export.sweep(bound.grant)
    FullFileSystem(monkeypatch)
    bound.edit("1", NEW_CLAIM)
    bound.release()

    bound.look_after()

    record = bound.record()
    assert bound.volume() is None
    assert record is not None
    assert (record.state, record.claim) == (State.TRASHED, ref("new", "data-2"))


def inherit(site: Site, action: str, phase: str) -> None:
    site.add_class(onDelete=action)
    (site.root / "team-data-pvc-1").mkdir()
    volume = a_volume(ref(), "team-data-pvc-1", annotated=False, finalizers=(), phase=phase)
    site.add_volume(volume)


def test_an_inherited_volume_is_recorded_and_deleted(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    inherit(site, "delete", "Released")
    site.export.sweep(site.grant)
    FullFileSystem(monkeypatch)

    site.look_after()

    assert site.volume() is None
    assert state(site) is State.TRASHED
    assert site.said() == []


@pytest.mark.parametrize("other", ["shares", "is of a person"])
def test_the_reserve_is_kept_while_another_volume_has_the_directory(
    site: Site, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    """It has no record yet, so the volume is recorded, and its reclaim is refused."""
    inherit(site, "delete", "Released")
    volume = a_volume(ref("2"), "team-data-pvc-1", annotated=False, finalizers=())
    if other == "is of a person":
        volume["metadata"]["annotations"] = {}
    site.add_volume(volume)
    site.export.sweep(site.grant)
    FullFileSystem(monkeypatch)

    with pytest.raises(Requeue):
        site.look_after()

    assert "the export is full" in site.only(FAILED).message
    assert len(list((site.root / ".holdfast/reserve").iterdir())) == 16


def test_the_reserve_is_kept_while_a_person_gave_the_directory_to_another_volume(
    bound: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    static = a_volume(ref("9", "other"), name="static", annotated=False, finalizers=())
    static["metadata"]["annotations"] = {}
    bound.add_volume(static)
    bound.export.sweep(bound.grant)
    FullFileSystem(monkeypatch)
    bound.edit("1", NEW_CLAIM)
    bound.release()

    with pytest.raises(Requeue):
        bound.look_after()

    assert len(list((bound.root / ".holdfast/reserve").iterdir())) == 16


def test_an_inherited_volume_within_anothers_directory_is_recorded_and_deleted(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add_class(onDelete="delete")
    (site.root / "team/data").mkdir(parents=True)
    site.add_claim(ref())
    for uid, directory in (("1", "team/data"), ("2", "team")):
        volume = a_volume(ref(uid), directory, annotated=False, finalizers=(), phase="Released")
        site.add_volume(volume)
    site.export.adopt(site.grant, adopted("2", "team"))
    site.export.sweep(site.grant)
    FullFileSystem(monkeypatch)

    site.look_after("1")

    assert state(site) is State.TRASHED


@pytest.mark.parametrize(
    ("action", "phase", "error"),
    [("delete", "Bound", Failed), ("archive", "Released", Requeue)],
)
def test_the_reserve_is_kept_for_inherited_volumes_that_are_deleted(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    phase: str,
    error: type[Exception],
) -> None:
    inherit(site, action, phase)
    site.export.sweep(site.grant)
    FullFileSystem(monkeypatch)

    with pytest.raises(error):
        site.look_after()

    [event] = site.said()
    assert "the export is full: remove data or archives" in event.message
    assert len(list((site.root / ".holdfast/reserve").iterdir())) == 16
