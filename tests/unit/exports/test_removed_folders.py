"""A folder that is filled while it is being removed is at its path again, whatever happens."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports import removed_folders, tree
from holdfast.exports.errors import TimedOut
from holdfast.exports.interface import Grant
from holdfast.exports.record import Record
from tests.unit.exports.given import ID, Leading, drafts, plan, published, visible

TERM = f".holdfast/terms/cluster.nfs/1.{ID}"


@pytest.fixture
def other(root: Path, export: Leading) -> Leading:
    """A leader of another cluster on the same export, in which a volume is the last in `team`."""
    published(export, "1", "team/data")
    made = Leading(root, cluster="other")
    made.begin()
    return made


def _filled(root: Path, other: Leading) -> Callable[[], object]:
    """Creates a volume in `team`, with a file."""

    def fill() -> None:
        published(other, "2", "team/other")
        (root / "team/other/file").write_text("live")

    return fill


def _around(
    monkeypatch: pytest.MonkeyPatch,
    before: Callable[[], object],
    after: Callable[[], object] = lambda: None,
    path: str = "team",
) -> None:
    """Has something happen right before and after the first rename(2) of a name."""
    rename = os.rename

    def held(name: str, target: str, **places: int) -> None:
        if name != path:
            rename(name, target, **places)
            return
        monkeypatch.setattr(os, "rename", rename)
        before()
        rename(name, target, **places)
        after()

    monkeypatch.setattr(os, "rename", held)


def _kill() -> None:
    raise SystemExit


def _files(root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in root.rglob("file")]


def test_a_parent_is_back_at_once_though_the_time_of_the_call_is_up(
    root: Path, export: Leading, other: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = Grant(export.takeover.term, 30.0)
    _around(monkeypatch, _filled(root, other), lambda: object.__setattr__(grant, "until", 0.0))

    export.exports.reclaim(grant, "pvc-1", "1", Action.DELETE)

    assert _files(root) == ["team/other/file"]


def test_a_parent_is_put_back_by_the_next_term_after_the_leader_was_killed(
    root: Path, export: Leading, other: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    _around(monkeypatch, _filled(root, other), _kill)
    with pytest.raises(SystemExit):
        export.reclaim("pvc-1", "1", Action.DELETE)
    _displaced(root)

    assert Leading(root).begin().unresolved == ()

    assert _files(root) == ["team/other/file"]
    assert drafts(root) == []


def _displaced(root: Path, uid: str = "2") -> None:
    """Moves `team` to where a kill leaves it."""
    if (root / "team").exists():
        (root / "team").rename(root / TERM / removed_folders.name_of("team", f"0-{uid}"))


def test_the_sweep_tells_the_volumes_of_a_parent_that_the_term_has_put_back(
    root: Path, export: Leading
) -> None:
    published(export, "2", "team/other")
    (root / "team/other/file").write_text("live")
    _displaced(root)
    following = Leading(root)
    following.begin()

    [back] = following.exports.sweep(following.grant)

    assert (back.volume, back.directory, back.reason) == ("pvc-2", "team/other", "")
    assert back.found_at.endswith("-team")
    assert following.exports.sweep(following.grant) == ()


def test_the_sweep_puts_back_what_the_call_could_not(
    root: Path, export: Leading, other: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, fill = os.rename, _filled(root, other)

    def fail(name: str, target: str, **places: int) -> None:
        if target == "team":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if name == "team":
            fill()
        rename(name, target, **places)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", fail)
        export.reclaim("pvc-1", "1", Action.DELETE)
    assert _files(root) != ["team/other/file"]

    [back] = export.exports.sweep(export.grant)

    assert (back.volume, back.directory) == ("", "team")  # the volume is the other cluster's
    assert _files(root) == ["team/other/file"]


def test_a_volume_of_the_same_parent_is_created_beside_those_that_are_put_back(
    root: Path, export: Leading
) -> None:
    published(export, "2", "team/other")
    (root / "team/other/file").write_text("live")
    _displaced(root)

    published(export, "3", "team/third")

    assert visible(root) == ["team", "team/other", "team/other/file", "team/third"]


def test_what_an_administrator_puts_into_a_parent_stays(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(export, "1", "team/data")
    _around(monkeypatch, lambda: (root / "team/file").write_text("somebody's"))

    export.reclaim("pvc-1", "1", Action.DELETE)

    assert visible(root) == ["team", "team/file"]


def test_one_whose_path_is_in_use_is_left_and_said(root: Path, export: Leading) -> None:
    published(export, "2", "team/other")
    (root / "team/other/file").write_text("live")
    _displaced(root)
    (root / "team").mkdir()
    (root / "team/file").write_text("another")

    [one] = export.exports.sweep(export.grant)

    assert (one.volume, one.directory) == ("pvc-2", "team/other")
    assert "created again meanwhile" in one.reason
    assert (root / "team/file").read_text() == "another"


def test_one_that_nobody_has_filled_is_removed(root: Path, export: Leading) -> None:
    published(export, "1", "team/data")
    (root / TERM / removed_folders.name_of("old", "0-1")).mkdir()

    assert export.exports.sweep(export.grant) == ()
    assert drafts(root) == []
    assert visible(root) == ["team", "team/data"]


def test_a_placeholder_that_has_become_a_volumes_directory_stays_though_it_is_empty(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another cluster's volume takes the placeholder of a create that is being undone."""
    other = Leading(root, cluster="other")
    other.begin()
    export.begin()
    (root / TERM / "+pvc-1").symlink_to("data")
    (root / "data").mkdir()
    (root / "data").chmod(tree.HALF_MADE)
    _around(monkeypatch, lambda: published(other, "2", "data"), path="data")
    inode = (root / "data").stat().st_ino

    export.undo("pvc-1")

    assert (root / "data").stat().st_ino == inode


def test_a_directory_that_turns_out_to_be_another_is_back_though_the_call_is_killed(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person puts another one at the path right before it is moved away."""
    published(export, "1", "data")

    def replace() -> None:
        (root / "data").rename(root / "old")
        (root / "data").mkdir()
        (root / "data/file").write_text("another")

    opened = os.open

    def killed(path: str, *given: int, **place: int) -> int:
        if path == "-pvc-1" and (root / TERM / "-pvc-1").exists():
            raise SystemExit
        return opened(path, *given, **place)

    _around(monkeypatch, replace, path="data")
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", killed)
        with pytest.raises(SystemExit):
            export.reclaim("pvc-1", "1", Action.DELETE)

    assert (root / "data/file").read_text() == "another"


def test_a_create_keeps_its_parent_from_being_removed_until_its_directory_is_there(
    export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is held up between its look at the parent and mkdir(2)."""
    published(export, "1", "team/data")
    is_in, may_go_on, mkdir, moved = threading.Event(), threading.Event(), os.mkdir, list[str]()
    made: list[Record] = []

    def held(name: str, mode: int = 0o777, **place: int) -> None:
        if name == "other":
            is_in.set()
            assert may_go_on.wait(30)
        mkdir(name, mode, **place)

    monkeypatch.setattr(os, "mkdir", held)
    monkeypatch.setattr("holdfast.exports.ledger.Ledger.is_unused", lambda _, __: True)
    rename = os.rename

    def spied(name: str, target: str, **places: int) -> None:
        moved.append(name)
        rename(name, target, **places)

    monkeypatch.setattr(os, "rename", spied)
    creating = threading.Thread(
        target=lambda: made.append(export.create(plan("2", "team/other"))), daemon=True
    )
    creating.start()
    assert is_in.wait(30)
    with pytest.raises(TimedOut):
        export.exports.reclaim(Grant(export.takeover.term, 1.0), "pvc-1", "1", Action.DELETE)
    may_go_on.set()
    creating.join(30)

    assert "team" not in moved
    assert [record.volume for record in made] == ["pvc-2"]


def test_a_create_that_hangs_holds_up_no_reclaim_in_its_parent(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its mark is there already, so that the parent is in use (rule 6)."""
    published(export, "1", "team/data")
    is_in, may_go_on, mkdir = threading.Event(), threading.Event(), os.mkdir

    def held(name: str, mode: int = 0o777, **place: int) -> None:
        if name == "other":
            is_in.set()
            assert may_go_on.wait(30)
        mkdir(name, mode, **place)

    monkeypatch.setattr(os, "mkdir", held)
    creating = threading.Thread(target=export.create, args=[plan("2", "team/other")], daemon=True)
    creating.start()
    assert is_in.wait(30)

    export.reclaim("pvc-1", "1", Action.DELETE)
    may_go_on.set()
    creating.join(30)

    assert visible(root) == ["team", "team/other"]


def test_a_path_that_is_too_long_for_a_name_is_removed_in_place(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = "n" * 250
    published(export, "1", f"{parent}/data")
    _around(monkeypatch, lambda: pytest.fail("it was moved"), path=parent)

    export.reclaim("pvc-1", "1", Action.DELETE)

    assert visible(root) == []


@pytest.mark.parametrize("path", ["team", "a/b", "a~1/%2F/~", "ä/ö", "a-1-b"])
def test_the_name_of_a_removed_folder_says_its_path(path: str) -> None:
    name = removed_folders.name_of(path, "0a-1")

    assert removed_folders.path_of(tree.entry_name(name)) == path
    assert "~" not in name  # which has another meaning in a term's folder
