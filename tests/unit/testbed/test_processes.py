"""A program that is being started is never lost sight of."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed.processes import Guard, Process


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def number(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """A signal whose handler raises, as Python's own and the demo's do."""
    before = signal.signal(request.param, signal.default_int_handler)
    yield request.param
    signal.signal(request.param, before)


@pytest.fixture
def forked(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The programs that were started; the signal comes before their starter knows them."""
    programs, popen = list[subprocess.Popen[bytes]](), subprocess.Popen

    def interrupted(*arguments: Any, **more: Any) -> subprocess.Popen[bytes]:
        programs.append(popen(*arguments, **more))
        signal.raise_signal(number)
        return programs[-1]

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    yield programs
    for program in programs:
        program.kill()
        program.wait()


def test_a_signal_in_the_moment_of_a_start_leaves_no_program_behind(
    tmp_path: Path, number: signal.Signals, forked: list[subprocess.Popen[bytes]]
) -> None:
    process = Process(["sleep", "60"], log=tmp_path / "log", ready=lambda: False, guard=Guard())

    with pytest.raises(KeyboardInterrupt):
        process.start()

    assert [child.poll() for child in forked] == [-signal.SIGKILL, 0]  # it and its guard
    assert signal.getsignal(number) is signal.default_int_handler
