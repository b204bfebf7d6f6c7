"""`make mutants`: are the tests good enough to notice when the code is wrong?"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from tests.mutants import equivalents, report
from tests.mutants.choice import Choice, Mutants, all_of, without
from tests.mutants.errors import MutantsError
from tests.mutants.packages import HOLDFAST
from tests.mutants.report import Found
from tests.mutants.running import ending_by_signal, outcomes
from tests.mutants.trial import Outcome

_NUMBER = click.IntRange(min=1)
_NAMES = [package.name for package in HOLDFAST.packages]


@click.command()
@click.option(
    "--package", "packages", multiple=True, type=click.Choice(_NAMES), help="Only this one."
)
@click.option(
    "--file", "places", multiple=True, metavar="FILE[:LINE]", help="Only what stands there."
)
@click.option(
    "--count", default=60, show_default=True, type=_NUMBER, help="How many to try of each package."
)
@click.option("--all", "everything", is_flag=True, help="Try all instead; takes hours.")
@click.option("--seed", default=0, show_default=True, help="Another number tries others.")
@click.option("--at-least", default=92.0, show_default=True, help="Per cent that must be killed.")
@click.option(
    "--workers",
    default=os.cpu_count() or 1,
    type=_NUMBER,
    help="How many at a time.  [default: CPUs]",
)
@click.option("--json", "output", type=click.Path(path_type=Path), help="Write all results here.")
@click.option("--list", "lists", is_flag=True, help="Show the chosen mutants and try none.")
def main(
    *,
    packages: tuple[str, ...],
    places: tuple[str, ...],
    count: int,
    everything: bool,
    seed: int,
    at_least: float,
    workers: int,
    output: Path | None,
    lists: bool,
) -> None:
    """Change the provisioner in one place at a time, and see whether a unit test fails.

    Each such change is a mutant: a comparison the other way, a call or a raise taken out, another
    constant. One that no test notices has survived: either a test is missing, or the code is not
    needed, or the mutant does the same as the code. For the last, put it with the reason into
    tests/mutants/equivalents.toml; --json writes what an entry consists of.

    Works on copies in a temporary folder. The same options try the same mutants each time. To see
    what one survivor is about, try it alone, or make the change by hand and run the tests:

    \b
      python -m tests.mutants --file kube/work_queue.py:56
      python -m tests.mutants --package claims --count 20 --seed 1
      python -m tests.mutants --file claims/paths.py --all --list

    The exit code is 1 where less than --at-least of a package's mutants were killed, and 2 where
    the tests fail without a mutant, or an entry of the list matches none.
    """
    choice = Choice(packages, places, None if everything else count, seed)
    try:
        there, same = all_of(HOLDFAST), equivalents.read(HOLDFAST.equivalents)
        equivalents.check(same, (mutant.key for some in there.values() for mutant in some))
        chosen = choice.of(there)
        if lists:
            _list(chosen)
            return
        if output:
            output.parent.mkdir(parents=True, exist_ok=True)
        with ending_by_signal():
            found = _found(there, chosen, without(chosen, same), workers)
    except MutantsError as error:
        _end(2, f"Error: {error}")
    except KeyboardInterrupt:
        _end(130, "ended by a signal")
    _show(found)
    if output:
        settings = {"seed": seed, "count": choice.count, "at_least": at_least}
        output.write_text(json.dumps(report.as_json(found, settings), indent=1), encoding="utf-8")
    sys.exit(int(any(one.rate < at_least for one in found)))


def _found(there: Mutants, chosen: Mutants, tried: Mutants, workers: int) -> list[Found]:
    progress = _Progress(sum(map(len, tried.values())))
    known = outcomes(HOLDFAST, tried, workers, progress)
    return [
        Found(
            package.name,
            there=len(there[package]),
            equivalent=len(chosen[package]) - len(tried[package]),
            outcomes=known[package.name],
        )
        for package in tried
    ]


class _Progress:
    """Tells of survivors at once, and every now and then how far it is."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._done = 0
        self._started = time.monotonic()
        self._say("running the tests without a mutant first …")

    def __call__(self, outcome: Outcome) -> None:
        self._done += 1
        if outcome.survived:
            self._say(f"survived: {report.line(outcome.mutant)}")
        if self._done % 10 == 0 or self._done == self._count:
            self._say("")

    def _say(self, text: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        click.echo(f"[{self._done}/{self._count}, {minutes}:{seconds:02}] {text}", err=True)


def _list(chosen: Mutants) -> None:
    for mutants in chosen.values():
        for mutant in mutants:
            click.echo(report.line(mutant))


def _show(found: Sequence[Found]) -> None:
    for one in found:
        for outcome in one.survivors:
            click.echo(report.line(outcome.mutant))
    click.echo(report.table(found))


def _end(code: int, message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
