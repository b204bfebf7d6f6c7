"""What the whole controller makes of an undo that ended halfway (see exports/test_undo_cut_short).

A policy denies the volume, so that the attempt is undone; the server fails in the middle of it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import pytest

from holdfast.claims.parameters import Action
from holdfast.controller.requeue import Requeue
from holdfast.exports.errors import DirectoryGone, Failed, Unsafe
from holdfast.kube.resources import Json
from tests.fake.apiserver import Fault
from tests.unit.controller.given import ref
from tests.unit.controller.site import Site, before, failing, once


def undone_halfway(site: Site, call: str = "rmdir") -> Json:
    """The request for volume pvc-1, of whose undo one system call has failed."""
    site.add_claim(ref())
    site.server.fail("create", Fault(422, "Invalid"))
    real = getattr(os, call)

    def fail(name: Any, *given: Any, **more: Any) -> None:
        if name in {"-pvc-1", "pvc-1"}:
            raise OSError(5, "Input/output error")
        real(name, *given, **more)

    with pytest.MonkeyPatch.context() as patch:
        # Only of the undo: to make the directory and its record, the calls are needed.
        before(site.export, "undo", lambda: patch.setattr(os, call, fail))
        with pytest.raises((Requeue, Failed)):
            site.serve()
    del site.export.undo
    body: Json = next(one.body for one in site.server.requests if one.verb == "create")
    return body


def test_nobody_is_told_to_move_a_live_directory_away_and_no_other_namespace_gets_the_data(
    site: Site,
) -> None:
    """The policy is mended before the next attempt."""
    site.add_class(pathPattern="${.PVC.name}", onDelete="delete", existingDirectories="use")
    undone_halfway(site)

    site.serve()  # the next attempt, a second later
    site.bind_claim(ref())
    (site.root / "data" / "file").write_text("secret of team")
    advice = [moved.reason for moved in site.export.sweep(site.grant)]
    site.remove_claim(ref())
    site.release()
    site.look_after()
    site.see_gone()
    site.export.reap(site.grant, "pvc-1", 1000)
    assert (advice, (site.root / "data").exists()) == ([], False)

    other = ref("2", namespace="others")
    site.add_claim(other)
    site.serve("others/data")
    assert site.volume("2") is not None
    assert list((site.root / "data").iterdir()) == []


@pytest.mark.parametrize("call", ["rmdir", "rename"])
def test_a_volume_that_was_made_late_has_its_directory(site: Site, call: str) -> None:
    """The undo failed after the directory was taken: its record is there, the directory is not."""
    body = undone_halfway(site, call)
    assert site.record() is not None
    assert not (site.root / "team" / "data").exists()
    site.add_volume(body)

    site.serve()

    record = site.record()
    assert record is not None
    assert record.inode.number == (site.root / "team" / "data").stat().st_ino
    assert not site.export.is_unfinished("pvc-1")


@pytest.mark.parametrize("call", ["rmdir", "rename", "unlink"])
@pytest.mark.parametrize(
    ("is_seen", "policy", "size"),
    [
        (False, "Retain", "1Gi"),
        (True, "Retain", "1Gi"),
        (True, "Delete", "2Gi"),
        (True, "Retain", "2Gi"),
    ],
)
def test_a_volume_that_was_made_late_has_its_directory_though_a_person_edits_it_first(
    site: Site, call: str, policy: str, size: str, *, is_seen: bool
) -> None:
    """The worker of the volume is faster than that of the claim."""
    site.add_volume(undone_halfway(site, call))
    site.bind_claim(ref())
    if is_seen:
        site.look_after()
    change = {"persistentVolumeReclaimPolicy": policy, "capacity": {"storage": size}}
    site.edit("1", {"spec": change})
    for work in [site.look_after, site.look_after, site.serve, site.look_after]:
        with suppress(Requeue):
            work()

    record = site.record()
    assert record is not None
    assert record.inode.number == (site.root / "team" / "data").stat().st_ino
    assert (record.reclaim_policy, record.size) == (policy, size)
    assert not site.export.is_unfinished("pvc-1")
    assert site.said("DirectoryNotMovedBack") == []


def test_one_that_was_set_to_retain_and_back_is_reclaimed(site: Site) -> None:
    """Its directory is not made again for that: a later claim may have the path."""
    site.add_volume(undone_halfway(site))
    site.bind_claim(ref())
    site.edit("1", {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
    site.look_after()
    record = site.record()
    assert record is not None
    assert record.reclaim_policy == "Retain"
    site.remove_claim(ref())
    site.edit("1", {"spec": {"persistentVolumeReclaimPolicy": "Delete"}})
    site.release()

    site.look_after()

    assert site.volume() is None


def test_it_is_not_confirmed_while_the_directory_cannot_be_made(site: Site) -> None:
    site.add_volume(undone_halfway(site))
    before(site.export, "create", failing(Failed("cannot make directory: EIO")))

    with suppress(Requeue), pytest.raises(Failed):
        site.serve()

    assert site.export.is_unfinished("pvc-1")


@pytest.mark.parametrize("first", ["claim", "volume"])
def test_after_a_takeover_either_worker_may_be_first(site: Site, first: str) -> None:
    undone_halfway(site)
    site.lead()
    workers = [site.serve, site.look_after] if first == "claim" else [site.look_after, site.serve]

    for worker in workers:
        worker()
    site.bind_claim(ref())

    assert site.volume() is not None
    assert (site.root / "team" / "data").is_dir()
    assert site.export.sweep(site.grant) == ()


def test_a_confirmation_without_the_directory_is_refused(site: Site) -> None:
    undone_halfway(site)

    with pytest.raises(DirectoryGone, match="directory 'team/data' of volume pvc-1 was undone"):
        site.export.confirm(site.grant, "pvc-1")
    with pytest.raises(Unsafe):
        site.export.confirm(site.grant, "pvc-1")


def _served_after_the_policy_is_mended(site: Site) -> None:
    for _ in range(2):
        with suppress(Requeue):
            site.serve()
        if site.volume() is not None:
            site.bind_claim(ref())
    assert site.volume() is not None, site.said("ProvisioningFailed")[-1].message


def test_a_claim_is_served_though_a_file_came_into_its_directory_before_the_undo(
    site: Site,
) -> None:
    """The undo retains the directory for a record of the claim's own volume."""
    site.add_claim(ref())
    site.server.fail("create", Fault(422, "Invalid"))
    before(site.export, "undo", lambda: (site.root / "team/data/file").write_text("data"))
    with pytest.raises(Requeue):
        site.serve()
    del site.export.undo

    _served_after_the_policy_is_mended(site)

    assert (site.root / "team/data/file").read_text() == "data"


def test_a_claim_is_served_though_its_undo_kept_what_the_last_sharer_left(site: Site) -> None:
    """The last other volume of a shared directory leaves, to be retained, before the undo."""
    site.add_class(pathPattern="shared", sharedPaths="true", onDelete="retain")
    site.serve_and_bind(ref("9", "nine"))
    (site.root / "shared" / "file").write_text("data")
    site.add_claim(ref())
    site.server.fail("create", Fault(422, "Invalid"))
    leave = once(lambda: site.export.reclaim(site.grant, "pvc-9", "9", Action.RETAIN))
    before(site.export, "undo", leave)
    with pytest.raises(Requeue):
        site.serve()
    site.drop("9")

    _served_after_the_policy_is_mended(site)
