"""A request for a volume is carried out after its attempt was undone (design, rule 4).

The API server did not answer in time. The claim is bound to the volume, which has neither
directory nor record then: both are made again.
"""

from __future__ import annotations

import errno

import pytest

from holdfast.claims.constants import EXPORT
from holdfast.controller.late_volumes import LateVolumes
from holdfast.controller.requeue import Requeue
from holdfast.exports.changes import Changes
from holdfast.exports.errors import ExportUnavailable, Failed
from holdfast.kube import errors as kube
from holdfast.kube.resources import Json
from tests.fake.apiserver import NO_ANSWER
from tests.unit.controller.given import ID, a_volume, directory_spec, ref
from tests.unit.controller.site import Site, before, failing, once

FULL = Failed("cannot make directory: No space left on device")


def undone(site: Site) -> Json:
    """The request for volume pvc-1, which got no answer, and whose attempt was undone."""
    site.add_claim(ref())
    site.server.fail("create", NO_ANSWER)
    with pytest.raises(kube.ServerUnavailable):
        site.serve()
    before(site.export, "create", once(failing(FULL)))
    with pytest.raises(Requeue):
        site.serve()
    assert site.record() is None
    assert not (site.root / "team").exists()
    site.view.claim_queue._due.clear()
    body: Json = next(one.body for one in site.server.requests if one.verb == "create")
    return body


def is_whole(site: Site) -> bool:
    """Whether volume pvc-1 has its directory and a confirmed record."""
    record = site.record()
    return (
        record is not None
        and record.inode.number == (site.root / "team" / "data").stat().st_ino
        and not site.export.is_unfinished("pvc-1")
    )


def test_its_claim_is_queued_and_it_gets_directory_and_record(site: Site) -> None:
    site.add_volume(undone(site))
    assert site.queued()[0] == {"team/data"}

    site.serve()

    assert is_whole(site)


def test_also_where_its_claim_is_bound_already(site: Site) -> None:
    body = undone(site)
    site.remove_claim(ref())  # as the cache sees it, which has only pending ones
    site.add_volume(body)

    site.serve()

    assert is_whole(site)


def test_it_is_made_once(site: Site) -> None:
    site.add_volume(undone(site))
    site.serve()
    requests = len(site.server.requests)

    site.serve()

    assert len(site.server.requests) == requests


def test_one_that_cannot_have_its_directory_is_told_so_and_tried_again(site: Site) -> None:
    site.add_volume(undone(site))
    before(site.export, "create", once(failing(FULL)))

    with pytest.raises(Requeue):
        site.serve()
    assert "No space left on device" in site.only("VolumeNotRecorded").message

    site.serve()
    assert is_whole(site)


def test_one_whose_directory_another_volume_has_by_now_is_told_so(site: Site) -> None:
    body = undone(site)
    site.made_on_export(ref("2"))
    site.server.objects.create("/api/v1/persistentvolumes", a_volume(ref("2")))
    site.add_volume(body)

    with pytest.raises(Requeue):
        site.serve()

    assert "pvc-2" in site.only("VolumeNotRecorded").message
    assert site.record() is None


def fail_to_create(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The volume is bound, and its directory cannot be made again."""
    site.add_volume(undone(site))
    site.bind_claim(ref())
    mkdir = Changes.mkdir

    def fail(self: Changes, parent: int, name: str, mode: int) -> None:
        if name == "data":
            raise OSError(errno.EIO, "I/O error")
        mkdir(self, parent, name, mode)

    with monkeypatch.context() as patch:
        patch.setattr(Changes, "mkdir", fail)
        with pytest.raises(Requeue):
            site.serve()


def serve_the_next(site: Site) -> None:
    """Another claim of the name gets its volume at the same path."""
    site.add_claim(ref("2"))
    site.serve()
    assert site.volume("2") is not None
    assert site.record("2") is not None


@pytest.mark.parametrize("order", ["claim first", "volume first"])
def test_one_that_goes_without_its_directory_leaves_its_path_to_the_next(
    site: Site, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    fail_to_create(site, monkeypatch)
    site.remove_claim(ref())
    site.release()
    if order == "claim first":
        site.serve()
    site.look_after()
    site.see_gone()
    site.serve()

    serve_the_next(site)


def test_where_that_cannot_be_undone_at_first_it_is_later(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_to_create(site, monkeypatch)
    site.remove_claim(ref())
    site.drop()
    before(site.export, "undo", once(failing(FULL)))
    with pytest.raises(Requeue):
        site.serve()
    site.serve()

    serve_the_next(site)


def test_one_that_is_whole_keeps_its_record_when_it_is_deleted(site: Site) -> None:
    """An undo of it would be one too many."""
    site.add_volume(undone(site))
    site.serve()
    site.view.late.add(directory_spec(ref()))
    site.bind()
    site.server.objects.delete("/api/v1/persistentvolumes/pvc-1")
    site.see()

    site.serve()

    assert is_whole(site)


def test_nothing_is_said_while_the_export_is_away(site: Site) -> None:
    site.add_volume(undone(site))
    before(site.export, "create", once(failing(ExportUnavailable("no answer"))))

    with pytest.raises(ExportUnavailable):
        site.serve()

    assert site.said("VolumeNotRecorded") == []
    site.serve()
    assert is_whole(site)


@pytest.mark.parametrize(
    "change",
    [
        {"status": {"phase": "Released"}},
        {"spec": {"claimRef": {"namespace": "team", "name": "other", "uid": "2"}}},
        {"spec": {"nfs": {"server": "nas", "path": "/srv/elsewhere"}}},
        {"spec": {"nfs": {"server": "other", "path": "/srv/team/data"}}},
    ],
    ids=["released", "another claim", "another directory", "another server"],
)
def test_one_that_is_not_what_was_asked_for_gets_nothing(site: Site, change: Json) -> None:
    site.add_volume(undone(site))
    site.edit("1", change)
    site.remove_claim(ref())

    site.serve()

    assert site.record() is None
    assert not (site.root / "team").exists()


def test_one_that_nfs_subdir_made_is_not_taken_for_ours_whatever_id_it_names(site: Site) -> None:
    """Holdfast writes the id on inherited volumes too."""
    undone(site)
    made = a_volume(ref(), annotated=False)
    made["metadata"]["annotations"][EXPORT] = ID
    site.remove_claim(ref())
    site.add_volume(made)

    site.serve()

    assert site.record() is None
    assert site.view.late.claim_of("pvc-1") == ""


def test_one_of_a_former_leader_whose_claim_is_refused_now_is_made_too(site: Site) -> None:
    site.export.create(site.grant, directory_spec(ref(), mode=0o750))
    site.add_claim(ref())
    site.lead()
    site.add_class(unknown="parameter")
    site.serve()
    assert site.record() is None

    site.add_volume(a_volume(ref()))
    site.serve()

    assert is_whole(site)
    assert (site.root / "team" / "data").stat().st_mode & 0o7777 == 0o750


def test_one_of_a_former_leader_that_was_undone_is_not_taken_for_unfinished(site: Site) -> None:
    """The term ended between two attempts; the undone volume was confirmed without a record."""
    site.export.create(site.grant, directory_spec(ref()))
    site.add_claim(ref())
    site.lead()
    before(site.export, "create", once(failing(FULL)))
    with pytest.raises(Requeue):
        site.serve()
    site.add_volume(a_volume(ref()))

    site.serve()

    assert is_whole(site)


def test_one_that_is_made_while_its_attempt_fails_is_completed(site: Site) -> None:
    """The attempt took it for one that has its directory."""
    body = undone(site)
    site.server.objects.create("/api/v1/persistentvolumes", body)  # its event is under way
    before(site.export, "create", once(failing(FULL)))
    with pytest.raises(Requeue):
        site.serve()
    assert site.claims_controller.in_progress == set()
    site.see()

    site.serve()

    assert is_whole(site)


def test_one_whose_undoing_ended_late_gets_its_directory_again(site: Site) -> None:
    """An attempt in progress took an existing volume for one that has its directory."""
    site.add_claim(ref())
    site.server.fail("create", NO_ANSWER)
    with pytest.raises(kube.ServerUnavailable):
        site.serve()
    site.export.undo(site.grant, "pvc-1")
    site.add_volume(next(one.body for one in site.server.requests if one.verb == "create"))

    site.serve()

    assert is_whole(site)


@pytest.mark.parametrize("arrives", [0, 1], ids=["first", "second"])
def test_whichever_of_two_requests_for_different_paths_arrives_has_its_directory(
    site: Site, arrives: int
) -> None:
    """The path changed between them, and only the second was remembered."""
    site.add_claim(ref())
    for path in ("first", "second"):
        site.add_class(pathPattern=path)
        site.server.fail("create", NO_ANSWER)
        with pytest.raises(kube.ServerUnavailable):
            site.serve()
    bodies = [one.body for one in site.server.requests if one.verb == "create"]
    site.add_class(unknown="parameter")
    site.serve()
    assert site.record() is None

    site.add_volume(bodies[arrives])
    site.serve()

    record = site.record()
    assert record is not None
    assert record.directory == ("first", "second")[arrives]
    assert {one.name for one in site.root.iterdir()} == {record.directory, ".holdfast"}
    assert not site.export.is_unfinished("pvc-1")


def test_one_of_an_earlier_path_to_which_the_claim_returns_has_its_directory(site: Site) -> None:
    """The record of the attempt in between was confirmed for it, and its directory was missing."""
    site.add_claim(ref())
    for path in ("first", "second"):
        site.add_class(pathPattern=path)
        site.server.fail("create", NO_ANSWER)
        with pytest.raises(kube.ServerUnavailable):
            site.serve()
    site.add_volume(next(one.body for one in site.server.requests if one.verb == "create"))
    site.add_class(pathPattern="first")

    site.serve()

    record = site.record()
    assert record is not None
    assert record.directory == "first"
    assert (site.root / "first").is_dir()
    assert not (site.root / "second").exists()


def test_a_record_with_a_garbled_mode_keeps_no_claim_waiting(site: Site) -> None:
    site.export.create(site.grant, directory_spec(ref()))
    place = site.root / ".holdfast" / "creating" / "pvc-1"
    place.write_text(place.read_text().replace('"0777"', '"rwx"'))
    site.add_claim(ref())
    site.lead()

    site.serve()

    assert site.volume() is not None


def test_the_oldest_are_forgotten() -> None:
    late = LateVolumes(2)
    for uid in ("1", "2", "1", "3"):
        late.add(directory_spec(ref(uid)))

    assert [one.volume for one in late.of("team/data")] == ["pvc-1", "pvc-3"]
    assert (late.claim_of("pvc-1"), late.claim_of("pvc-2")) == ("team/data", "")


def test_the_requests_of_a_volume_for_different_directories_are_kept_apart() -> None:
    late = LateVolumes(1)
    first, second = directory_spec(ref(), "first"), directory_spec(ref(), "second")
    late.add(first)
    late.add(second)
    assert late.of("team/data") == [first, second]

    late.discard(first)
    assert late.of("team/data") == [second]
    late.discard(second)
    assert late.claim_of("pvc-1") == ""
