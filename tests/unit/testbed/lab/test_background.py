"""Processes that outlive who started them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from testbed.errors import LabError
from testbed.lab.background import Background
from testbed.waiting import until

FOREVER = ["sleep", "600"]


@pytest.fixture
def process(tmp_path: Path) -> Background:
    return Background("sleeper", tmp_path / "record", tmp_path / "log")


def test_a_process_is_known_by_its_record_alone(process: Background) -> None:
    process.start(FOREVER)
    try:
        assert Background("same", process.record, process.log).pid() == process.pid() is not None
    finally:
        process.kill()

    assert process.pid() is None


def test_it_outlives_who_started_it(process: Background) -> None:
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from testbed.lab.background import Background\n"
        f"Background('sleeper', *map(Path, sys.argv[1:])).start({FOREVER!r})\n"
    )
    subprocess.run(
        [sys.executable, "-c", script, process.record, process.log], check=True, timeout=30
    )
    try:
        assert process.pid() is not None
    finally:
        process.kill()


def test_another_process_of_the_same_number_is_not_taken_for_it(process: Background) -> None:
    process.record.write_text(json.dumps({"pid": os.getpid(), "started": 1}))

    assert process.pid() is None
    process.kill()  # which would end this test


def test_one_that_starts_itself_anew_stays_the_same(process: Background) -> None:
    process.start(["sh", "-c", "sleep 0.1; exec sleep 600"])
    try:
        pid = process.pid()
        until(lambda: b"600" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"))

        assert process.pid() == pid
    finally:
        process.kill()


def test_a_half_written_record_is_no_process(process: Background) -> None:
    process.record.write_text('{"pid": 1')

    assert process.pid() is None


def test_how_it_ended_is_said_with_the_end_of_its_log(process: Background) -> None:
    process.start(["sh", "-c", "echo first; echo the reason"])
    assert process.await_end(10)

    with pytest.raises(LabError, match=r"(?s)sleeper ended; .*log ends with:\nfirst\nthe reason"):
        process.raise_if_ended()


def test_waiting_for_an_end_that_does_not_come_ends(process: Background) -> None:
    process.start(FOREVER)
    try:
        assert not process.await_end(0.1)
    finally:
        process.kill()


def test_its_uptime_is_counted_from_its_start(process: Background) -> None:
    process.start(FOREVER)
    try:
        assert 0 <= process.uptime() < 30
    finally:
        process.kill()

    assert process.uptime() == 0
