"""What is seen instead of what should be; an empty text where all is as it should be."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from testbed.demo.rows import Row
from testbed.demo.stage import Stage
from testbed.demo.workloads import Workload

Differs = Callable[[], str]
"""Looks, and gives the difference."""


def first(differences: Iterable[str]) -> str:
    """The first one that there is."""
    return next(filter(None, differences), "")


def not_in(phase: str, row: Row) -> str:
    """Its phase is another."""
    return "" if row.phase == phase else f"{row.claim} is {row.phase}, not {phase}"


def not_bound(row: Row) -> str:
    """It is not Bound, or not to a directory of the right name and mode."""
    if difference := not_in("Bound", row):
        return difference
    name = f"{row.claim.replace('/', '-')}-{row.volume}"
    if row.place != name:
        return f"the directory of {row.claim} is {row.place or 'nowhere'}, not {name}"
    return "" if row.mode == "0777" else f"directory {name} has mode {row.mode}, not 0777"


def not_as_asked(row: Row, workload: Workload) -> str:
    """It is bound to something else than its template asks for."""
    asked = (workload.class_name, workload.size, workload.access)
    got = (row.class_name, row.size, row.access)
    return "" if got == asked else f"{row.claim} got {', '.join(got)}, not {', '.join(asked)}"


def not_holding(row: Row, content: str) -> str:
    """Its directory is not where it was made, or its file is not what was written."""
    if row.place == row.named and row.content == content:
        return ""
    return f"{row.named} is {row.place or 'nowhere'} with {row.content!r} in it, not {content!r}"


def still(stage: Stage, workload: Workload) -> Differs:
    """Whether all its claims keep the volume, the directory and the data that they have now."""
    before = [row for row in stage.rows if row.claim.startswith(workload.claim_prefix)]

    def changed(row: Row) -> str:
        now = stage.rows[row.claim]
        if now.volume != row.volume:
            return f"{row.claim} has volume {now.volume or 'none'}, not {row.volume}"
        return not_holding(now, row.content)

    return lambda: first(map(changed, before))


def pods_differ(stage: Stage, workload: Workload, replicas: int) -> str:
    """Its StatefulSet has not exactly so many pods, or one does not run."""
    pods = stage.pods(workload.namespace)
    names = {name for name in pods if name.rpartition("-")[0] == workload.set_name}
    wanted = {workload.pod(number) for number in range(replicas)}
    if names != wanted:
        return f"{workload.set_name} has pods {sorted(names)}, not {sorted(wanted)}"
    pending = [name for name in names if pods[name]["status"]["phase"] != "Running"]
    return f"pod {pending[0]} is not Running" if pending else ""
