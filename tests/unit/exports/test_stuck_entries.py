"""What of an earlier term cannot be moved is its volume's trouble alone (rule 6)."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import Fenced, Unsafe
from holdfast.exports.interface import Grant, Outcome
from tests.unit.exports.given import ID, Leading, found, plan, published

TERMS = ".holdfast/terms/cluster.nfs"


@dataclass
class BadBlock:
    """Neither renames, removes nor unlinks these names."""

    names: set[str] = field(default_factory=set)

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(name: str, *args: Any, **kwargs: Any) -> Any:
            if name in self.names:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return call(name, *args, **kwargs)

        return wrapped


@pytest.fixture
def bad(monkeypatch: pytest.MonkeyPatch) -> Iterator[BadBlock]:
    made = BadBlock()
    for name in ("rename", "unlink", "rmdir"):
        monkeypatch.setattr(os, name, made.around(getattr(os, name)))
    yield made
    made.names.clear()


@pytest.fixture(autouse=True)
def term(root: Path, export: Leading) -> Path:
    """The folder of the first term: two volumes' directories are on their way out."""
    folder = root / TERMS / f"1.{ID}"
    for uid in ("1", "2"):
        published(export, uid, f"data-{uid}")
        (root / f"data-{uid}/file").write_text(uid)
        (root / f"data-{uid}").rename(folder / f"-pvc-{uid}")
    return folder


def _aside(root: Path) -> list[str]:
    return sorted(path.name for path in (root / TERMS).glob(".ended-*"))


@pytest.mark.parametrize("entry", ["-pvc-1", "+pvc-3", ".draft-1", ".draft-2"])
def test_the_other_volumes_have_a_leader(
    root: Path, export: Leading, term: Path, bad: BadBlock, entry: str
) -> None:
    grant = export.grant
    (term / "+pvc-3").symlink_to("data-3")
    (term / ".draft-1").write_text("half")
    (term / ".draft-2").mkdir()
    bad.names.add(entry)

    takeover = Leading(root).begin()

    assert takeover.moving == ("pvc-1", "pvc-2")
    assert [
        sentence
        for sentence in takeover.unresolved
        if "cannot move what an earlier term left" in sentence
    ]
    assert not term.exists()
    assert [path.name for path in (root / TERMS / f".ended-1.{ID}").iterdir()] == [entry]
    with pytest.raises(Fenced):
        export.exports.create(grant, plan("4", "data-4"))
    export.begin()
    assert export.reclaim("pvc-2", "2", Action.DELETE).outcome is Outcome.TRASHED
    assert export.reap() == 0


def test_the_volume_of_what_is_stuck_has_to_wait(
    root: Path, export: Leading, bad: BadBlock
) -> None:
    """To look for it nowhere would be to call it gone, and its record with it."""
    bad.names.add("-pvc-1")

    for _ in range(2):
        export.begin()
        for action in Action:
            with pytest.raises(Unsafe, match="what earlier terms left of volume pvc-1"):
                export.reclaim("pvc-1", "1", action)
        with pytest.raises(Unsafe):
            export.exports.move_back(export.grant, "pvc-1")
        move_back = export.exports.sweep(export.grant)
        assert all(one.reason for one in move_back if one.volume == "pvc-1")
        assert found(export).in_place
        assert (root / TERMS / f".ended-1.{ID}/-pvc-1/file").read_text() == "1"


@pytest.mark.parametrize("retry", ["sweep", "begin"])
def test_it_is_carried_over_once_it_can_be_moved(
    root: Path, export: Leading, bad: BadBlock, retry: str
) -> None:
    bad.names.add("-pvc-1")
    export.begin()
    bad.names.clear()

    if retry == "begin":
        assert export.begin().unresolved == ()
    export.exports.sweep(export.grant)

    assert (root / "data-1/file").read_text() == "1"
    assert _aside(root) == []
    assert export.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.TRASHED


def test_one_that_is_stuck_on_the_second_half_of_the_way_keeps_nobody_from_beginning(
    root: Path, export: Leading, bad: BadBlock
) -> None:
    bad.names.add("-pvc-1")
    export.begin()
    bad.names = {"-pvc-1~1"}
    export.begin()

    with pytest.raises(Unsafe, match="what earlier terms left of volume pvc-1"):
        export.reclaim("pvc-1", "1", Action.DELETE)
    assert export.reclaim("pvc-2", "2", Action.DELETE).outcome is Outcome.TRASHED

    bad.names.clear()
    export.begin()
    assert export.exports.move_back(export.grant, "pvc-1") == "data-1"
    assert (root / "data-1/file").read_text() == "1"


def test_a_call_under_way_sees_that_its_term_is_over(
    root: Path, export: Leading, bad: BadBlock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its handle of the folder is good still."""
    bad.names.add("-pvc-1")
    make, calls = os.mkdir, list[str]()

    def mkdir(name: str, *args: int, **place: int) -> None:
        make(name, *args, **place)
        if name == "data-4":
            monkeypatch.setattr(os, "mkdir", make)
            Leading(root).begin()
            calls.append(name)

    monkeypatch.setattr(os, "mkdir", mkdir)

    with pytest.raises(Fenced):
        export.create(plan("4", "data-4"))
    assert calls
    assert export.recorded() == {"pvc-1", "pvc-2"}


def test_what_a_late_call_moves_into_a_folder_set_aside_is_moved_back(
    root: Path, export: Leading, term: Path, bad: BadBlock
) -> None:
    handle = os.open(term, os.O_RDONLY)
    bad.names.add("-pvc-1")
    export.begin()
    published(export, "5", "data-5")
    (root / "data-5/file").write_text("5")
    os.rename(root / "data-5", "-pvc-5", dst_dir_fd=handle)
    os.close(handle)

    back = export.exports.sweep(export.grant)

    assert "data-5" in {one.directory for one in back}
    assert (root / "data-5/file").read_text() == "5"


def test_a_draft_that_holds_something_is_kept_and_said(root: Path, export: Leading) -> None:
    draft = root / TERMS / f"1.{ID}/.draft-1"
    draft.mkdir()
    (draft / "file").write_text("somebody's")

    for number in (2, 3):
        takeover = export.begin()
        assert takeover.term.number == number
        [sentence] = takeover.unresolved
        assert f".left-1.{ID}.draft-1" in sentence
    assert (root / TERMS / f".left-1.{ID}.draft-1/file").read_text() == "somebody's"
    assert not draft.parent.exists()


def test_a_grant_of_a_term_set_aside_is_worth_nothing(
    root: Path, export: Leading, bad: BadBlock
) -> None:
    grant: Grant = export.grant
    bad.names.add("-pvc-1")
    Leading(root).begin()

    for call in (export.exports.sweep, lambda one: export.exports.undo(one, "pvc-1")):
        with pytest.raises(Fenced):
            call(grant)


def test_the_sweep_carries_nothing_over_while_an_operation_is_about_the_same_volume(
    root: Path, export: Leading, bad: BadBlock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its looks the directory would be neither here nor there, and called gone."""
    bad.names.add("-pvc-1")
    export.begin()
    bad.names.clear()
    export.begin()
    (root / TERMS / f".ended-1.{ID}").mkdir()
    late = root / TERMS / f".ended-1.{ID}" / "-pvc-2"
    late.mkdir()
    exports = export.exports
    exports._sweep._has_stuck = True  # type: ignore[attr-defined]
    rename, swept = os.rename, list[int]()

    def sweep(name: str, target: str, **places: int) -> None:
        monkeypatch.setattr(os, "rename", rename)
        exports.sweep(export.grant)
        swept.append(len(list(late.parent.iterdir())))
        rename(name, target, **places)

    monkeypatch.setattr(os, "rename", sweep)

    assert export.reclaim("pvc-2", "2", Action.DELETE).outcome is Outcome.TRASHED
    assert swept == [1]
    exports.sweep(export.grant)
    assert not late.exists()
