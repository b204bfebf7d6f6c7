"""Programs end wholly, whatever they started."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.mutants.processes import Ended, Processes
from tests.support import eventually

Run = Callable[..., int | None]
ENVIRONMENT = {"PATH": os.environ["PATH"]}


@pytest.fixture
def processes() -> Processes:
    return Processes()


@pytest.fixture
def run(processes: Processes, tmp_path: Path) -> Run:
    """Runs Python code in a folder."""

    def start(
        code: str, limit: float = 30.0, environment: Mapping[str, str] = ENVIRONMENT
    ) -> int | None:
        with (tmp_path / "output").open("wb") as output:
            return processes.run(
                [sys.executable, "-c", code],
                folder=tmp_path,
                work=tmp_path,
                environment=environment,
                output=output,
                limit=limit,
            )

    return start


def spawning(more: str) -> str:
    """Code that starts a program for ever, writes its number to a file, and ends."""
    return (
        "import pathlib, subprocess\n"
        f"child = subprocess.Popen(['sleep', '600'], {more})\n"
        "pathlib.Path('child').write_text(str(child.pid))\n"
    )


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def test_the_exit_code_is_returned(run: Run) -> None:
    assert run("raise SystemExit(7)") == 7


def test_what_takes_too_long_is_killed(run: Run) -> None:
    assert run("import time; time.sleep(600)", limit=0.2) is None


@pytest.mark.parametrize(
    "more",
    [
        "",
        "start_new_session=True",
        "start_new_session=True, cwd='/'",
        "start_new_session=True, env={}",
    ],
)
def test_what_a_program_leaves_running_is_killed(run: Run, tmp_path: Path, more: str) -> None:
    assert run(spawning(more)) == 0

    child = int((tmp_path / "child").read_text())
    eventually(lambda: not is_running(child), what="the child's end")


def test_at_the_end_all_are_killed_and_none_starts(
    processes: Processes, run: Run, tmp_path: Path
) -> None:
    seen: list[type[Exception]] = []

    def waiting() -> None:
        try:
            run("open('begun', 'w').close(); import time; time.sleep(600)", limit=600.0)
        except Ended as ended:
            seen.append(type(ended))

    thread = threading.Thread(target=waiting)
    thread.start()
    eventually((tmp_path / "begun").exists)
    processes.end()
    thread.join()

    assert seen == [Ended]
    with pytest.raises(Ended):
        run("pass")
