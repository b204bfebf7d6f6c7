"""The figures of a run, beside the goals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from tests.bench.burst import Burst
from tests.bench.curve import Curve
from tests.bench.rounds import Floor, Many, Served

Figures = dict[str, float | None]

# What each figure may be at most.
GOALS = {
    "ratio_to_floor": 1.08,
    "cpu_ratio_to_floor": 1.15,
    "provisioner_cpu_per_1000_s": 3.5,
    "api_calls_per_volume": 2,
    "rss_idle_mib": 56,
    "rss_10000_mib": 72,
    "peak_100000_mib": 220,
    "idle_cpu_percent": 0.5,
    "start_to_ready_s": 1,
    "start_to_ready_100000_s": 10,
}
# Above these, wall times tell more about the machine than about the provisioner.
DISTURBANCE = {"load_before": 0.5, "others_percent": 5, "stolen_percent": 1}
# By how much an operation may take longer where there are a hundred times as many volumes.
GROWTH = 1.5
_DIGITS = 3
_GROWTH = "_growth"


def figures(floors: Sequence[Floor], served: Sequence[Served]) -> Figures:
    """What the bursts gave: the median round's times, the worst round's calls and memory."""
    bursts = [one.burst for one in served]
    seconds, floor_seconds = _seconds(bursts), _seconds([one.burst for one in floors])
    all_cpu = median(one.spent.total for one in served)
    floor_cpu = median(one.spent.total for one in floors)
    spent = [one.spent for one in floors] + [one.spent for one in served]
    cpu = median(one.spent.writer for one in served)
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
        "provisioner_cpu_s": cpu,
        "provisioner_cpu_per_1000_s": 1000 * cpu / claims,
        "all_cpu_s": all_cpu,
        "floor_cpu_s": floor_cpu,
        "cpu_ratio_to_floor": all_cpu / floor_cpu,
        "rss_idle_mib": max(one.idle_rss for one in served),
        "rss_mib": max(one.rss for one in served),
        "idle_cpu_percent": served[-1].idle_cpu_percent,
        "start_to_ready_s": median(one.start_to_ready for one in served),
        "others_percent": max(one.others for one in spent),
        "stolen_percent": max(one.stolen for one in spent),
    }


def figures_of_many(many: Many) -> Figures:
    """What a start with many volumes gave."""
    return {
        f"rss_{many.volumes}_mib": many.rss,
        f"peak_{many.volumes}_mib": many.peak,
        f"start_to_ready_{many.volumes}_s": many.start_to_ready,
    }


def figures_of_curve(curve: Curve) -> Figures:
    """What each operation takes with few and with many volumes, and how that grows."""
    found: Figures = {}
    for operation, by_number in curve.items():
        few, many = min(by_number), max(by_number)
        found |= {f"{operation}_{number}_us": by_number[number] for number in (few, many)}
        found[f"{operation}{_GROWTH}"] = by_number[many] / by_number[few]
    return found


def disturbance(measured: Figures) -> list[str]:
    """Why the wall times are not worth quoting; empty where they are."""
    return [
        f"{name} is {value:.3g}, at most {most:g} on a quiet machine"
        for name, most in DISTURBANCE.items()
        if (value := measured.get(name)) is not None and value > most
    ]


def rounded(measured: Figures) -> Figures:
    """The figures as they are printed."""
    return {name: value and round(value, _DIGITS) for name, value in measured.items()}


def table(measured: Figures) -> Iterator[str]:
    """The figures in lines, those with a goal marked as met or missed."""
    for name, value in measured.items():
        text = "-" if value is None else f"{value:g}"
        yield f"{name:28}{text:>10}  {_verdict(value, _goal(name))}".rstrip()


def requests(calls: Counter[str]) -> str:
    """Requests to the API server in words, the most frequent first."""
    return ", ".join(f"{number:g} {call}" for call, number in calls.most_common()) or "none"


def percentile(values: Sequence[float], share: int) -> float:
    """The value that `share` percent of the sorted values do not exceed (nearest rank)."""
    rank = -(-len(values) * share // 100)
    return values[max(rank, 1) - 1]


def _seconds(bursts: Sequence[Burst]) -> float:
    return median(burst.seconds for burst in bursts)


def _goal(name: str) -> float | None:
    return GROWTH if name.endswith(_GROWTH) else (GOALS | DISTURBANCE).get(name)


def _verdict(value: float | None, goal: float | None) -> str:
    if value is None or goal is None:
        return ""
    return f"{'met' if value <= goal else 'MISSED'}: at most {goal:g}"
