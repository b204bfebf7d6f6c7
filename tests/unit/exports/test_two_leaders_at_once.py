"""Two leaders that make overlapping directories at the same time: one of them gets it (rule 2)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports import create, fencing, path_owners
from holdfast.exports.errors import Unsafe
from holdfast.exports.interface import DirectorySpec
from holdfast.exports.ledger import Ledger
from holdfast.exports.record import DirectoryTaken, Record
from tests.unit.exports.faults import Crash
from tests.unit.exports.given import Leading, adopted, export_at, plan, published, visible


@pytest.fixture
def first(root: Path) -> Leading:
    """A leader of one cluster."""
    export = export_at(root, cluster="first")
    export.begin()
    return export


@pytest.fixture
def second(root: Path, first: Leading) -> Leading:
    """A leader of another cluster."""
    export = Leading(root, cluster="second")
    export.begin()
    assert export.exports is not first.exports
    return export


@pytest.fixture
def after_its_look(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Has something done after the first look of the next create, before its mark."""
    accepted = path_owners.checked

    def arrange(do: Callable[[], object]) -> None:
        def looked(*args: Any) -> Any:
            found = accepted(*args)
            monkeypatch.setattr(path_owners, "checked", accepted)
            do()
            return found

        monkeypatch.setattr(path_owners, "checked", looked)

    return arrange


def _cut_short(export: Leading, uid: str, directory: str) -> None:
    """A create that ends before its record is there."""

    def crash(*_: object, **__: object) -> None:
        raise Crash

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(create, "_record", crash)
        with pytest.raises(Crash):
            export.create(plan(uid, directory))


def _marks(root: Path, uid: str) -> list[Path]:
    return [*(root / ".holdfast/directories").rglob(f"pvc-{uid}"), *_intents(root, uid)]


def _intents(root: Path, uid: str) -> list[Path]:
    return list((root / ".holdfast/terms").glob(f"*/*/[+]pvc-{uid}"))


@pytest.mark.parametrize(
    ("theirs", "ours"), [("team", "team/data"), ("team/data", "team"), ("data", "data")]
)
def test_what_another_leader_has_made_meanwhile_is_seen_after_the_own_mark(
    first: Leading, second: Leading, after_its_look: Callable[..., None], theirs: str, ours: str
) -> None:
    root = first.root
    after_its_look(lambda: published(first, "1", theirs))

    with pytest.raises(DirectoryTaken):
        second.create(plan("2", ours))

    assert (_marks(root, "2"), second.find("pvc-2")) == ([], None)
    assert theirs in visible(root)


def test_what_another_leader_is_about_to_make_is_waited_for(
    root: Path, first: Leading, second: Leading, after_its_look: Callable[..., None]
) -> None:
    after_its_look(lambda: _cut_short(first, "1", "team"))

    with pytest.raises(Unsafe, match="being created for volume pvc-1"):
        second.create(plan("2", "team/data"))
    assert _marks(root, "2") == []

    first.undo("pvc-1")
    assert second.create(plan("2", "team/data")).directory == "team/data"


def test_what_an_earlier_attempt_had_made_is_removed_by_a_sweep(
    root: Path, first: Leading, second: Leading
) -> None:
    _cut_short(second, "2", "team/data")
    (root / ".holdfast/directories/team/pvc-1").touch()
    (term,) = (root / ".holdfast/terms/first.nfs").glob("[0-9]*")
    (term / "+pvc-1").symlink_to("team")
    with pytest.raises(Unsafe, match="being created for volume pvc-1"):
        second.create(plan("2", "team/data"))
    first.undo("pvc-1")

    second.exports.sweep(second.grant)

    assert (visible(root), _marks(root, "2")) == ([], [])


def test_a_retained_directory_is_taken_up_by_one_of_them(
    root: Path, first: Leading, second: Leading, after_its_look: Callable[..., None]
) -> None:
    published(first, "1", "data", policy="Retain")
    (root / "data/file").write_text("data")

    def take_up() -> None:
        first.create(plan("2", "data"), ["pvc-1"])
        first.confirm("pvc-2")

    after_its_look(take_up)
    with pytest.raises(DirectoryTaken):
        second.create(plan("3", "data"), ["pvc-1"])

    assert (_marks(root, "3"), second.find("pvc-3")) == ([], None)


def test_a_mark_that_was_left_without_an_intent_anywhere_keeps_nobody_out(
    root: Path, first: Leading, second: Leading
) -> None:
    _cut_short(first, "1", "team")
    (intent,) = _intents(root, "1")
    intent.unlink()
    (root / "team").rmdir()

    assert second.create(plan("2", "team/data")).directory == "team/data"


def test_an_intent_that_a_later_term_has_taken_over_counts(
    root: Path, first: Leading, second: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cut_short(first, "1", "team")
    (intent,) = _intents(root, "1")
    with monkeypatch.context() as patch:
        patch.setattr("holdfast.exports.end_unfinished_changes.end_intents", lambda *_: set())
        Leading(root, cluster="first").begin()
    assert not intent.exists()

    with pytest.raises(Unsafe, match="being created for volume pvc-1"):
        second.create(plan("2", "team/data"))


def test_an_adopted_directory_is_not_taken_within_one_that_is_being_made(
    root: Path, first: Leading, second: Leading
) -> None:
    (root / "team/data").mkdir(parents=True)
    (root / ".holdfast/directories/team").mkdir()
    (root / ".holdfast/directories/team/pvc-1").touch()
    (term,) = (root / ".holdfast/terms/first.nfs").glob("[0-9]*")
    (term / "+pvc-1").symlink_to("team")

    with pytest.raises(Unsafe, match="being created for volume pvc-1"):
        second.adopt(adopted("2", "team/data"))

    assert (_marks(root, "2"), second.find("pvc-2")) == ([], None)
    first.undo("pvc-1")
    assert second.adopt(adopted("2", "team/data")).origin == "second"


@pytest.mark.parametrize(
    "theirs",
    [
        plan("2", "team/data/deeper", namespace="others"),
        plan("2", "team/data", namespace="others", use_existing=True),
    ],
)
def test_a_directory_that_is_being_adopted_is_neither_taken_nor_nested_in(
    root: Path, first: Leading, second: Leading, theirs: DirectorySpec
) -> None:
    (root / "team/data").mkdir(parents=True)
    write = Ledger.write

    def as_fast(self: Ledger, record: Record) -> None:
        with pytest.raises(Unsafe, match="being created for volume pvc-1"):
            second.create(theirs)
        write(self, record)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "write", as_fast)
        first.adopt(adopted("1", "team/data"))

    with pytest.raises(DirectoryTaken):
        second.create(theirs)
    assert (_intents(root, "1"), _marks(root, "2")) == ([], [])


def test_where_nobody_else_has_a_mark_no_term_of_others_is_looked_at(
    first: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()

    def spied(_: int, volume: str) -> str:
        asked.append(volume)
        return ""

    monkeypatch.setattr(fencing, "term_with_intent", spied)
    for uid in "123":
        published(first, uid, f"team/data-{uid}")

    assert asked == []


def test_an_archive_is_not_put_where_another_leader_has_just_put_its_mark(
    root: Path, first: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(first, "1", "data")
    mark = Ledger.mark

    def as_fast(self: Ledger, directory: str, volume: str) -> None:
        mark(self, directory, volume)
        if directory == "archived-data":
            mark(self, directory, "pvc-2")

    monkeypatch.setattr(Ledger, "mark", as_fast)
    place = first.reclaim("pvc-1", "1", Action.ARCHIVE).place

    assert place.startswith("archived-data-")
    assert [path.parent.name for path in _marks(root, "1")] == [place]
