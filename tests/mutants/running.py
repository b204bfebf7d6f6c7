"""Tries the mutants of several packages side by side, and leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from tests.mutants.mutant import Mutant
from tests.mutants.packages import Package, Project
from tests.mutants.processes import Processes, kill_strays
from tests.mutants.trial import Laboratory, Outcome, Subject

Chosen = Mapping[Package, Sequence[Mutant]]
Told = Callable[[Outcome], None]

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def outcomes(
    project: Project, chosen: Chosen, workers: int, told: Told
) -> dict[str, list[Outcome]]:
    """What became of the mutants, by package and in their order; each is told as it is known.

    Raises:
        MutantsError: the tests do not pass without a mutant.
    """
    with _folder() as folder, _pool(workers) as (pool, processes):
        laboratory = Laboratory(project, folder, processes)
        subjects = list(_gathered(pool.submit(laboratory.baseline, package) for package in chosen))
        controls = [pool.submit(subject.control) for subject in subjects]
        trials = list(_trials(pool, subjects, chosen))
        futures: list[Future[Outcome] | Future[None]] = [*controls, *trials]
        for future in as_completed(futures):
            if outcome := future.result():
                told(outcome)
        known = {outcome.mutant: outcome for outcome in (trial.result() for trial in trials)}
    return {
        package.name: [known[mutant] for mutant in mutants] for package, mutants in chosen.items()
    }


@contextmanager
def ending_by_signal() -> Iterator[None]:
    """SIGTERM and SIGHUP are handled as Ctrl-C; and Ctrl-C also where a shell had it ignored."""
    before = {number: signal.signal(number, _end) for number in _ENDINGS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(*_: object) -> None:
    """Ends, and lets nothing disturb the end."""
    for number in _ENDINGS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _gathered(futures: Iterator[Future[Subject]]) -> Iterator[Subject]:
    """Results in the order of the packages; the first error ends all."""
    started = list(futures)
    for future in as_completed(started):
        future.result()
    return (future.result() for future in started)


def _trials(
    pool: ThreadPoolExecutor, subjects: Sequence[Subject], chosen: Chosen
) -> Iterator[Future[Outcome]]:
    for subject in subjects:
        for number, mutant in enumerate(chosen[subject.package], start=1):
            yield pool.submit(subject.outcome, mutant, f"{subject.package.name}-{number}")


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that is removed with all that runs in it."""
    folder = Path(tempfile.mkdtemp(prefix="mutants-")).resolve()
    try:
        yield folder
    finally:
        kill_strays(folder)
        memory = Path("/dev/shm").glob(f"{folder.name}-*")
        subprocess.run(["rm", "-rf", "--one-file-system", folder, *memory], check=True)


@contextmanager
def _pool(workers: int) -> Iterator[tuple[ThreadPoolExecutor, Processes]]:
    """Threads, and the programs that they run; at an error or a signal all end at once."""
    pool, processes = ThreadPoolExecutor(workers), Processes()
    try:
        yield pool, processes
    finally:
        processes.end()
        pool.shutdown(cancel_futures=True)
