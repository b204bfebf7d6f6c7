"""The figures of a run, beside the goals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from tests.bench.burst import Burst
from tests.bench.rounds import Many, Served

Figures = dict[str, float | None]

# What each figure may be at most.
GOALS = {
    "ratio_to_floor": 1.15,
    "api_calls_per_volume": 3,
    "rss_mib": 64,
    "rss_10000_mib": 96,
    "idle_cpu_percent": 0.5,
    "start_to_ready_s": 2,
}
_DIGITS = 3


def figures(floors: Sequence[Burst], served: Sequence[Served]) -> Figures:
    """What the bursts gave: the median round's times, the worst round's calls and memory."""
    bursts = [one.burst for one in served]
    seconds, floor_seconds = _seconds(bursts), _seconds(floors)
    waits = sorted(wait for burst in bursts for wait in burst.waits)
    claims, bound = len(bursts[0].created), min(len(burst.bound) for burst in bursts)
    return {
        "claims": claims,
        "bound": bound,
        "rounds": len(served),
        "seconds": seconds,
        "per_second": claims / seconds,
        "p50_s": percentile(waits, 50),
        "p99_s": percentile(waits, 99),
        "floor_seconds": floor_seconds,
        "floor_per_second": claims / floor_seconds,
        "ratio_to_floor": seconds / floor_seconds,
        "api_calls_per_volume": max(one.calls.total() for one in served) / bound,
        "events_per_volume": min(one.events for one in served) / bound,
        "cpu_s": median(one.cpu for one in served),
        "rss_mib": max(one.rss for one in served),
        "idle_cpu_percent": served[-1].idle_cpu_percent,
        "start_to_ready_s": median(one.start_to_ready for one in served),
    }


def figures_of_many(many: Many) -> Figures:
    """What a start with many volumes gave."""
    return {
        f"rss_{many.volumes}_mib": many.rss,
        f"start_to_ready_{many.volumes}_s": many.start_to_ready,
    }


def rounded(measured: Figures) -> Figures:
    """The figures as they are printed."""
    return {name: value and round(value, _DIGITS) for name, value in measured.items()}


def table(measured: Figures) -> Iterator[str]:
    """The figures in lines, those with a goal marked as met or missed."""
    for name, value in measured.items():
        text = "-" if value is None else f"{value:g}"
        yield f"{name:24}{text:>10}  {_verdict(value, GOALS.get(name))}".rstrip()


def requests(calls: Counter[str]) -> str:
    """Requests to the API server in words, the most frequent first."""
    return ", ".join(f"{number:g} {call}" for call, number in calls.most_common()) or "none"


def percentile(values: Sequence[float], share: int) -> float:
    """The value that `share` percent of the sorted values do not exceed (nearest rank)."""
    rank = -(-len(values) * share // 100)
    return values[max(rank, 1) - 1]


def _seconds(bursts: Sequence[Burst]) -> float:
    return median(burst.seconds for burst in bursts)


def _verdict(value: float | None, goal: float | None) -> str:
    if value is None or goal is None:
        return ""
    return f"{'met' if value <= goal else 'MISSED'}: at most {goal:g}"
