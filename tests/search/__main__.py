"""`make search`: is there an order of events that leaves something unfinished, or loses data?"""

from __future__ import annotations

import os
import sys
import time

import click

from tests.search.run import Result
from tests.search.scenario import MORE, SCENARIOS, runs_of
from tests.search.side_by_side import results_of

_NAMES = [scenario.name for scenario in (*SCENARIOS, *MORE)]
_KINDS = f"Only this one; these run only if named: {', '.join(one.name for one in MORE)}."


class _Seeds(click.ParamType[range]):
    """FROM:COUNT."""

    name = "seeds"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> range:
        first, _, count = value.partition(":")
        if not (first.isdecimal() and count.isdecimal()):
            self.fail(f"{value!r} is not FROM:COUNT, such as 0:500", param, ctx)
        return range(int(first), int(first) + int(count))


@click.command()
@click.option(
    "--seeds",
    default="0:500",
    show_default=True,
    type=_Seeds(),
    metavar="FROM:COUNT",
    help="Which.",
)
@click.option("--kind", "kinds", multiple=True, type=click.Choice(_NAMES), help=_KINDS)
@click.option(
    "--workers",
    default=os.cpu_count() or 1,
    type=click.IntRange(min=1),
    help="How many at a time.  [default: CPUs]",
)
def main(*, seeds: range, kinds: tuple[str, ...], workers: int) -> None:
    """Let people, the controller manager, the network and crashes act in random orders.

    Each seed is one order, on a real export in memory and a fake API server. At the end, when
    nothing new happens, all must be served, nothing left unfinished, and no data lost. One seed
    alone shows every step:

    \b
      python -m tests.search --seeds 1000:5000
      python -m tests.search --seeds 1000:5000 --kind clusters
      python -m tests.search --seeds 1234:1

    The exit code is 1 where a seed failed.
    """
    chosen = runs_of(seeds, kinds)
    started, failed = time.monotonic(), list[int]()
    with results_of(chosen, workers) as results:
        for result in results:
            if result.problems:
                failed.append(result.seed)
                click.echo(result.report() if len(chosen) == 1 else _line(result))
    click.echo(f"{len(chosen)} seeds in {time.monotonic() - started:.0f} s, {len(failed)} failed")
    if failed:
        click.echo("one with every step: make search ARGS='--kind KIND --seeds SEED:1'")
    sys.exit(bool(failed))


def _line(result: Result) -> str:
    more = len(result.problems) - 1
    first = result.problems[0].strip().splitlines()[-1]
    return f"seed {result.seed} ({result.scenario.name}): {first}" + f" (+{more})" * bool(more)


if __name__ == "__main__":
    main()
