"""A picture: how many claims are bound after how long, and what operations take by volumes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.bench.burst import Burst
from tests.bench.curve import Curve

_SIDES = (("the floor: the control plane alone", "0.55"), ("holdfast", "tab:blue"))


def draw(path: Path, floors: Sequence[Burst], served: Sequence[Burst], curve: Curve) -> None:
    """Writes a PNG; without a curve, with the bursts alone."""
    count = 2 if curve else 1
    figure = Figure(figsize=(8, 4.5 * count), dpi=120, layout="constrained")  # no window, no pyplot
    axes = figure.subplots(count, squeeze=False)[:, 0]
    _draw_bursts(axes[0], floors, served)
    if curve:
        _draw_curve(axes[1], curve)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _draw_bursts(axes: Axes, floors: Sequence[Burst], served: Sequence[Burst]) -> None:
    for (label, colour), bursts in zip(_SIDES, (floors, served), strict=True):
        for number, burst in enumerate(bursts):
            _line(axes, burst, colour, label if number == 0 else "")
    claims = len(served[0].created)
    axes.set_title(f"{claims:,} claims created at once, {len(served)} rounds each")
    axes.set_xlabel("seconds since the first claim was created")
    axes.set_ylabel("claims bound")
    axes.set_xlim(left=0)
    axes.set_ylim(0, claims * 1.03)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")


def _draw_curve(axes: Axes, curve: Curve) -> None:
    for operation, by_number in curve.items():
        axes.plot(list(by_number), list(by_number.values()), marker="o", label=operation)
    axes.set_title("one operation, by how many volumes there are")
    axes.set_xlabel("volumes, all of one namespace")
    axes.set_ylabel("microseconds of processor time")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.grid(alpha=0.3)
    axes.legend(loc="center right")


def _line(axes: Axes, burst: Burst, colour: str, label: str) -> None:
    moments = sorted(burst.bound.values())
    numbers = range(1, len(moments) + 1)
    axes.step(moments, numbers, where="post", color=colour, alpha=0.8, linewidth=1.4, label=label)
