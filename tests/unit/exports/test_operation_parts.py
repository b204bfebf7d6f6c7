"""Locks, inodes, and what is remembered of directories that were given up."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from functools import partial
from pathlib import Path

import pytest

from holdfast.exports import fencing, inode
from holdfast.exports.changes import Changes
from holdfast.exports.errors import Fenced, TimedOut, Unsafe
from holdfast.exports.inode import Inode, inode_of
from holdfast.exports.interface import Leader
from holdfast.exports.operation import AbandonedPaths, PathLocks
from tests.support import eventually
from tests.unit.exports.given import ID, Leading


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Inode(1, 5), Inode(1, 5), True),
        (Inode(1, 5), Inode(2, 5), False),
        (Inode(1, 5), Inode(1, 6), False),
        (Inode(1, 0), Inode(1, 6), True),
        (Inode(1, 5), Inode(1, 0), True),
        (Inode(1, 0), Inode(2, 6), False),
        (Inode(), Inode(2, 6), True),
        (Inode(0, 5), Inode(2, 6), False),
        (Inode(), Inode(), True),
    ],
)
def test_what_is_not_known_of_an_inode_stands_against_nothing(
    one: Inode, other: Inode, *, expected: bool
) -> None:
    assert (one.may_be(other), other.may_be(one)) == (expected, expected)


def test_an_inode_has_the_number_and_birth_that_the_system_tells(memory: Path) -> None:
    told = subprocess.run(
        ["stat", "--format=%i %W", str(memory)], capture_output=True, text=True, check=True
    )
    number, birth = map(int, told.stdout.split())
    handle = os.open(memory, os.O_RDONLY)

    found = inode_of(handle)
    os.close(handle)

    assert (found.number, found.birth // 10**9) == (number, birth)


def test_two_directories_are_born_at_different_times(memory: Path) -> None:
    """By the nanosecond: an inode's number is used again at once on some file systems."""
    births = set()
    for name in "ab":
        (memory / name).mkdir()
        handle = os.open(memory / name, os.O_RDONLY)
        births.add(inode_of(handle).birth)
        os.close(handle)
        (memory / name).rmdir()

    assert len(births) == 2 or births == {0}


def test_a_birth_that_a_file_system_does_not_tell_is_not_known(
    memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Old:
        """A C library without statx(2)."""

    handle = os.open(memory, os.O_RDONLY)
    monkeypatch.setattr(inode, "_libc", Old())

    assert inode_of(handle) == Inode(memory.stat().st_ino, 0)
    os.close(handle)


def test_a_directory_is_remembered_for_as_long_as_a_call_may_be_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    abandoned = AbandonedPaths(180)
    abandoned.add("a", "", "a/b")
    now[0] += 100
    abandoned.add("c", "a")

    assert abandoned.all() == ["a", "a/b", "c"]
    now[0] += 80
    assert abandoned.all() == ["a", "a/b", "c"]
    now[0] += 1
    assert abandoned.all() == ["c", "a"]
    now[0] += 100
    assert abandoned.all() == []


def test_only_so_many_directories_are_remembered() -> None:
    abandoned = AbandonedPaths(most=3)
    abandoned.add(*"abcde")

    assert abandoned.all() == ["c", "d", "e"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("team/data", True),
        ("team", True),
        ("tea", False),
        ("team/da", False),
        ("team/data/x", False),
    ],
)
def test_a_late_call_may_have_made_a_directory_and_those_above_it(
    path: str, *, expected: bool
) -> None:
    abandoned = AbandonedPaths()
    abandoned.add("team/data")

    assert abandoned.includes(path) is expected


def test_a_lock_that_is_tried_is_held_or_not_at_once() -> None:
    locks = PathLocks()
    with locks.held("a/b", 20):
        for path, expected in (("a", False), ("a/b", False), ("a/b/c", False), ("a/c", True)):
            with locks.tried(path) as is_held:
                assert is_held is expected
    for _ in range(2):
        with locks.tried("a") as is_held:
            assert is_held


def test_a_lock_is_waited_for_and_given_back_after_an_error() -> None:
    locks, order = PathLocks(), list[str]()

    def wait() -> None:
        with locks.held("a/b", 20):
            order.append("second")

    def hold(waiting: threading.Thread) -> None:
        with locks.held("a", 20):
            waiting.start()
            with locks.tried("a/b") as is_held:
                assert not is_held
            order.append("first")
            raise RuntimeError

    waiting = threading.Thread(target=wait)
    with pytest.raises(RuntimeError):
        hold(waiting)
    waiting.join(20)

    assert order == ["first", "second"]


def test_a_lock_is_waited_for_no_longer_than_the_call_may_last() -> None:
    locks = PathLocks()

    def wait() -> None:
        with locks.held("a/b", 0.01):
            pytest.fail("it was held")

    with locks.held("a", 0), pytest.raises(TimedOut, match="an earlier call on 'a/b'"):
        wait()
    with locks.held("a/b", 0):  # who gave up holds up nobody
        pass


def _has_places(locks: PathLocks, number: int) -> bool:
    return len(locks._places) == number


def test_one_above_many_gets_its_lock_in_its_turn() -> None:
    """Else there would always be one beneath it that came later."""
    locks, order = PathLocks(), list[str]()

    def wait(path: str) -> None:
        with locks.held(path, 20):
            order.append(path)

    threads = [threading.Thread(target=wait, args=(path,)) for path in ("a", "a/c", "b")]
    with locks.held("a/b", 20):
        for number, thread in enumerate(threads[:2], 2):
            thread.start()
            eventually(partial(_has_places, locks, number))
        threads[2].start()
        threads[2].join(20)
        assert order == ["b"]
        with locks.tried("a/c") as is_held:
            assert not is_held
    for thread in threads:
        thread.join(20)

    assert order == ["b", "a", "a/c"]


def test_two_that_begin_the_same_term_do_not_both_have_it(root: Path, export: Leading) -> None:
    """rename(2) makes a number one replica's alone: no term's folder is ever empty."""
    leader = Leader("cluster", "nfs")
    handle = os.open(root / ".holdfast", os.O_RDONLY)
    folder = root / ".holdfast/terms/cluster.nfs"
    export.begin()

    calls: list[int] = []

    def other_is_first() -> None:
        calls.append(1)
        if len(calls) == 1:  # it has counted, and makes its folder now
            (folder / f"2.{ID}/.term").mkdir(parents=True)

    with (
        Changes(other_is_first) as changes,
        pytest.raises(Fenced, match="another term of nfs begins"),
    ):
        fencing.begin(handle, leader, ID, changes)
    os.close(handle)
    assert export.begin().term.number == 3


def test_a_term_that_was_overtaken_while_it_began_is_none(root: Path, export: Leading) -> None:
    """Also by one of the same number under another id, which a person has just given."""
    export.begin()
    for name in ("3", "2"):
        folder = root / f".holdfast/terms/cluster.nfs/{name}.another"
        handle = os.open(root / ".holdfast", os.O_RDONLY)
        calls: list[int] = []

        def overtake(folder: Path = folder, calls: list[int] = calls) -> None:
            if not calls and (folder.parent / f"2.{ID}").exists():
                calls.append(1)
                folder.mkdir()

        with Changes(overtake) as changes, pytest.raises(Fenced, match="has begun: this one ends"):
            fencing.begin(handle, Leader("cluster", "nfs"), ID, changes)
        os.close(handle)
        shutil.rmtree(root / ".holdfast/terms/cluster.nfs")
        (root / f".holdfast/terms/cluster.nfs/1.{ID}").mkdir(parents=True)


def test_what_is_no_term_among_them_is_left_alone(root: Path, export: Leading) -> None:
    export.begin()
    for name in ("odd", ".x", "-1", "0.x"):
        (root / ".holdfast/terms/cluster.nfs" / name).mkdir()

    assert export.begin().term.number == 2
    left = {path.name for path in (root / ".holdfast/terms/cluster.nfs").iterdir()}
    assert left == {f"2.{ID}", ".spare", "odd", ".x", "-1", "0.x"}


def test_a_term_whose_folder_is_filled_again_and_again_is_named(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    export.begin()
    former = root / f".holdfast/terms/cluster.nfs/1.{ID}"
    rmdir = os.rmdir

    def fill(name: str, *, dir_fd: int) -> None:
        if name == former.name:
            (former / "-pvc-1").mkdir()
        rmdir(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "rmdir", fill)

    with pytest.raises(Unsafe, match="cannot be emptied: end the process that writes to it"):
        export.begin()


def test_leaders_have_folders_of_their_own(root: Path, export: Leading) -> None:
    """Several clusters may have one export: neither ends the other's terms."""
    export.begin()
    other = Leading(root, cluster="another")
    assert other.begin().term.number == 1

    for leading in (export, other):
        leading.exports.sweep(leading.grant)
    assert {path.name for path in (root / ".holdfast/terms").iterdir()} == {
        "cluster.nfs",
        "another.nfs",
    }


@pytest.mark.parametrize("lease", ["a/b", "../../x", "\0", "/"])
def test_a_leaders_name_is_one_folders_name(root: Path, export: Leading, lease: str) -> None:
    for cluster in ("cluster", ""):
        with pytest.raises(Unsafe):
            export.exports.begin(Leader(cluster, lease))
    with pytest.raises(Unsafe):
        export.exports.begin(Leader(".hidden", "nfs"))
    assert not (root / ".holdfast/terms").exists()
    assert not (root / "x").exists()


def test_a_long_leaders_name_is_shortened_to_one_of_its_own(export: Leading) -> None:
    terms_ = [
        export.exports.begin(Leader("cluster", "n" * 300 + end)).term.number for end in ("a", "b")
    ]

    assert terms_ == [1, 1]
