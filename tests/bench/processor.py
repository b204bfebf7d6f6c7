"""Processor time: of the programs of a round, and of whatever else the machine did meanwhile.

Wall times are at the mercy of other work on the machine; the processor time of a round's programs
is much less so. What others took tells whether the wall times are worth quoting.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.controlplane import ControlPlane

_TICKS = os.sysconf("SC_CLK_TCK")
_PROCESSORS = os.cpu_count() or 1


@dataclass(frozen=True)
class Spent:
    """Processor time in seconds, and shares of all processors in percent.

    Attributes:
        control_plane: of kube-apiserver, etcd and kube-controller-manager.
        writer: of the program that writes the volumes: the provisioner, or the floor's.
        others: the share of programs that are no part of the bench, and of the kernel for them.
        stolen: the share that the hypervisor gave to other machines.
    """

    control_plane: float
    writer: float
    others: float
    stolen: float

    @property
    def total(self) -> float:
        """Of all programs that a round takes, without the one that makes the claims."""
        return self.control_plane + self.writer


class Meter:
    """Measures from when it is made."""

    def __init__(self, plane: ControlPlane, writer: int) -> None:
        """`writer` is the process id of what writes the volumes."""
        processes = (plane.etcd, plane.apiserver, plane.controller_manager)
        self._plane = [process.pid for process in processes]
        self._writer = writer
        self._before = self._read()

    def read(self) -> Spent:
        """What was spent so far."""
        now = self._read()
        plane, writer, bench, busy, stolen, clock = (
            after - before for after, before in zip(now, self._before, strict=True)
        )
        share = 100 / (clock * _PROCESSORS)
        others = max(0.0, busy - plane - writer - bench)
        return Spent(plane, writer, others * share, stolen * share)

    def _read(self) -> tuple[float, ...]:
        busy, stolen = _machine()
        plane = sum(map(seconds_of, self._plane))
        return plane, seconds_of(self._writer), _bench(), busy, stolen, time.monotonic()


def seconds_of(pid: int) -> float:
    """User and system time of a process, proc_pid_stat(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return _seconds(fields[11:13])


def load() -> float:
    """The load average of the last minute, for each processor."""
    return os.getloadavg()[0] / _PROCESSORS


def _bench() -> float:
    """Of this process, and of those that it started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _machine() -> tuple[float, float]:
    """Busy and stolen time of all processors, proc_stat(5)."""
    first = Path("/proc/stat").read_text(encoding="utf-8").partition("\n")[0]
    user, nice, system, _, _, irq, softirq, stolen = first.split()[1:9]
    return _seconds([user, nice, system, irq, softirq]), _seconds([stolen])


def _seconds(ticks: Sequence[str]) -> float:
    return sum(map(int, ticks)) / _TICKS
