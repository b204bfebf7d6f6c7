"""One replica alone gets a number, also on a full export, where a term begins all the same."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports import fencing
from holdfast.exports.errors import ExportError, Failed, Fenced
from holdfast.exports.export import Export
from holdfast.exports.interface import Leader, Outcome
from tests.unit.exports.faults import refuse_to_open
from tests.unit.exports.given import ID, Leading, export_at, opened, published

TERMS = ".holdfast/terms/cluster.nfs"
LEADER = Leader("cluster", "nfs")
AT_ONCE, ROUNDS = 6, 20

_BEGIN = """
import sys
from pathlib import Path
from holdfast.exports.errors import ExportError
from holdfast.exports.export import Export
from holdfast.exports.interface import Leader
export = Export(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[2])):
    try:
        print(export.begin(Leader("cluster", "nfs")).term.number, flush=True)
    except ExportError:
        pass
"""


def _full(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for name in ("mkdir", "symlink", "write"):
        monkeypatch.setattr(os, name, refuse)


def test_a_full_export_can_be_led_again(export: Leading, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who removes what fills it would not get to work else."""
    published(export)
    _full(monkeypatch)

    assert export.begin().term.number == 2
    assert export.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.TRASHED
    assert export.reap() == 0
    with pytest.raises(Failed, match="the export is full"):
        export.begin()


@pytest.mark.parametrize("once_more", ["sweep", "begin"])
def test_the_spare_folder_is_made_again_once_there_is_room(
    root: Path, export: Leading, once_more: str
) -> None:
    export.begin()
    with pytest.MonkeyPatch.context() as patch:
        _full(patch)
        export.begin()
    assert not (root / TERMS / ".spare").exists()

    if once_more == "begin":
        export.begin()
    else:
        export.exports.sweep(export.grant)

    with pytest.MonkeyPatch.context() as patch:
        _full(patch)
        export.begin()


def _before_the_next_rename(patch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    rename = os.rename

    def late(name: str, target: str, **places: int) -> None:
        patch.setattr(os, "rename", rename)
        act()
        rename(name, target, **places)

    patch.setattr(os, "rename", late)


def test_a_beginning_that_has_counted_gets_no_number_that_another_has_taken_since(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other's folder may hold nothing yet, and its spare one may be there for the taking."""
    export.begin()
    other = Leading(root)

    def meanwhile() -> None:
        assert other.begin().term.number == 2

    _before_the_next_rename(monkeypatch, meanwhile)

    with pytest.raises(Fenced, match="another term of nfs begins"):
        export.begin()
    published(other)


def test_a_number_that_is_free_again_goes_to_nobody(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two terms begin while a third replica is held up, and its look for later ones misses them."""
    export.begin()
    other = Leading(root)

    def meanwhile() -> None:
        assert [other.begin().term.number, other.begin().term.number] == [2, 3]
        monkeypatch.setattr(fencing, "_refuse_if_overtaken", lambda *_: None)

    _before_the_next_rename(monkeypatch, meanwhile)

    with pytest.raises(Fenced, match="another term of nfs begins"):
        export.begin()
    published(other)


def test_a_draft_that_is_put_in_place_while_others_are_removed_is_not_emptied(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty folder could be replaced by another replica's, and both would have its number."""
    export.begin()
    draft, unlink = root / TERMS / ".new-1", os.unlink
    draft.mkdir()
    (draft / ".term").symlink_to(".")

    def late(name: str, **places: int) -> None:
        if draft.exists():
            draft.rename(root / TERMS / f"9.{ID}")
        unlink(name, **places)

    monkeypatch.setattr(os, "unlink", late)
    with suppress(Fenced):
        export.begin()

    placed = root / TERMS / f"9.{ID}"
    assert not placed.exists() or list(placed.iterdir())


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
@pytest.mark.parametrize("name", [f"2.{ID}", "2.a-former-id", f".ended-2.{ID}"])
@pytest.mark.parametrize("leader", [LEADER, Leader("cluster", "new", ("nfs",))], ids=str)
def test_none_begins_before_a_term_that_cannot_be_opened_and_that_is_named(
    root: Path, export: Leading, leader: Leader, name: str, number: int
) -> None:
    """What is in it would be missing, and late calls of its leader could still take effect."""
    published(export)
    export.begin()
    folder = (root / TERMS / f"2.{ID}").rename(root / TERMS / name)
    (root / "team/data").rename(folder / "-pvc-1")

    with pytest.MonkeyPatch.context() as patch:
        refuse_to_open(patch, name, number)
        with pytest.raises(ExportError, match=f"before .holdfast/terms/…/{name} has ended: "):
            Export(root).begin(leader)
    assert (folder / "-pvc-1").is_dir()

    assert Export(root).begin(leader).moving == ("pvc-1",)


def test_no_draft_of_a_beginning_stays(root: Path, export: Leading) -> None:
    export.begin()
    draft = root / TERMS / ".new-1"
    draft.mkdir()
    (draft / ".term").symlink_to(".")
    (root / TERMS / ".new-2").mkdir()

    export.begin()

    assert {path.name for path in (root / TERMS).iterdir()} == {f"2.{ID}", ".spare"}


@pytest.mark.parametrize("is_full", [False, True])
def test_of_threads_that_begin_at_once_each_number_is_one_s(root: Path, *, is_full: bool) -> None:
    export_at(root).begin()
    exports = [Export(root) for _ in range(AT_ONCE)]
    numbers, errors = list[int](), list[ExportError]()
    barrier = threading.Barrier(AT_ONCE)

    def begin(export: Export) -> None:
        barrier.wait(20)
        try:
            numbers.append(export.begin(LEADER).term.number)
        except ExportError as error:
            errors.append(error)

    for _ in range(1 if is_full else ROUNDS):
        with pytest.MonkeyPatch.context() as patch:
            if is_full:
                _full(patch)
            _together([lambda export=export: begin(export) for export in exports])  # type: ignore[misc]

    assert numbers
    assert len(set(numbers)) == len(numbers)
    assert {type(error) for error in errors} <= {Fenced, Failed}


def _together(calls: list[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def test_of_processes_that_begin_at_once_each_number_is_one_s(root: Path) -> None:
    export_at(root).begin()
    replicas = [
        subprocess.Popen(
            [sys.executable, "-c", _BEGIN, str(root), str(ROUNDS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "provisioner")},
        )
        for _ in range(3)
    ]
    for replica in replicas:
        assert replica.stdout is not None
        assert replica.stdout.readline() == "ready\n"

    numbers = [number for told in _answers(replicas) for number in told.split()]

    assert numbers
    assert len(set(numbers)) == len(numbers)


def _answers(replicas: list[subprocess.Popen[str]]) -> list[str]:
    for replica in replicas:
        assert replica.stdin is not None
        replica.stdin.write("\n")
        replica.stdin.flush()
    return [replica.communicate(timeout=60)[0] for replica in replicas]


def test_what_a_beginning_costs_does_not_grow_with_the_volumes(
    export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It needs what is in the making, and none of the other records (rule 6)."""
    costs = []
    for first in (0, 3, 30):
        for number in range(first, first * 10 or 3):
            published(export, str(number), f"team/d{number}")
        costs.append(opened(monkeypatch, export.begin))

    assert costs[0] == costs[1] == costs[2]
