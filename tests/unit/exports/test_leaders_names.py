"""A leader whose name changes has its earlier terms ended all the same (rule 4)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import ExportUnavailable, Fenced, Unsafe
from holdfast.exports.export import Export
from holdfast.exports.interface import Grant, Leader, Outcome, Takeover, Term
from holdfast.exports.operation import Operation
from tests.unit.exports.faults import Crash
from tests.unit.exports.given import ID, Leading, drafts, export_at, found, listing, plan, published

UID = "0a1b"
FORMER = ".holdfast/terms/unknown.nfs"

pytestmark = pytest.mark.usefixtures("export")


class Named(Leading):
    """A leader of any name."""

    def take(self, cluster: str, lease: str, former: tuple[str, ...] = ()) -> Takeover:
        self._takeover = self.exports.begin(Leader(cluster, lease, former))
        return self._takeover


@pytest.fixture
def unknown(root: Path) -> Leading:
    """A leader whose cluster's uid may not be read."""
    return export_at(root, cluster="")


@pytest.fixture
def next_(root: Path, unknown: Leading) -> Named:
    """The next leader, which does not lead yet."""
    unknown.begin()
    return Named(root)


def _left_on_its_way(export: Leading, root: Path, uid: str = "1", directory: str = "data") -> None:
    published(export, uid, directory)
    (root / directory / "file").write_text(directory)
    term = export.takeover.term
    path = f".holdfast/terms/{term.leader.cluster or 'unknown'}.{term.leader.lease}"
    (root / directory).rename(root / path / f"{term.number}.{ID}" / f"-pvc-{uid}")


def test_what_was_on_its_way_while_the_uid_was_unknown_is_carried_over(
    root: Path, unknown: Leading, next_: Named
) -> None:
    _left_on_its_way(unknown, root)

    assert next_.take(UID, "nfs").moving == ("pvc-1",)
    assert next_.reclaim("pvc-1", "1", Action.ARCHIVE).outcome is Outcome.ARCHIVED
    assert (root / "archived-data/file").read_text() == "data"


def test_a_leader_of_unknown_uid_is_fenced_by_one_that_knows_it(
    unknown: Leading, next_: Named
) -> None:
    published(unknown)
    next_.take(UID, "nfs")

    with pytest.raises(Fenced):
        unknown.reclaim("pvc-1", "1", Action.DELETE)
    assert found(next_).in_place


@pytest.mark.parametrize("former", [UID, ""])
def test_a_renamed_lease_s_terms_end_with_the_next_one_s(root: Path, former: str) -> None:
    before, after = Named(root), Named(root)
    before.take(former, "old")
    _left_on_its_way(before, root)

    assert after.take(UID, "new", former=("older", "old")).moving == ("pvc-1",)
    with pytest.raises(Fenced):
        before.create(plan("2", "two"))
    assert after.exports.move_back(after.grant, "pvc-1") == "data"


def test_a_lease_s_name_that_was_not_its_own_is_another_leader_s(root: Path) -> None:
    one, other = Named(root), Named(root)
    one.take(UID, "one")
    other.take(UID, "other", former=("former",))

    one.create(plan())


def test_no_number_of_a_former_name_is_given_twice(root: Path) -> None:
    """A call of the first term could not be told from one of the second."""
    former, named = Named(root), Named(root)
    former.take(UID, "old")
    for _ in range(3):
        named.take(UID, "new", former=("old",))
        assert [path.name for path in (root / f".holdfast/terms/{UID}.old").iterdir()] == [
            "2._ended"
        ]

    back = Named(root)
    assert back.take(UID, "old", former=("new",)).term.number == 3
    with pytest.raises(Fenced):
        named.create(plan())
    with pytest.raises(Fenced):
        former.create(plan())


def test_one_that_begins_under_a_former_name_meanwhile_ends_the_beginning(
    root: Path, next_: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    rmdir = os.rmdir

    def begin_meanwhile(name: str, *, dir_fd: int) -> None:
        rmdir(name, dir_fd=dir_fd)
        if name == f"1.{ID}":
            (root / FORMER / f"3.{ID}").mkdir()

    monkeypatch.setattr(os, "rmdir", begin_meanwhile)

    with pytest.raises(Fenced, match="has begun: this one ends"):
        next_.take(UID, "nfs")


@pytest.mark.parametrize("former", [(), ("old",)])
def test_a_cluster_of_unknown_uid_refuses_where_its_terms_may_be_another_s(
    root: Path, former: tuple[str, ...]
) -> None:
    Named(root).take(UID, "old" if former else "nfs")
    before = listing(root), sorted((root / ".holdfast/terms").rglob("*"))

    with pytest.raises(
        ExportUnavailable, match=f"cluster {UID} .* grant `get` on namespace kube-system"
    ):
        Named(root).take("", "nfs", former=former)
    assert (listing(root), sorted((root / ".holdfast/terms").rglob("*"))) == before


def test_a_cluster_that_never_had_the_right_works_alone(root: Path) -> None:
    for number in (1, 2):
        leading = Named(root)
        assert leading.take("", "nfs").term == Term(Leader("", "nfs"), number, ID)
        published(leading, f"{number}", f"data-{number}")
        leading.reclaim(f"pvc-{number}", f"{number}", Action.DELETE)
        assert leading.reap() == 0


def test_a_cluster_of_another_lease_is_no_reason_to_refuse(root: Path) -> None:
    Named(root).take(UID, "another")

    assert Named(root).take("", "nfs").term.number == 1


@pytest.mark.parametrize(
    ("origin", "other", "why"),
    [("another", "another", "to another cluster, another"), ("", "another", "has no `origin`")],
)
def test_trash_of_another_cluster_s_record_says_why_it_stays(
    root: Path, origin: str, other: str, why: str
) -> None:
    first = Named(root)
    first.take(origin, "nfs")
    published(first)
    first.reclaim("pvc-1", "1", Action.DELETE)
    leading = Named(root)
    if not origin:
        leading.take(other, "another-lease")
    leading.take(UID, "nfs")

    reaped = leading.exports.reap(leading.grant, "pvc-1", 100)

    assert not reaped.done
    [reason] = reaped.blocked
    assert why in reason
    assert (root / ".holdfast/trash/pvc-1").is_dir()


class TestSeveralOfOneVolume:
    """Two leaders' folders hold a directory of the same volume: neither is lost, none is moved."""

    @pytest.fixture
    def leading(self, root: Path, unknown: Leading) -> Named:
        _left_on_its_way(unknown, root)
        folder = root / f".holdfast/terms/{UID}.nfs/1.{ID}/-pvc-1"
        folder.mkdir(parents=True)
        (folder / "file").write_text("other")
        return Named(root)

    def texts(self, root: Path) -> list[str]:
        return sorted(path.read_text() for path in (root / ".holdfast/terms").rglob("-*/file"))

    def test_both_are_kept_and_said(self, root: Path, leading: Named) -> None:
        for number in (2, 3):
            takeover = leading.take(UID, "nfs")

            assert takeover.term.number == number
            assert takeover.moving == ("pvc-1",)
            [sentence] = takeover.unresolved
            assert "several directories of volume pvc-1" in sentence
            assert self.texts(root) == ["data", "other"]

    def test_no_operation_moves_either(self, root: Path, leading: Named) -> None:
        leading.take(UID, "nfs")

        for action in Action:
            with pytest.raises(Unsafe):
                leading.reclaim("pvc-1", "1", action)
        with pytest.raises(Unsafe):
            leading.exports.move_back(leading.grant, "pvc-1")
        leading.exports.sweep(leading.grant)
        assert self.texts(root) == ["data", "other"]

    def test_the_one_that_a_person_leaves_is_the_volume_s(self, root: Path, leading: Named) -> None:
        leading.take(UID, "nfs")
        for path in (root / ".holdfast/terms").rglob("-*/file"):
            if path.read_text() == "other":
                path.parent.rename(root / "elsewhere")

        assert leading.take(UID, "nfs").unresolved == ()
        assert leading.exports.move_back(leading.grant, "pvc-1") == "data"
        assert (root / "data/file").read_text() == "data"

    def test_the_same_holds_for_a_third(self, root: Path, leading: Named) -> None:
        leading.take(UID, "nfs")
        folder = root / FORMER / f"9.{ID}/-pvc-1"
        folder.mkdir(parents=True)
        (folder / "file").write_text("third")

        assert len(leading.take(UID, "nfs").unresolved) == 1
        assert self.texts(root) == ["data", "other", "third"]


@pytest.mark.parametrize("paths", [("one", "two"), ("one", "one")])
def test_of_several_intents_of_one_volume_each_is_ended(
    root: Path, unknown: Leading, paths: tuple[str, str]
) -> None:
    unknown.begin()
    for leader, path in zip(("unknown", UID), paths, strict=True):
        term = root / f".holdfast/terms/{leader}.nfs/1.{ID}"
        term.mkdir(parents=True, exist_ok=True)
        (term / "+pvc-1").symlink_to(path)
        (root / path).mkdir(exist_ok=True)
        (root / path).chmod(0o1700)

    Named(root).take(UID, "nfs")

    assert not any((root / path).exists() for path in paths)
    assert list((root / ".holdfast/terms").rglob("+*")) == []


def test_a_crash_at_each_change_of_the_beginning_leaves_nothing_behind(
    root: Path, unknown: Leading
) -> None:
    _left_on_its_way(unknown, root)
    number, ended = 0, False
    while not ended:
        number += 1
        changes: list[int] = []

        def crash(changes: list[int] = changes, number: int = number) -> None:
            changes.append(1)
            if len(changes) == number:
                raise Crash

        late = Named(root, crash)
        try:
            late.take(UID, "nfs")
            ended = True
        except Crash:
            assert list((root / ".holdfast/terms").rglob("file")) != []

    assert number > 5
    leading = Named(root)
    assert leading.take(UID, "nfs").moving == ("pvc-1",)
    assert drafts(root) == []
    assert leading.exports.move_back(leading.grant, "pvc-1") == "data"


@pytest.mark.parametrize("swept", [True, False])
def test_what_a_replica_of_the_former_name_took_out_later_is_not_called_gone(
    root: Path, monkeypatch: pytest.MonkeyPatch, *, swept: bool
) -> None:
    """While a renamed provisioner is rolled out, both have a lease of their own."""
    former, new = Export(root), Export(root)
    former_leader, leader = Leader("c", "old"), Leader("c", "new", ("old",))
    former.begin(former_leader)
    grant = Grant(new.begin(leader).term)
    new.create(grant, plan("1", "data"))
    new.confirm(grant, "pvc-1")
    (root / "data" / "file").write_text("data")

    with monkeypatch.context() as patch:
        patch.setattr(Operation, "put_down", _cut_short)
        late = Grant(former.begin(former_leader).term)
        with pytest.raises(KeyboardInterrupt):
            former.reclaim(late, "pvc-1", "1", Action.ARCHIVE)
    if swept:
        new.sweep(grant)
    else:
        with pytest.raises(Unsafe, match="another leader is moving the directory"):
            new.reclaim(grant, "pvc-1", "1", Action.ARCHIVE)
        grant = Grant(new.begin(leader).term)

    assert new.reclaim(grant, "pvc-1", "1", Action.ARCHIVE).place == "archived-data"
    assert (root / "archived-data" / "file").exists()


def _cut_short(*_: object) -> None:
    raise KeyboardInterrupt
