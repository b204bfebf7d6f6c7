"""What may happen in a run: its seed decides."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of run.

    Attributes:
        name: for reports and `--kind`.
        late: requests and calls may be carried out after their sender has given up or ended.
        edits: people also annotate, rebind, delete, share and create volumes.
        beside: something may happen in the middle of an operation, a takeover too.
        reuses_inodes: as NFS before Linux 6.17: inode numbers are reused, without birth times.
        clusters: how many use the export.
    """

    name: str
    late: bool = False
    edits: bool = False
    beside: bool = False
    reuses_inodes: bool = False
    clusters: int = 1


SCENARIOS = (
    Scenario("faults"),
    Scenario("late", late=True),
    Scenario("people", edits=True),
    Scenario("beside", late=True, beside=True),
    Scenario("inodes", late=True, beside=True, reuses_inodes=True),
    Scenario("clusters", late=True, edits=True, clusters=2),
    Scenario("all", late=True, edits=True, beside=True),
)


def scenario_of(seed: int) -> Scenario:
    """Neighbouring seeds are of different kinds."""
    return SCENARIOS[seed % len(SCENARIOS)]
