"""`make bench`: many claims at once, against the least that the control plane itself takes.

Rounds of the floor and of the provisioner alternate, because a machine is never equally quiet
for two minutes; the medians are compared. It is a measurement, not a test: missed goals are
marked, and the exit code is 0.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from testbed.errors import TestbedError
from testbed.programs import find_programs
from tests.bench import curve, plot, processor, report
from tests.bench.disk import describe
from tests.bench.rounds import QPS, Bench, Floor, Served

_IDLE_SECONDS = 30.0
_MEMORY = Path("/dev/shm")  # tmpfs, shm_overview(7)


@click.command()
@click.option("--claims", default=1000, show_default=True, help="Claims that are made at once.")
@click.option("--rounds", default=3, show_default=True, help="Rounds of each side.")
@click.option("--volumes", default=10000, show_default=True, help="Volumes in memory; 0: skip it.")
@click.option(
    "--curve",
    "most",
    default=curve.SIZES[-1],
    show_default=True,
    help="Volumes up to which each operation is measured; 0: skip it.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("build/bench.png"),
    show_default=True,
    help="The plot; the control planes work in the same folder.",
)
@click.option(
    "--export",
    type=click.Path(path_type=Path, exists=True, file_okay=False, writable=True),
    help="Where the export is.  [default: in memory, else beside the plot]",
)
def main(
    *, claims: int, rounds: int, volumes: int, most: int, output: Path, export: Path | None
) -> None:
    """Measure the provisioner: time, API requests, memory, processor time.

    A cluster's export is not on the disk that its etcd waits for, and nor is it here. Name a
    folder with --export to see what the waiting costs when it is, or what an NFS mount does.
    """
    load_before = processor.load()
    output.parent.mkdir(parents=True, exist_ok=True)
    export = export or (_MEMORY if os.access(_MEMORY, os.W_OK) else output.parent)
    try:
        with _below(output.parent) as folder, _below(export) as exports:
            bench = Bench(find_programs(_say), folder, exports, claims)
            floors, served = _rounds(bench, rounds)
            measured = report.figures(floors, served) | {"load_before": load_before}
            if volumes:
                _say(f"starting with {volumes} volumes …")
                measured |= report.figures_of_many(bench.many(volumes))
            operations = curve.measure(exports / "curve", most, _say)
            measured |= report.figures_of_curve(operations)
    except TestbedError as error:
        raise click.ClickException(str(error)) from error
    plot.draw(output, [one.burst for one in floors], [one.burst for one in served], operations)
    _print(report.rounded(measured), served[-1], f"export on {describe(export)}; plot: {output}")


@contextmanager
def _below(place: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-", dir=place.absolute()) as folder:
        yield Path(folder)


def _rounds(bench: Bench, rounds: int) -> tuple[list[Floor], list[Served]]:
    floors: list[Floor] = []
    served: list[Served] = []
    for number in range(1, rounds + 1):
        floors.append(bench.floor())
        _say(f"round {number}: the floor took {floors[-1].burst.seconds:.1f} s")
        served.append(bench.provisioner(idle_seconds=_IDLE_SECONDS if number == rounds else 0))
        _say(f"round {number}: holdfast took {served[-1].burst.seconds:.1f} s")
    return floors, served


def _print(measured: report.Figures, last: Served, places: str) -> None:
    lines: Sequence[str] = [
        "",
        *report.table(measured),
        "",
        f"requests counted, last round: {report.requests(last.calls)}",
        f"not counted (lease, probe, lists and watches begun anew): {report.requests(last.upkeep)}",
        f"kube-controller-manager with --kube-api-qps={QPS} --kube-api-burst={QPS}",
        places,
        *_disturbance(measured),
        json.dumps(measured),
    ]
    click.echo("\n".join(lines))


def _disturbance(measured: report.Figures) -> Iterator[str]:
    if reasons := report.disturbance(measured):
        yield f"NOT WORTH QUOTING, the machine was not quiet: {'; '.join(reasons)}"


def _say(line: str) -> None:
    click.echo(line, err=True)


if __name__ == "__main__":
    sys.exit(main())
