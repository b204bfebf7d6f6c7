"""The bursts as a picture: how many claims are bound after how long."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.bench.burst import Burst

_SIDES = (("the floor: the control plane alone", "0.55"), ("holdfast", "tab:blue"))


def draw(path: Path, floors: Sequence[Burst], served: Sequence[Burst]) -> None:
    """Writes a PNG with a line for each round of each side."""
    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")  # no window, no pyplot
    axes = figure.subplots()
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
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _line(axes: Axes, burst: Burst, colour: str, label: str) -> None:
    moments = sorted(burst.bound.values())
    numbers = range(1, len(moments) + 1)
    axes.step(moments, numbers, where="post", color=colour, alpha=0.8, linewidth=1.4, label=label)
