"""PersistentVolumes that were copied to another cluster on the same export."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from kubernetes.client import Configuration

from holdfast.claims.parameters import Action
from holdfast.controller.requeue import Requeue
from holdfast.exports.interface import Leader
from holdfast.exports.record import Record, State
from holdfast.kube.api import Api
from holdfast.kube.resources import VOLUMES
from tests.fake.apiserver import FakeApiServer
from tests.unit.controller.given import a_volume, directory_spec, ref
from tests.unit.controller.site import CLUSTER, Site


class Another(Site):
    """The leader of another cluster, with an API server of its own."""

    leader = Leader("another", "example.com-nfs")


class Heir(Site):
    """As `Another`, where an administrator says that the first cluster is gone."""

    leader = Leader("another", "example.com-nfs", takes_over=(CLUSTER,))


@pytest.fixture
def second() -> Iterator[tuple[Api, FakeApiServer]]:
    """The API server of another cluster."""
    with FakeApiServer() as server:
        client = Api(Configuration(host=server.url), connect_timeout=5.0, read_timeout=5.0)
        yield client, server
        client.close()


@pytest.fixture
def another(second: tuple[Api, FakeApiServer], root: Path, in_use: Record) -> Iterator[Site]:
    """The other cluster, once the first one has its volume."""
    assert in_use.origin == CLUSTER
    with closing(Another(*second, root)) as there:
        yield there


@pytest.fixture
def heir(second: tuple[Api, FakeApiServer], root: Path, in_use: Record) -> Iterator[Site]:
    """The heir of the first cluster."""
    assert in_use.origin == CLUSTER
    with closing(Heir(*second, root)) as there:
        yield there


@pytest.fixture
def in_use(site: Site) -> Record:
    """The record of a volume of the first cluster that has data."""
    site.made_on_export(ref())
    site.add_volume(a_volume(ref()))
    site.look_after()
    (site.root / "team/data/file").write_text("precious")
    record = site.record()
    assert record is not None
    return record


@pytest.mark.parametrize("action", ["archive", "delete", "retain"])
def test_a_released_copy_does_not_move_the_live_directory_and_is_told_why(
    another: Site, in_use: Record, action: str
) -> None:
    """Its claim does not exist there, so it is Released at once."""
    copy = a_volume(ref(), phase="Released")
    copy["metadata"]["annotations"]["holdfast.io/on-delete"] = action
    another.add_volume(copy)

    with pytest.raises(Requeue):
        another.look_after()

    message = another.only("VolumeFailedDelete").message
    assert f"another cluster, {CLUSTER}" in message
    assert f"HOLDFAST_TAKES_OVER={CLUSTER}" in message
    assert "set its reclaim policy to Retain, and delete it" in message
    assert (another.root / "team/data/file").exists()
    assert another.record() == in_use


def test_a_copy_that_another_claim_is_bound_to_does_not_change_the_record(
    another: Site, in_use: Record
) -> None:
    another.add_volume(a_volume(ref("2"), name="pvc-1"))

    another.look_after()

    assert f"another cluster, {CLUSTER}" in another.only("VolumeNotRecorded").message
    assert another.record() == in_use


@pytest.mark.parametrize("action", [None, Action.DELETE, Action.ARCHIVE])
def test_a_copy_that_is_set_to_retain_can_be_deleted(
    site: Site, another: Site, action: Action | None
) -> None:
    """Also if its directory was reclaimed where it belongs to."""
    if action is not None:
        site.export.reclaim(site.grant, "pvc-1", "1", action)
    before = site.record()
    another.add_volume(a_volume(ref(), phase="Released"))
    with pytest.raises(Requeue):
        another.look_after()

    another.edit("1", {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
    another.server.objects.delete(VOLUMES.path(name="pvc-1"))
    another.see()
    with suppress(Requeue):  # it is gone at the end
        another.look_after()

    assert another.volume() is None
    assert site.record() == before


def test_the_end_of_a_copy_that_says_retain_retains_nothing_in_the_trash(
    site: Site, another: Site
) -> None:
    site.export.reclaim(site.grant, "pvc-1", "1", Action.DELETE)
    before = site.record()
    another.add_volume(a_volume(ref(), policy="Retain"))
    another.look_after()

    another.drop()
    another.look_after()

    assert "another cluster" in another.said("DirectoryNotMovedBack")[0].message
    assert site.record() == before
    assert site.export.reap(site.grant, "pvc-1", 100).done


def test_a_copy_of_an_attempt_does_not_undo_it(site: Site, another: Site) -> None:
    """The first cluster is about to make the volume, with a directory that was retained."""
    site.drop()
    site.export.update_record(site.grant, "pvc-1", ref(), "1Gi", "Retain")
    site.add_claim(ref("2"))
    with pytest.raises(Requeue):
        site.serve()
    begun = site.record("2")
    assert begun is not None
    assert begun.succeeds == ("pvc-1",)
    another.add_volume(a_volume(ref("2"), phase="Released"))

    with pytest.raises(Requeue):
        another.look_after("2")

    assert f"another cluster, {CLUSTER}" in another.only("VolumeFailedDelete").message
    assert site.record("2") == begun


def test_the_heir_reclaims_the_volumes_and_empties_their_trash(heir: Site) -> None:
    """The cluster was built anew, and its claims were made again."""
    heir.add_volume(a_volume(ref("2"), name="pvc-1"))
    heir.look_after()
    heir.release()
    heir.look_after()
    assert heir.volume() is None

    assert heir.export.reap(heir.grant, "pvc-1", 100).done

    assert not (heir.root / "team").exists()
    assert heir.record() is None


def test_a_record_that_the_heir_follows_becomes_its_own(heir: Site, in_use: Record) -> None:
    """Also if nothing else changes."""
    heir.add_volume(a_volume(ref(), name="pvc-1", phase="Released", policy="Retain"))

    heir.look_after()

    record = heir.record()
    assert record is not None
    assert record.origin == "another"
    assert record.state is State.LIVE
    assert record.claim == in_use.claim


def test_the_heir_undoes_what_the_cluster_had_begun(
    site: Site, second: tuple[Api, FakeApiServer], root: Path
) -> None:
    """Its claim is not known here."""
    site.export.create(site.grant, directory_spec(ref()))
    there = Heir(*second, root)

    there.serve()
    there.close()

    assert there.record() is None
    assert not (root / "team").exists()
