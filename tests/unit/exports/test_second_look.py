"""What a second look at the provisioner broke, as the design says it has to be instead."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports import tree
from holdfast.exports.errors import Failed, Unsafe
from holdfast.exports.export import Export
from holdfast.exports.interface import Moved, Outcome
from holdfast.exports.ledger import Ledger
from holdfast.exports.record import DirectoryTaken, Record, State
from tests.unit.exports.faults import Crash
from tests.unit.exports.given import (
    ID,
    Leading,
    adopted,
    export_at,
    found,
    listing,
    plan,
    published,
    touched,
    visible,
)


def trashed(export: Leading, root: Path, uid: str) -> Path:
    """A volume's directory in the trash, with a file."""
    published(export, uid, f"data-{uid}")
    (root / f"data-{uid}/file").write_text("data")
    return root / export.reclaim(f"pvc-{uid}", uid, Action.DELETE).place


def bad_unlink(
    monkeypatch: pytest.MonkeyPatch, number: int, is_bad: Callable[[str, str], bool]
) -> None:
    """Has unlink(2) of some files fail: told by their folder and name."""
    unlink = os.unlink

    def fail(name: str, *, dir_fd: int) -> None:
        if is_bad(str(Path(f"/proc/self/fd/{dir_fd}").readlink()), name):
            raise OSError(number, os.strerror(number))
        unlink(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", fail)


# 2: one bad file


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EBUSY, errno.EACCES])
def test_one_bad_file_in_the_trash_holds_up_neither_other_volumes_nor_the_rest_of_its_own(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Rule 6: one bad file does not hold up another."""
    for uid in "123":
        trashed(export, root, uid)
    for name in "abc":
        (root / ".holdfast/trash/pvc-1" / name).touch()

    with monkeypatch.context() as patch:
        bad_unlink(patch, number, lambda folder, _: folder.endswith("/pvc-1"))
        patch.setattr(os, "unlink", _but_for(os.unlink, {"a", "b", "c"}))
        results = [export.exports.reap(export.grant, f"pvc-{uid}", 100) for uid in "123"]

    assert [result.done for result in results] == [False, True, True]
    assert results[0].blocked == (errno.errorcode[number],)
    assert results[0].removed == 3
    assert [path.name for path in (root / ".holdfast/trash/pvc-1").iterdir()] == ["file"]
    assert export.reap() == 0


def _but_for(bad: Callable[..., None], names: set[str]) -> Callable[..., None]:
    def unlink(name: str, *, dir_fd: int) -> None:
        if name in names:
            os.remove(name, dir_fd=dir_fd)
        else:
            bad(name, dir_fd=dir_fd)

    return unlink


def test_a_busy_file_that_is_free_again_is_nothing_to_tell(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 6: one EBUSY in the trash ends with the second try, which comes at once."""
    folder, tries = trashed(export, root, "1"), list[str]()
    (folder / "other").touch()

    def is_bad(_: str, name: str) -> bool:
        tries.append(name)
        return name == "file" and tries.count("file") == 1

    bad_unlink(monkeypatch, errno.EBUSY, is_bad)

    reaped = export.exports.reap(export.grant, "pvc-1", 100)
    assert (reaped.done, reaped.removed, reaped.blocked) == (True, 3, ())


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE])
def test_a_live_directory_with_a_bad_block_concerns_its_own_volume_only(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Rule 6: only the root and Holdfast's own folders speak for the export."""
    published(export, "1", "bad")
    published(export, "2", "good")
    opened = os.open

    def fail(path: str, *given: int, **place: int) -> int:
        if path == "bad":
            raise OSError(number, os.strerror(number))
        return opened(path, *given, **place)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", fail)
        for call in (
            lambda: export.create(plan("1", "bad")),
            lambda: export.reclaim("pvc-1", "1", Action.DELETE),
        ):
            with pytest.raises(Failed):
                call()
        assert export.reclaim("pvc-2", "2", Action.DELETE).outcome is Outcome.TRASHED
    assert (root / "bad").is_dir()


def test_one_volume_that_cannot_be_undone_does_not_keep_the_next_term_from_beginning(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 6, for what a crash left half-made."""
    (term,) = _terms(export, root)
    (term / "+pvc-1").symlink_to("bad/data")
    (term / "+pvc-2").symlink_to("good/data")
    for name in ("bad", "good"):
        (root / name / "data").mkdir(parents=True)
        (root / name / "data").chmod(tree.HALF_MADE)
    opened = os.open

    def fail(path: str, *given: int, **place: int) -> int:
        if path == "bad":
            raise OSError(errno.EIO, "EIO")
        return opened(path, *given, **place)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", fail)
        Leading(root).begin()
    assert visible(root) == ["bad", "bad/data", "good"]
    Leading(root).begin()
    assert visible(root) == ["bad", "good"]


def _terms(export: Leading, root: Path) -> list[Path]:
    export.begin()
    return list(root.glob(".holdfast/terms/*/[0-9]*"))


# 3: the reaper's bounds: see test_reaper_bounds.py


# 4: a cached look-up


@pytest.mark.parametrize("lie", ["exists", "reaches"])
def test_what_a_cache_says_is_not_there_is_neither_changed_nor_adopted_nor_removed(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    """Rule 3: what was there before its volume is never removed."""
    (root / "team").mkdir(0o710)
    (root / "team/data").mkdir(0o700)
    (root / "team/data/file").write_text("an administrator's")
    before = touched(root / "team")
    _have_the_cache_lie(monkeypatch, lie)

    with pytest.raises(Unsafe, match="exists without a record"):
        export.create(plan())
    assert touched(root / "team") == before
    record = export.create(plan(use_existing=True))
    assert record.foreign
    assert record.found
    export.undo("pvc-1")
    assert touched(root / "team") == before
    assert not (root / ".holdfast/directories/team").exists()


def _have_the_cache_lie(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What the tenants' part of the export holds is said not to be there."""
    look = getattr(tree, name)

    def lie(handle: int, path: str) -> bool:
        ours = "/.holdfast" in str(Path(f"/proc/self/fd/{handle}").readlink())
        return (ours or path.startswith(".holdfast")) and bool(look(handle, path))

    monkeypatch.setattr(tree, name, lie)


@pytest.mark.parametrize("lie", ["exists", "reaches"])
def test_an_archive_replaces_nothing_that_a_cache_does_not_show(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    """Rule 3, for the name of an archive."""
    published(export)
    (root / "team/data/file").write_text("data")
    (root / "archived-data").mkdir(0o700)
    before = touched(root / "archived-data")
    _have_the_cache_lie(monkeypatch, lie)

    moved = export.reclaim("pvc-1", "1", Action.ARCHIVE)

    assert moved.place.startswith("archived-data-20")
    assert (root / moved.place / "file").read_text() == "data"
    assert touched(root / "archived-data") == before


def test_a_parent_of_ours_that_a_cache_does_not_show_is_ours_still(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parents that Holdfast made go with the last volume beneath."""
    published(export, "1", "team/a")

    with monkeypatch.context() as patch:
        _have_the_cache_lie(patch, "exists")
        published(export, "2", "team/b")
    for uid in "12":
        export.reclaim(f"pvc-{uid}", uid, Action.DELETE)

    assert visible(root) == []


def test_a_directory_that_is_only_not_shown_is_not_gone(
    export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 3: no decision rests on a cached "not there"."""
    published(export)
    opened = tree.open_directory

    def lie(parent: int, name: str) -> int:
        if name == "data" and str(Path(f"/proc/self/fd/{parent}").readlink()).endswith("t/team"):
            raise FileNotFoundError(errno.ENOENT, "cached")
        return opened(parent, name)

    with monkeypatch.context() as patch:
        patch.setattr(tree, "open_directory", lie)
        with pytest.raises(Unsafe, match="has just appeared: Holdfast will retry"):
            export.reclaim("pvc-1", "1", Action.DELETE)

    assert found(export).state is State.LIVE
    assert export.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.TRASHED


# 5: a wrong export: see test_lost_exports.py


def test_directories_that_were_restored_from_a_backup_go_their_way_once_they_are_accepted(
    root: Path, either: Leading
) -> None:
    """Rule 9: each has another inode, and only a person knows that it is the right one."""
    for uid in "123":
        published(either, uid, f"data-{uid}")
        (root / f"data-{uid}/file").write_text(uid)
    before = found(either, "1").inode
    for uid in "123":
        shutil.copytree(root / f"data-{uid}", root / "copy")
        shutil.rmtree(root / f"data-{uid}")
        (root / "copy").rename(root / f"data-{uid}")
    for uid, action in (("1", Action.DELETE), ("2", Action.ARCHIVE)):
        with pytest.raises(Unsafe, match="from a backup, run `holdfast exports accept`"):
            either.reclaim(f"pvc-{uid}", uid, action)

    Export(root).accept(ID)
    moved = [
        either.reclaim(f"pvc-{uid}", uid, action) for uid, action in zip("123", Action, strict=True)
    ]

    assert {one.outcome for one in moved} == {
        Outcome.TRASHED,
        Outcome.ARCHIVED,
        Outcome.RETAINED,
    }
    assert [(root / one.place / "file").read_text() for one in moved] == ["1", "2", "3"]
    assert found(either, "1").inode != before
    assert either.reap() == 0


# 7: data that crosses namespaces


def test_a_retained_directory_is_taken_up_by_its_own_namespace_only(
    root: Path, either: Leading
) -> None:
    """Rule 2: data does not change namespaces without a person."""
    published(either, "1", "ledger", namespace="bank")
    (root / "ledger/secret").write_text("secret")
    either.reclaim("pvc-1", "1", Action.RETAIN)
    before = listing(root)

    with pytest.raises(DirectoryTaken, match="pvc-1 of claim bank/data-1"):
        either.create(plan("2", "ledger", namespace="evil"), ["pvc-1"])
    assert listing(root) == before
    assert either.create(plan("3", "ledger", namespace="bank"), ["pvc-1"]).succeeds == ("pvc-1",)


@pytest.mark.parametrize("name", [".zfs", "backups", ".snapshot"])
def test_a_directory_without_a_record_is_refused_unless_the_class_says_otherwise(
    root: Path, either: Leading, name: str
) -> None:
    """Rule 3: what was there is nobody's to hand out, and never removed."""
    (root / name).mkdir(0o700)
    (root / name / "dump.sql").write_text("data")
    before = touched(root / name), visible(root)

    with pytest.raises(Unsafe, match="change pathPattern, remove the directory if it is not"):
        either.create(plan("1", name))
    assert (touched(root / name), visible(root)) == before
    assert either.find("pvc-1") is None
    either.create(plan("1", name, use_existing=True))
    either.undo("pvc-1")
    assert (touched(root / name), visible(root)) == before


def test_a_retained_directory_that_is_shared_is_joined(root: Path, either: Leading) -> None:
    """A class that shares may take up what it retained, and others may join."""
    for uid in "12":
        published(either, uid, shared=True)
    (root / "team/data/file").write_text("data")
    assert either.reclaim("pvc-1", "1", Action.RETAIN).outcome is Outcome.SHARED
    assert either.reclaim("pvc-2", "2", Action.RETAIN).outcome is Outcome.RETAINED

    third = either.create(plan("3", shared=True), ["pvc-2"])
    either.confirm("pvc-3")
    fourth = either.create(plan("4", shared=True))

    assert (third.succeeds, fourth.succeeds) == (("pvc-2",), ())
    assert not third.foreign
    either.confirm("pvc-4")
    assert either.recorded() == {"pvc-3", "pvc-4"}
    assert either.reclaim("pvc-3", "3", Action.DELETE).outcome is Outcome.SHARED
    assert either.reclaim("pvc-4", "4", Action.DELETE).outcome is Outcome.TRASHED


# 8: volumes that can never be reclaimed


def test_a_record_follows_its_volume_to_another_claim(either: Leading) -> None:
    """Rule 3: the record names the claim's uid, and follows when a person edits claimRef."""
    before = published(either)
    claim = replace(before.claim, name="rebound", uid="new")

    either.exports.update_record(either.grant, "pvc-1", claim, "2Gi", "Retain")

    assert found(either) == replace(before, claim=claim, size="2Gi", reclaim_policy="Retain")
    with pytest.raises(Unsafe, match="no record names volume pvc-1 and claim uid 1"):
        either.reclaim("pvc-1", "1", Action.DELETE)
    assert either.reclaim("pvc-1", "new", Action.DELETE).outcome is Outcome.TRASHED


def test_the_record_of_what_was_archived_follows_nobody(root: Path, either: Leading) -> None:
    published(either)
    either.reclaim("pvc-1", "1", Action.ARCHIVE)
    before = listing(root)

    either.exports.update_record(either.grant, "pvc-1", plan("2").claim, "2Gi", "Retain")
    either.exports.update_record(either.grant, "pvc-9", plan("9").claim, "2Gi", "Retain")

    assert listing(root) == before


def test_following_nothing_new_writes_nothing(root: Path, export: Leading) -> None:
    record = published(export)
    before = (root / ".holdfast/volumes/pvc-1").stat().st_ino

    export.exports.update_record(
        export.grant, "pvc-1", record.claim, record.size, record.reclaim_policy
    )

    assert (root / ".holdfast/volumes/pvc-1").stat().st_ino == before


@pytest.mark.parametrize("action", Action)
def test_a_claim_that_comes_between_a_crash_and_the_repetition_ends_in_no_deadlock(
    root: Path, export: Leading, action: Action
) -> None:
    """Rule 4: the mark goes last, so that who asks meanwhile is refused, and later is not."""
    published(export)
    (root / "team/data/file").write_text("data")
    mark = root / ".holdfast/directories/team/.holdfast/data/pvc-1"
    before = mark.exists()
    export.reclaim("pvc-1", "1", action)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()  # as a crash before the last step leaves it

    with pytest.raises(DirectoryTaken):
        export.create(plan("2"))
    again = Leading(root).reclaim("pvc-1", "1", action)

    assert before
    assert mark.exists() is (action is Action.RETAIN)
    if again.outcome is not Outcome.RETAINED:
        assert not Leading(root).create(plan("2")).found


@pytest.mark.parametrize("action", [Action.DELETE, Action.ARCHIVE])
def test_no_claim_gets_the_path_of_a_volume_before_its_record_has_moved(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch, action: Action
) -> None:
    """Rule 4: the process ends right before that, and a claim comes before the repetition."""
    published(export)
    (root / "team/data/file").write_text("data")
    ends = "discard" if action is Action.DELETE else "write"
    real = getattr(Ledger, ends)

    def crash(ledger: Ledger, record: Record) -> None:
        if ends == "discard" or record.state is State.ARCHIVED:
            raise Crash
        real(ledger, record)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, ends, crash)
        with pytest.raises(Crash):
            export.reclaim("pvc-1", "1", action)

    with pytest.raises(DirectoryTaken):
        export.create(plan("2"))
    assert Leading(root).reclaim("pvc-1", "1", action).outcome is not Outcome.RETAINED
    assert not Leading(root).create(plan("2")).found


def test_undoing_again_what_was_given_to_another_meanwhile_leaves_it_to_that_one(
    root: Path, export: Leading
) -> None:
    """Rule 4: the mark of an undone volume is removed before its record, and a claim comes."""
    export.create(plan("1"))
    record = (root / ".holdfast/creating/pvc-1").read_bytes()
    export.undo("pvc-1")
    (root / ".holdfast/creating/pvc-1").write_bytes(record)
    published(export, "2")

    with pytest.raises(DirectoryTaken):
        export.create(plan("1"))
    export.undo("pvc-1")

    assert (root / "team/data").is_dir()
    assert export.recorded() == {"pvc-2"}
    assert export.reclaim("pvc-2", "2", Action.DELETE).outcome is Outcome.TRASHED


def test_a_late_record_in_the_making_does_not_hide_an_archive(root: Path, export: Leading) -> None:
    """Rule 4: a former leader's record comes after its volume was archived."""
    late = export.create(plan()).dump()
    export.confirm("pvc-1")
    (root / "team/data/file").write_text("data")
    moved = export.reclaim("pvc-1", "1", Action.ARCHIVE)
    before = listing(root)
    (root / ".holdfast/creating/pvc-1").write_bytes(late)

    assert found(export).state is State.ARCHIVED
    assert export.reclaim("pvc-1", "1", Action.DELETE) == moved
    assert listing(root) == before


def test_the_trash_is_kept_while_its_volume_is_there(root: Path, either: Leading) -> None:
    """The volume must be gone: whoever asks for the trash to be emptied says so by its name."""
    folder = trashed(either, root, "1")

    assert either.reap(lambda volume: volume != "pvc-1") == 1
    assert (folder / "file").read_text() == "data"
    assert either.exports.trashed() == ("pvc-1",)
    assert found(either).claim.uid == "1"


def test_what_is_not_in_the_trash_is_not_reaped(root: Path, either: Leading) -> None:
    published(either)
    before = listing(root)

    assert not either.exports.reap(either.grant, "pvc-1", 10).done
    assert either.exports.reap(either.grant, "pvc-9", 10).done
    assert listing(root) == before


def test_what_is_in_the_trash_under_a_volumes_name_and_is_another_directory_stays(
    root: Path, either: Leading
) -> None:
    """Rule 3: the reaper removes only what it knows to be the volume's."""
    folder = trashed(either, root, "1")
    folder.rename(root / "aside")
    folder.mkdir()
    (folder / "file").write_text("of others")

    reaped = either.exports.reap(either.grant, "pvc-1", 10)

    assert (reaped.done, reaped.removed) == (False, 0)
    (reason,) = reaped.blocked
    assert reason.startswith("not this volume's directory; if it was restored from a backup")
    assert (folder / "file").read_text() == "of others"


# 9: records of other versions


def rewrite(root: Path, place: str, **fields: object) -> None:
    """Changes fields of a record; those that are None go."""
    path = root / ".holdfast" / place
    values = {**json.loads(path.read_text()), **fields}
    path.write_text(json.dumps({name: one for name, one in values.items() if one is not None}))


REWRITING: dict[str, Callable[[Leading], object]] = {
    "update_record": lambda export: export.exports.update_record(
        export.grant, "pvc-1", plan("new").claim, "2Gi", "Retain"
    ),
    "archive": lambda export: export.reclaim("pvc-1", "1", Action.ARCHIVE),
    "retain": lambda export: export.reclaim("pvc-1", "1", Action.RETAIN),
}


@pytest.mark.parametrize("name", REWRITING)
def test_a_record_of_version_1_is_read_as_it_is_and_written_anew_with_what_it_did_not_know(
    root: Path, either: Leading, name: str
) -> None:
    """Records outlive versions: what an old one lacks is added when it is rewritten."""
    new = published(either)
    gone = dict.fromkeys(("version", "export", "inode", "inherited"))
    rewrite(root, "volumes/pvc-1", **gone, later={"project": 77})

    old = found(either)
    assert (old.version, old.export, old.inode.number) == (1, "", 0)
    assert old.unknown == {"later": {"project": 77}}
    REWRITING[name](either)

    record = found(either)
    assert (record.version, record.export) == (2, new.export)
    assert record.unknown == {"later": {"project": 77}}
    assert stat.S_ISDIR((root / (record.target or record.directory)).stat().st_mode)


@pytest.mark.parametrize("name", REWRITING)
def test_what_a_later_version_knows_of_a_claim_and_an_inode_is_kept(
    root: Path, either: Leading, name: str
) -> None:
    """Unknown fields are kept at every level."""
    published(either)
    path = root / ".holdfast/volumes/pvc-1"
    before = json.loads(path.read_text())
    claim, inode = {**before["claim"], "labels": ["a"]}, {**before["inode"], "device": 7}
    rewrite(root, "volumes/pvc-1", claim=claim, inode=inode, version=3, later=1)

    assert found(either).claim.uid == "1"
    REWRITING[name](either)

    after = json.loads(path.read_text())
    assert (after["claim"]["labels"], after["inode"]["device"], after["later"]) == (["a"], 7, 1)
    assert after["inode"] == inode
    assert set(after) == {*before, "later"}


def test_unknown_fields_never_stand_for_those_that_are_known(either: Leading) -> None:
    """Whatever a client says is unknown."""
    unknown = {"claim": {"uid": "9"}, "inode": 7, "state": "archived", "target": "archived-x"}

    either.adopt(adopted(unknown={**unknown, "later": 1}))

    record = found(either)
    assert (record.claim.uid, record.state, record.target) == ("1", State.LIVE, "")
    assert record.unknown == {"later": 1}


@pytest.mark.parametrize("data", [True, False])
def test_what_a_later_version_wrote_is_kept_while_a_volume_is_in_the_making(
    root: Path, either: Leading, *, data: bool
) -> None:
    """Unknown fields are kept, and so is the number of their version."""
    either.create(plan())
    rewrite(root, "creating/pvc-1", version=3, later=1)

    assert either.create(plan()).unknown == {"later": 1}
    if data:
        (root / "team/data/file").write_text("data")
        either.undo("pvc-1")
    else:
        either.confirm("pvc-1")

    kept = json.loads((root / ".holdfast/volumes/pvc-1").read_text())
    assert (kept["later"], kept["version"]) == (1, 3)


def test_the_record_of_another_export_is_refused(root: Path, either: Leading) -> None:
    """Rule 3: nothing is renamed without a record that names this export."""
    published(either)
    rewrite(root, "volumes/pvc-1", export="another")
    before = listing(root)

    for call in (
        lambda: either.reclaim("pvc-1", "1", Action.DELETE),
        lambda: either.find("pvc-1"),
        lambda: either.create(plan("2")),
    ):
        with pytest.raises(Unsafe, match="the record of volume pvc-1 is of export another"):
            call()
    assert listing(root) == before


@pytest.mark.parametrize(
    "fields",
    [
        {"shared": "yes"},
        {"uid": "0"},
        {"uid": True},
        {"size": 1},
        {"version": "2"},
        {"inode": {"number": "1"}},
        {"inode": {"other": 1}},
        {"claim": {"namespace": 1, "name": "a", "uid": "1"}},
        {"succeeds": [1]},
        {"state": "odd"},
        {"on_delete": "odd"},
    ],
)
def test_a_record_with_a_field_of_another_type_is_none(
    root: Path, export: Leading, fields: dict[str, object]
) -> None:
    """Records are validated: the reason names the file, and the way out."""
    published(export)
    rewrite(root, "volumes/pvc-1", **fields)

    with pytest.raises(Unsafe, match=r"cannot parse the record .*pvc-1.*from a backup"):
        export.find("pvc-1")


# 10: trash of unknown origin


def test_trash_of_unknown_origin_is_removed_where_no_other_cluster_ever_wrote(root: Path) -> None:
    """The uid of kube-system was forbidden, and is known now."""
    unknown = export_at(root, cluster="")
    trashed(unknown, root, "1")

    assert Leading(root, cluster="known").reap() == 0
    assert visible(root) == []
    assert not (root / ".holdfast/trash/pvc-1").exists()


def test_trash_of_unknown_origin_stays_where_another_cluster_wrote(root: Path) -> None:
    """Rule 9: another cluster's data is never taken for ours."""
    unknown = export_at(root, cluster="")
    folder = trashed(unknown, root, "1")
    unknown.create(plan("2", "unconfirmed"))
    Leading(root, cluster="another").begin()

    leading = Leading(root, cluster="known")
    assert leading.unconfirmed() == []
    assert leading.reap() == 1
    assert (folder / "file").read_text() == "data"


# 1: a former leader (see test_fencing.py), on a server that loses track of removed folders


def test_a_live_directory_in_the_trash_is_put_back(root: Path, either: Leading) -> None:
    """Rule 4: what a former leader changes is put back."""
    published(either)
    (root / "team/data/file").write_text("data")
    (root / "team/data").rename(root / ".holdfast/trash/pvc-1")
    (root / "team").rmdir()

    (back,) = either.exports.sweep(either.grant)

    assert (back.volume, back.directory) == ("pvc-1", "team/data")
    assert back.found_at == ".holdfast/trash/pvc-1"
    assert (root / "team/data/file").read_text() == "data"
    assert either.exports.sweep(either.grant) == ()


def test_the_next_volumes_directory_under_the_former_ones_name_is_put_back(
    root: Path, either: Leading
) -> None:
    """Rule 4: directories are known by more than their path; the reaper leaves it meanwhile."""
    published(either, "1")
    either.reclaim("pvc-1", "1", Action.DELETE)
    shutil.rmtree(root / ".holdfast/trash/pvc-1")
    published(either, "2")
    (root / "team/data/file").write_text("of 2")
    (root / "team/data").rename(root / ".holdfast/trash/pvc-1")

    assert either.reap() == 1
    (back,) = either.exports.sweep(either.grant)

    assert (back.volume, back.directory) == ("pvc-2", "team/data")
    assert (root / "team/data/file").read_text() == "of 2"
    assert either.reap() == 0


def test_what_nobody_knows_in_the_trash_is_left_alone(root: Path, either: Leading) -> None:
    published(either)
    (root / ".holdfast/trash/odd").mkdir()
    (root / ".holdfast/trash/file").touch()
    (root / ".holdfast/trash/pvc-1").mkdir()
    either.exports.sweep(either.grant)  # makes the reserve
    before = listing(root)

    assert either.exports.sweep(either.grant) == ()
    assert listing(root) == before
    assert {one.name for one in (root / ".holdfast/trash").iterdir()} == {"odd", "file", "pvc-1"}


def test_a_live_volume_of_version_1_is_not_taken_for_one_in_the_trash(
    root: Path, either: Leading
) -> None:
    """Without an inode nothing tells them apart."""
    published(either)
    rewrite(root, "volumes/pvc-1", inode=None)
    (root / ".holdfast/trash/pvc-1").mkdir()

    assert either.exports.sweep(either.grant) == ()


def test_a_term_takes_over_what_was_on_its_way_out(root: Path, either: Leading) -> None:
    """Rule 4: a reclaim or a person's change of mind ends what was begun."""
    for uid in "12":
        published(either, uid, f"team/{uid}")
        (root / f"team/{uid}/file").write_text(uid)
        (term,) = _terms(either, root)
        (root / f"team/{uid}").rename(term / f"-pvc-{uid}")

    assert either.begin().moving == ("pvc-1", "pvc-2")
    assert either.exports.move_back(either.grant, "pvc-1") == "team/1"
    assert either.reclaim("pvc-2", "2", Action.ARCHIVE) == Moved(Outcome.ARCHIVED, "archived-2")
    assert either.exports.move_back(either.grant, "pvc-2") == ""
    assert (root / "team/1/file").read_text() == "1"
    assert either.begin().moving == ()


def test_a_directory_is_not_put_back_over_another(root: Path, either: Leading) -> None:
    published(either)
    (root / "team/data/file").write_text("data")
    (term,) = _terms(either, root)
    (root / "team/data").rename(term / "-pvc-1")
    (root / "team/data").mkdir()

    with pytest.raises(Unsafe, match=r"from \.holdfast/.*: 'team/data' exists"):
        either.exports.move_back(either.grant, "pvc-1")
    assert (term / "-pvc-1/file").read_text() == "data"
    (root / "team/data").rmdir()
    assert [back.directory for back in either.exports.sweep(either.grant)] == ["team/data"]


def test_beginning_a_term_does_not_undo_what_the_api_server_may_know(
    root: Path, either: Leading
) -> None:
    """Rule 4: the directory of a live volume is never undone, though it is being made again."""
    record = either.create(plan())
    (term,) = _terms(either, root)
    (term / "+pvc-1").symlink_to("team/data")
    (term / "+pvc-2").symlink_to("team/other")

    assert either.unconfirmed() == [record]
    assert (root / "team/data").is_dir()
    assert list(root.glob(".holdfast/terms/*/*/+*")) == []


def test_an_adopted_directory_is_what_its_record_says(either: Leading) -> None:
    """Records are written whole and readable, or not at all."""
    for record in (
        adopted(target="../outside"),
        adopted("2", ".."),
    ):
        with pytest.raises(Unsafe):
            either.adopt(record)
    assert either.recorded() == set()
