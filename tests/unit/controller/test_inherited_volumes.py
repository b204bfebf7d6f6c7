"""Volumes that nfs-subdir made are recorded first (design, rule 3)."""

from __future__ import annotations

from functools import partial

import pytest

from holdfast.claims.constants import EXPORT, PROVISIONED_BY
from holdfast.claims.parameters import Action
from holdfast.controller.requeue import Requeue
from holdfast.exports.record import DirectoryTaken, Record, State
from holdfast.kube import errors as kube
from holdfast.kube.resources import CLAIMS
from tests.fake.apiserver import NO_ANSWER
from tests.unit.controller.given import ANOTHER_ID, ID, NAME, a_claim, a_volume, directory_spec, ref
from tests.unit.controller.site import Site, before, once

DEFAULT = "team-data-pvc-1"


def record(site: Site, uid: str = "1") -> Record:
    found = site.record(uid)
    assert found is not None
    return found


def inherit(site: Site, directory: str = DEFAULT, uid: str = "1", **given: str) -> None:
    (site.root / directory).mkdir(parents=True, exist_ok=True)
    (site.root / directory / "file").write_text("data")
    site.add_volume(a_volume(ref(uid), directory, annotated=False, finalizers=(), **given))


def test_one_is_recorded_as_soon_as_it_is_seen(site: Site) -> None:
    inherit(site)

    site.look_after()

    made = record(site)
    assert (made.directory, made.claim, made.size) == (DEFAULT, ref(), "1Gi")
    assert (made.storage_class, made.reclaim_policy) == ("nfs", "Delete")
    assert made.on_delete is Action.ARCHIVE
    assert made.inherited
    assert not made.foreign
    assert not made.shared


def test_one_gets_its_export_s_id_with_its_record_and_no_second_time(site: Site) -> None:
    """An export without its directory, which has no id or another, is not taken for its own."""
    inherit(site)

    site.look_after()

    volume = site.volume()
    assert volume is not None
    assert volume["metadata"]["annotations"] == {PROVISIONED_BY: NAME, EXPORT: ID}
    patches = [request.body for request in site.server.requests if request.verb == "patch"]
    assert [[*body["metadata"]] for body in patches] == [
        ["finalizers", "resourceVersion"],
        ["annotations", "resourceVersion"],
    ]
    site.look_after()
    site.lead()  # as after a restart
    site.look_after()
    assert site.server.count("patch") == 2


def test_without_the_permission_to_patch_one_is_recorded_all_the_same(site: Site) -> None:
    site.may_patch_volumes = False
    inherit(site)

    site.look_after()

    assert record(site).inherited
    assert site.server.count("patch") == 0


def test_one_that_is_refused_gets_no_id(site: Site) -> None:
    inherit(site, "somewhere/else")

    site.look_after()

    volume = site.volume()
    assert volume is not None
    assert EXPORT not in volume["metadata"]["annotations"]


@pytest.mark.parametrize("uid", ["1", "2"])
def test_one_with_an_id_is_still_inherited(site: Site, uid: str) -> None:
    """Whether its record is there, or was lost since: it is recorded again, by the same rules."""
    inherit(site)
    site.look_after()
    if uid == "2":
        made = a_volume(ref("2"), "team-data-pvc-2", annotated=False, finalizers=())
        made["metadata"]["annotations"][EXPORT] = ID
        (site.root / "team-data-pvc-2").mkdir()
        site.add_volume(made)
    site.release(uid)

    site.look_after(uid)

    assert site.volume(uid) is None
    assert record(site, uid).inherited
    assert record(site, uid).state is State.ARCHIVED
    assert (site.root / f"archived-team-data-pvc-{uid}").is_dir()
    assert site.said() == []


def test_one_with_the_id_of_another_export_is_left_alone(site: Site) -> None:
    made = a_volume(ref(), DEFAULT, annotated=False, finalizers=(), phase="Released")
    made["metadata"]["annotations"][EXPORT] = ANOTHER_ID
    (site.root / DEFAULT).mkdir()
    site.add_volume(made)

    with pytest.raises(Requeue):
        site.look_after()

    assert f"of export {ANOTHER_ID}" in site.only("VolumeFailedDelete").message
    assert (site.root / DEFAULT).is_dir()


def test_its_class_says_what_becomes_of_it_and_whether_others_may_have_it(site: Site) -> None:
    site.add_class(onDelete="delete", sharedPaths="true")
    inherit(site)

    site.look_after()

    assert record(site).on_delete is Action.DELETE
    assert record(site).shared


def test_one_whose_path_its_class_made_from_the_claim_is_recorded(site: Site) -> None:
    """While the claim can still be asked for its labels."""
    site.add_class(pathPattern="${.PVC.namespace}/${.PVC.labels.app}")
    labelled = a_claim(ref())
    labelled["metadata"]["labels"] = {"app": "shop"}
    site.server.objects.create(CLAIMS.path("team"), labelled)
    inherit(site, "team/shop")

    site.look_after()

    assert record(site).directory == "team/shop"


def test_one_made_while_ours_was_being_made_is_recorded_once_that_is_undone(site: Site) -> None:
    """It was refused for the directory in the record of the attempt, and not looked at again."""
    site.export.create(site.grant, directory_spec(ref(), "team/data"))
    inherit(site)
    with pytest.raises(Requeue):
        site.look_after()
    assert site.said("VolumeNotRecorded") == []
    site.lead()
    site.serve()
    assert not (site.root / "team").exists()

    site.look_after()

    assert record(site).directory == DEFAULT
    assert record(site).inherited


def test_an_attempt_that_is_undone_during_the_look_does_not_refuse_it(site: Site) -> None:
    site.export.create(site.grant, directory_spec(ref(), "team/data"))
    inherit(site)
    undo = partial(site.export.undo, site.grant, "pvc-1")
    before(site.export, "is_unfinished", once(undo))

    with pytest.raises(Requeue):
        site.look_after()

    assert site.said("VolumeNotRecorded") == []
    site.look_after()
    assert record(site).directory == DEFAULT


@pytest.mark.parametrize(
    ("parameters", "annotations", "path", "state"),
    [
        ({"pathPattern": "/${.PVC.namespace}-${.PVC.name}"}, {}, "team-data", State.TRASHED),
        ({"pathPattern": "${.PVC.annotations.path}"}, {"path": "/data/x"}, "data/x", State.TRASHED),
        ({"pathPattern": "${.PVC.name}//x/"}, {}, "data/x", State.TRASHED),
        ({"pathPattern": "${.PVC.name}", "onDelete": "true"}, {}, "data", State.ARCHIVED),
        ({"pathPattern": "${.PVC.name}-${.PV.name}"}, {}, "data-${.PV.name}", State.TRASHED),
        ({"pathPattern": "{{ .PVC.Name }}"}, {}, "{{ .PVC.Name }}", State.TRASHED),
        ({"pathPattern": "${.PVC.name}", "odd": "x"}, {}, "data", State.TRASHED),
    ],
    ids=[
        "row 1: a leading slash",
        "row 1: a leading slash in an annotation",
        "row 10: doubled slashes",
        "row 6: an onDelete that does not exist",
        "row 7: a field that is literal there",
        "row 8: another program's pattern",
        "an unknown parameter",
    ],
)
def test_one_is_recorded_and_reclaimed_though_its_class_can_serve_no_new_claim(
    site: Site, parameters: dict[str, str], annotations: dict[str, str], path: str, state: State
) -> None:
    """Rows 1, 6, 7, 8 and 10 of the public cases: it stayed, Released, for ever."""
    site.add_class(**{"onDelete": "delete", **parameters})
    claim = a_claim(ref())
    claim["metadata"]["annotations"] |= annotations
    site.server.objects.create(CLAIMS.path("team"), claim)
    inherit(site, path)
    site.look_after()
    assert record(site).directory == path
    site.server.objects.delete(CLAIMS.path("team", "data"))
    site.release()

    site.look_after()

    assert site.volume() is None
    assert record(site).state is state
    assert not (site.root / path).exists()
    assert site.said() == []


def test_one_that_no_rule_names_is_told_so_once(site: Site) -> None:
    inherit(site, "somewhere/else")

    site.look_after()
    site.look_after()

    assert "no naming rule gives the directory" in site.only("VolumeNotRecorded").message
    assert site.record() is None


def test_one_without_its_class_is_looked_at_again_when_the_class_appears(site: Site) -> None:
    """It stayed without a record until the next term."""
    site.remove_class()
    site.add_claim(ref())
    inherit(site, "team/data")
    site.look_after()
    assert "no naming rule gives the directory" in site.only("VolumeNotRecorded").message
    site.view.volume_queue._due.clear()

    site.add_class()
    assert site.queued()[1] == {"pvc-1"}
    site.look_after()

    assert record(site).directory == "team/data"


def test_an_api_server_that_is_away_is_no_missing_claim(site: Site) -> None:
    site.add_class(pathPattern="${.PVC.namespace}/${.PVC.labels.app}")
    inherit(site, "team/shop")
    site.server.fail("get", NO_ANSWER)

    with pytest.raises(kube.ServerUnavailable):
        site.look_after()

    assert site.said() == []


def test_one_on_another_server_is_left_alone(site: Site) -> None:
    inherit(site, server="other")

    site.look_after()

    assert site.record() is None
    assert site.said() == []


def test_a_released_one_that_nobody_has_seen_is_recorded_and_reclaimed(site: Site) -> None:
    inherit(site, phase="Released")

    site.look_after()

    assert site.volume() is None
    assert record(site).state is State.ARCHIVED
    assert (site.root / f"archived-{DEFAULT}" / "file").exists()


def test_a_released_one_on_another_server_is_refused(site: Site) -> None:
    inherit(site, server="other", phase="Released")

    with pytest.raises(Requeue):
        site.look_after()

    assert "is not this provisioner's export" in site.only("VolumeFailedDelete").message


def test_two_in_one_directory_go_with_the_last_of_them(site: Site) -> None:
    """Row 2 of the public cases: they blocked each other for ever."""
    site.add_class(pathPattern="${.PVC.namespace}/shared", onDelete="delete")
    for uid in "12":
        claim = a_claim(ref(uid, f"data-{uid}"))
        site.server.objects.create(CLAIMS.path("team"), claim)
        made = a_volume(ref(uid, f"data-{uid}"), "team/shared", annotated=False, finalizers=())
        site.add_volume(made)
    (site.root / "team" / "shared").mkdir(parents=True)
    for uid in "12":
        site.look_after(uid)

    site.release("1")
    site.look_after("1")
    assert site.volume("1") is None
    assert (site.root / "team" / "shared").is_dir()

    site.release("2")
    site.look_after("2")
    assert site.volume("2") is None
    assert record(site, "2").state is State.TRASHED
    assert not (site.root / "team" / "shared").exists()
    assert site.said() == []


def test_one_is_not_reclaimed_while_another_in_its_directory_is_not_recorded(site: Site) -> None:
    """The live one's data went to the trash (rule 2: a directory goes with the last of them)."""
    site.add_class(pathPattern="${.PVC.namespace}/shared", onDelete="delete")
    for uid, phase in (("1", "Released"), ("2", "Bound")):
        site.server.objects.create(CLAIMS.path("team"), a_claim(ref(uid, f"data-{uid}")))
        whose = ref(uid, f"data-{uid}")
        site.add_volume(a_volume(whose, "team/shared", annotated=False, finalizers=(), phase=phase))
    (site.root / "team" / "shared").mkdir(parents=True)

    with pytest.raises(Requeue):
        site.look_after("1")
    assert "see the events of volume pvc-2" in site.only("VolumeFailedDelete").message

    site.look_after("2")
    site.look_after("1")
    assert site.volume("1") is None
    assert record(site, "2").state is State.LIVE
    assert (site.root / "team" / "shared").is_dir()


def test_of_two_within_each_other_the_inner_is_reclaimed_first(site: Site) -> None:
    """They blocked each other for ever: nfs-subdir lets directories lie within each other."""
    site.add_class(pathPattern="${.PVC.annotations.path}", onDelete="delete")
    for uid, directory in (("1", "a"), ("2", "a/b")):
        claim = a_claim(ref(uid, f"data-{uid}"))
        claim["metadata"]["annotations"]["path"] = directory
        site.server.objects.create(CLAIMS.path("team"), claim)
        made = a_volume(ref(uid, f"data-{uid}"), directory, annotated=False, finalizers=())
        (site.root / directory).mkdir()
        site.add_volume(made)
        site.look_after(uid)

    site.release("2")
    with pytest.raises(Requeue):  # the outer one's pods use what is in it
        site.look_after("2")
    site.release("1")
    with pytest.raises(Requeue):
        site.look_after("1")
    site.look_after("2")

    assert site.volume("2") is None
    assert (site.root / "a").is_dir()
    assert not (site.root / "a" / "b").exists()


def test_one_in_a_directory_that_holdfast_made_is_not_recorded(site: Site) -> None:
    site.serve_and_bind(ref("1"))
    site.add_class(pathPattern="${.PVC.namespace}/data")
    site.server.objects.create(CLAIMS.path("team"), a_claim(ref("2", "other")))
    site.add_volume(a_volume(ref("2", "other"), annotated=False, finalizers=()))

    with pytest.raises(DirectoryTaken):
        site.look_after("2")

    assert site.record("2") is None
    assert "belongs to volume pvc-1" in site.only("VolumeNotRecorded").message
