"""Many seeds, several at a time."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from tests.search.run import Result, run
from tests.search.scenario import Scenario


@contextmanager
def results_of(chosen: Sequence[tuple[int, Scenario]], workers: int) -> Iterator[Iterator[Result]]:
    """The results of seeds in their order; one worker is this process."""
    seeds, scenarios = [seed for seed, _ in chosen], [scenario for _, scenario in chosen]
    if workers == 1:
        _quiet()
        yield map(run, seeds, scenarios)
        return
    context = multiprocessing.get_context("spawn")  # no thread of this process is in the workers
    with ProcessPoolExecutor(workers, context, initializer=_quiet) as pool:
        yield pool.map(run, seeds, scenarios, chunksize=5)


def _quiet() -> None:
    """What the provisioner logs is not what a run has shown."""
    logging.disable()
