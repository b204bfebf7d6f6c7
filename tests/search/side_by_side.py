"""Many seeds, several at a time."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from tests.search.run import Result, run


@contextmanager
def results_of(seeds: Sequence[int], workers: int) -> Iterator[Iterator[Result]]:
    """The results in the order of the seeds; one worker is this process."""
    if workers == 1:
        _quiet()
        yield map(run, seeds)
        return
    context = multiprocessing.get_context("spawn")  # no thread of this process is in the workers
    with ProcessPoolExecutor(workers, context, initializer=_quiet) as pool:
        yield pool.map(run, seeds, chunksize=5)


def _quiet() -> None:
    """What the provisioner logs is not what a run has shown."""
    logging.disable()
