"""The operations on an export that tests go through step by step, and what is there before each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast.claims.objects import ClaimRef
from holdfast.claims.ownership import Ownership
from holdfast.claims.parameters import Action
from holdfast.exports import tree
from tests.unit.exports.given import ID, Leading, adopted, joining_at_once, plan, published


@dataclass(frozen=True)
class Operation:
    """What is there before, and what is done to it."""

    run: Callable[[Leading], Any]
    before: Callable[[Leading, Path], object] = lambda _, __: None
    in_part: Any = None  # what it gives where it could not do all of it


def _reclaim(action: Action, uid: str = "1") -> Callable[[Leading], Any]:
    return lambda export: export.reclaim(f"pvc-{uid}", uid, action)


def _live(export: Leading, root: Path, **of: Any) -> None:
    published(export, **of)
    (root / "team/data/file").write_text("data")


def _retained(export: Leading, root: Path) -> None:
    _live(export, root)
    (root / "team/data").chmod(0o750)
    _reclaim(Action.RETAIN)(export)


def _taken_up(export: Leading, root: Path) -> None:
    _retained(export, root)
    export.create(plan("2"), ["pvc-1"])


def _shared(export: Leading, root: Path) -> None:
    _live(export, root, shared=True)
    published(export, "2", shared=True)


def _left(export: Leading, root: Path) -> None:
    _shared(export, root)
    _reclaim(Action.ARCHIVE)(export)


def _with_data(export: Leading, root: Path) -> None:
    export.create(plan())
    (root / "team/data/file").write_text("data")


def _kept(export: Leading, root: Path) -> None:
    _with_data(export, root)
    export.undo("pvc-1")


def _gone(export: Leading, root: Path) -> None:
    published(export)
    (root / "team/data").rmdir()


def _name_taken(export: Leading, root: Path) -> None:
    _live(export, root)
    (root / "archived-data").mkdir()


def _trashed(export: Leading, root: Path) -> None:
    _live(export, root)
    (root / "team/data/folder/folder").mkdir(parents=True)
    (root / "team/data/folder/file").write_text("data")
    _reclaim(Action.DELETE)(export)


def _create(uid: str = "1", directory: str = "team/data", **of: Any) -> Callable[[Leading], Any]:
    return lambda export: export.create(plan(uid, directory, **of))


def _begun(export: Leading, _: Path) -> None:
    export.create(plan())


def undone_halfway(export: Leading, root: Path, **of: Any) -> None:
    """An undo has moved the directory to the term's folder, and failed."""
    export.create(plan(**of))
    (term,) = root.glob(".holdfast/terms/*/[0-9]*")
    (root / "team/data").rename(term / "-pvc-1")


def _undone(export: Leading, root: Path) -> None:
    """An undo has removed the directory, and failed."""
    export.create(plan())
    (root / "team/data").rmdir()


def _undone_with_data(export: Leading, root: Path) -> None:
    undone_halfway(export, root)
    (term,) = root.glob(".holdfast/terms/*/[0-9]*")
    (term / "-pvc-1/file").write_text("data")


def _undone_while_shared(export: Leading, root: Path) -> None:
    undone_halfway(export, root, shared=True)
    with joining_at_once():
        published(export, "2", shared=True)


def _moving(export: Leading, root: Path, directory: str = "team/data") -> None:
    published(export, "1", directory)
    (root / directory / "file").write_text("data")
    (term,) = root.glob(".holdfast/terms/*/[0-9]*")
    (root / directory).rename(term / "-pvc-1")
    export.begin()


def _aimed(export: Leading, root: Path) -> None:
    """An archive was begun, and its name is reserved."""
    _live(export, root)
    record = root / ".holdfast/volumes/pvc-1"
    record.write_text(record.read_text().replace('"target": ""', '"target": "archived-data"'))
    (root / ".holdfast/directories/archived-data").mkdir(0o700)
    (root / ".holdfast/directories/archived-data/pvc-1").touch(0o600)
    (root / "archived-data").mkdir()
    (root / "archived-data").chmod(tree.HALF_MADE)


def _aimed_and_there(export: Leading, root: Path) -> None:
    """An archive is complete but for its record."""
    _aimed(export, root)
    (root / "archived-data").rmdir()
    (root / "team/data").rename(root / "archived-data")


def _misplaced(export: Leading, root: Path) -> None:
    """And one file of the reserve is missing."""
    _live(export, root)
    export.exports.sweep(export.grant)
    (root / ".holdfast/reserve/00").unlink()
    (root / "team/data").rename(root / ".holdfast/trash/pvc-1")


def _update(export: Leading) -> Any:
    claim = ClaimRef("team", "renamed", "2")
    return export.exports.update_record(export.grant, "pvc-1", claim, "2Gi", "Retain")


def _move_back(export: Leading) -> None:
    """What it gives is said once only."""
    export.exports.move_back(export.grant, "pvc-1")


def _recover(policy: str) -> Callable[[Leading], None]:
    """What it gives is said once only."""

    def run(export: Leading) -> None:
        export.exports.recover(export.grant, "pvc-1", policy)

    return run


def _archived(export: Leading, root: Path) -> None:
    _live(export, root)
    _reclaim(Action.ARCHIVE)(export)


def _trashed_one_of_two(export: Leading, root: Path) -> None:
    _shared(export, root)
    _reclaim(Action.DELETE)(export)


def _sweep(export: Leading) -> None:
    """What it gives is said once only."""
    export.exports.sweep(export.grant)


OPERATIONS = {
    "initialise": Operation(lambda export: export.exports.initialise(ID)),
    "create": Operation(_create(ownership=Ownership(0o2770))),
    "create deep down": Operation(_create("1", "a/b/c/d")),
    "create where a directory is found": Operation(
        _create(use_existing=True),
        lambda _, root: (root / "team/data").mkdir(0o711, parents=True),
    ),
    "create beside another": Operation(
        _create("2", "team/other"), lambda export, _: published(export)
    ),
    "create what is shared": Operation(
        _create("2", shared=True), lambda export, root: _live(export, root, shared=True)
    ),
    "create what was retained": Operation(
        lambda export: export.create(plan("2"), ["pvc-1"]), _retained
    ),
    "create after the class was edited": Operation(_create("1", "elsewhere/data"), _begun),
    "create after an undo that failed": Operation(_create(), undone_halfway),
    "create after an undo that failed later": Operation(_create(), _undone),
    "serve after an undo that failed where data is": Operation(_create(), _undone_with_data),
    "create after an undo that failed and another has the path": Operation(
        _create(shared=True), _undone_while_shared
    ),
    "create after an undo that kept the directory": Operation(
        lambda export: export.create(plan(), ["pvc-1"]), _kept
    ),
    "create elsewhere after an undo that failed": Operation(
        _create("1", "elsewhere/data"), undone_halfway
    ),
    "undo after an undo that failed": Operation(
        lambda export: export.undo("pvc-1"), undone_halfway
    ),
    "create again while in use": Operation(_create(), _live),
    "confirm": Operation(lambda export: export.confirm("pvc-1"), _begun),
    "confirm what was taken up": Operation(lambda export: export.confirm("pvc-2"), _taken_up),
    "undo": Operation(lambda export: export.undo("pvc-1"), _begun),
    "undo where data is": Operation(lambda export: export.undo("pvc-1"), _with_data),
    "undo what was taken up": Operation(lambda export: export.undo("pvc-2"), _taken_up),
    "adopt": Operation(lambda export: export.adopt(adopted())),
    "adopt in place of a volume that is gone": Operation(
        lambda export: export.exports.adopt(export.grant, adopted(), ("pvc-2",)),
        lambda export, root: _live(export, root, uid="2"),
    ),
    "delete": Operation(_reclaim(Action.DELETE), _live),
    "archive": Operation(_reclaim(Action.ARCHIVE), _live),
    "archive where the name is taken": Operation(_reclaim(Action.ARCHIVE), _name_taken),
    "retain": Operation(_reclaim(Action.RETAIN), _live),
    "delete what others share": Operation(_reclaim(Action.DELETE), _shared),
    "retain what others share": Operation(_reclaim(Action.RETAIN), _shared),
    "delete what is to be archived for another": Operation(_reclaim(Action.DELETE, "2"), _left),
    "delete what is gone": Operation(_reclaim(Action.DELETE), _gone),
    "delete what nobody confirmed": Operation(_reclaim(Action.DELETE), _with_data),
    "archive what nobody confirmed": Operation(_reclaim(Action.ARCHIVE), _with_data),
    "delete what was taken up and nobody confirmed": Operation(
        _reclaim(Action.DELETE, "2"), _taken_up
    ),
    "archive what was deleted": Operation(_reclaim(Action.ARCHIVE), _trashed),
    "retain what was deleted": Operation(_reclaim(Action.RETAIN), _trashed),
    "retain what was deleted and others share": Operation(
        _reclaim(Action.RETAIN), _trashed_one_of_two
    ),
    "put back": Operation(_move_back, _moving),
    "put back at the top": Operation(
        _move_back, lambda export, root: _moving(export, root, "data")
    ),
    "put back what was to be archived": Operation(_move_back, _aimed),
    "put back what is archived but for its record": Operation(_move_back, _aimed_and_there),
    "archive what was to be archived": Operation(_reclaim(Action.ARCHIVE), _aimed),
    "delete what was to be archived": Operation(_reclaim(Action.DELETE), _aimed),
    "retain what was to be archived": Operation(_reclaim(Action.RETAIN), _aimed),
    "delete what was on its way out": Operation(_reclaim(Action.DELETE), _moving),
    "retain what was on its way out": Operation(_reclaim(Action.RETAIN), _moving),
    "update_record": Operation(_update, _live),
    "reap": Operation(lambda export: export.reap(), _trashed, in_part=1),
    "recover": Operation(_recover("Retain"), _trashed),
    "recover what was archived": Operation(_recover("Retain"), _archived),
    "recover what others share": Operation(_recover("Delete"), _trashed_one_of_two),
    "sweep": Operation(_sweep, _misplaced),
}
