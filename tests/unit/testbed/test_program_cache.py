"""A cache entry is there whole or not at all, and made once."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from testbed.errors import ProgramError
from testbed.programs import find_programs
from testbed.programs.cache import Cache

SLOW_GO = """#!/bin/sh
[ $1 = env ] && echo go1.26.0 && exit
echo $7 >> {log}
/bin/sleep 0.2
echo whole > $6
"""


@pytest.fixture
def cache(bare_machine: Path) -> Cache:
    assert bare_machine.is_dir()
    return Cache("key")


def test_an_entry_whose_making_fails_does_not_appear(cache: Cache) -> None:
    def make_half() -> None:
        with cache.locked(print), cache.entry("etcd") as partial:
            partial.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        make_half()

    assert list(cache.path("etcd").parent.glob("etcd*")) == []


def test_an_entry_appears_only_when_it_is_whole(cache: Cache) -> None:
    with cache.locked(print), cache.entry("etcd") as partial:
        partial.write_text("whole")
        assert not cache.path("etcd").exists()

    assert cache.path("etcd").read_text() == "whole"


def test_what_a_killed_maker_left_is_removed_by_the_next(cache: Cache) -> None:
    script = (
        "import os\nfrom testbed.programs.cache import Cache\ncache = Cache('key')\n"
        "with cache.locked(print), cache.entry('etcd') as partial:\n"
        "    partial.write_text('half')\n    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[3], check=False)
    left = cache.path("etcd").parent.glob("etcd*")
    assert [path.read_text() for path in left] == ["half"]

    with cache.locked(print):
        assert [path.name for path in cache.path("etcd").parent.iterdir()] == [".lock"]


def test_two_runs_at_once_build_each_program_once(bare_machine: Path, tmp_path: Path) -> None:
    go = bare_machine / "go"
    go.write_text(SLOW_GO.format(log=tmp_path / "log"))
    go.chmod(0o755)
    lines: list[str] = []

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(find_programs, lines.append) for _ in range(2)]
        first, second = [run.result() for run in runs]

    assert first == second
    assert first.kubectl.read_text() == "whole\n"
    assert len((tmp_path / "log").read_text().splitlines()) == 4
    assert any(line.startswith("waiting for another build to end") for line in lines)


def test_waiting_for_another_build_has_an_end(cache: Cache) -> None:
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with cache.locked(print):
            held.set()
            release.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)
    try:
        with pytest.raises(ProgramError, match="end it and try again"), cache.locked(print, 0.1):
            pytest.fail("two had the lock")
    finally:
        release.set()
        holder.join()
