"""What the lab says when this machine is not enough for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.errors import LabError
from testbed.lab import host
from testbed.lab.machines import MACHINES

GIB = 1 << 30


def test_enough_is_enough() -> None:
    host.check_memory(MACHINES, 16 * GIB, 16 * GIB)
    host.check_disk(50 * GIB, Path("/somewhere"))


def test_too_little_memory_says_how_much_is_needed_and_there() -> None:
    with pytest.raises(LabError, match=r"4 machines need 9\.0 GiB, and there are 4\.0 GiB of mem"):
        host.check_memory(MACHINES, 4 * GIB, 16 * GIB)


def test_too_little_shared_memory_is_named_as_such() -> None:
    with pytest.raises(LabError, match=r"8\.0 GiB in /dev/shm; free some, or name fewer"):
        host.check_memory(MACHINES, 16 * GIB, 8 * GIB)


def test_machines_that_run_already_need_no_more() -> None:
    host.check_memory([], 0, 0)


def test_too_little_disk_says_where_to_make_room() -> None:
    with pytest.raises(LabError, match=r"disks in /somewhere need 20 GiB, and 3\.0 GiB are free"):
        host.check_disk(3 * GIB, Path("/somewhere"))


def test_who_is_not_root_is_told_why_the_lab_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(LabError, match=r"the lab needs root, .*; run it with sudo"):
        host.check_root()


def test_where_there_is_no_apt_the_lab_says_what_it_is_made_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(LabError, match="needs a Debian with apt-get"):
        host.check_apt()
