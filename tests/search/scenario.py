"""What may happen in a run: its seed decides, or `--kind`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
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
        shares: volumes of several clusters may share a directory; those of one always may.
        heirs: the second cluster may be gone for good; the first one takes its volumes over then.
        inherits: nfs-subdir-external-provisioner creates volumes, too.
        pods: pods also set the mode of their volume, and remove what is in it.
        full: the export has no room at times.
        expires: the time of a grant may be up between two of its changes.
    """

    name: str
    late: bool = False
    edits: bool = False
    beside: bool = False
    reuses_inodes: bool = False
    clusters: int = 1
    pods: bool = False
    full: bool = False
    expires: bool = False
    shares: bool = False
    heirs: bool = False
    inherits: bool = False


SCENARIOS = (
    Scenario("faults"),
    Scenario("late", late=True),
    Scenario("people", edits=True),
    Scenario("beside", late=True, beside=True),
    Scenario("inodes", late=True, beside=True, reuses_inodes=True),
    Scenario("clusters", late=True, edits=True, clusters=2),
    Scenario("all", late=True, edits=True, beside=True),
)
MORE = (  # only for `--kind`
    Scenario("pods", late=True, edits=True, beside=True, pods=True),
    Scenario("full", late=True, edits=True, beside=True, pods=True, full=True),
    Scenario("grants", edits=True, pods=True, expires=True),
    Scenario("sharing", late=True, edits=True, beside=True, clusters=2, shares=True, pods=True),
    Scenario("heirs", late=True, edits=True, beside=True, clusters=2, heirs=True, pods=True),
    Scenario("inherited", edits=True, inherits=True, pods=True),
)


def scenario_of(seed: int) -> Scenario:
    """Neighbouring seeds are of different kinds."""
    return SCENARIOS[seed % len(SCENARIOS)]


def runs_of(seeds: Iterable[int], kinds: Collection[str]) -> list[tuple[int, Scenario]]:
    """The seeds with what each runs: all as they are of a kind, or those of `kinds`.

    One of `MORE` runs every seed.
    """
    usual = [(seed, scenario_of(seed)) for seed in seeds]
    more = [(seed, one) for one in MORE if one.name in kinds for seed in seeds]
    return [run for run in usual if not kinds or run[1].name in kinds] + more
