"""The parts of a control plane as processes of this machine, and how they are restarted.

The kubelet starts each again that ends. Killing one leaves nothing behind that a program which is
broken off would have to put back, as moving its manifest away does.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import Trouble

PARTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
END = 90.0  # seconds in which a part ends by itself; the API server lets requests end
BACK = 300.0  # in which the kubelet has to have started it again
_STARTED = 19  # of the fields after the name in /proc/PID/stat, see proc(5)


@dataclass(frozen=True, slots=True)
class Process:
    """Attributes: its number, and when it began, in seconds since 1970."""

    pid: int
    began: float


def running(part: str, root: Path = Path("/")) -> list[Process]:
    """The processes of a part of this machine's control plane; another etcd is none of them."""
    pods = {path.name.rpartition("_")[2] for path in _logs(part, root)}
    folders = (path for path in (root / "proc").glob("[0-9]*") if _is_of(path, part, pods))
    return list(_processes(folders, root))


def restart(part: str, is_well: Callable[[], bool], pause: float = 1.0) -> None:
    """End a part, and wait until the kubelet has started it and it is well.

    Raises:
        Trouble: it does not come back.
    """
    former = running(part)
    for process in former:
        _end(part, process, pause)
    until = time.monotonic() + BACK
    while not (_began_again(part, former) and is_well()):
        if time.monotonic() > until:
            raise Trouble(
                f"{part} was ended, so that it reads its new certificates, and is not well after "
                f"{BACK:.0f} s; see journalctl --unit kubelet, and its log in /var/log/pods."
            )
        time.sleep(pause)


def _logs(part: str, root: Path) -> Iterator[Path]:
    """The folder of each pod's logs is named for its namespace, name and uid."""
    return (root / "var/log/pods").glob(f"kube-system_{part}-*_*")


def _is_of(folder: Path, part: str, pods: set[str]) -> bool:
    try:
        program = (folder / "cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
        group = (folder / "cgroup").read_text()
    except OSError:  # it ended
        return False
    # systemd, as the manager of groups, writes a dash as an underscore.
    names = {f"pod{pod}" for pod in pods} | {f"pod{pod.replace('-', '_')}" for pod in pods}
    return Path(program).name == part and any(name in group for name in names)


def _processes(folders: Iterator[Path], root: Path) -> Iterator[Process]:
    up = float((root / "proc/uptime").read_text().split()[0])
    for folder in folders:
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        age = up - int(fields[_STARTED]) / os.sysconf("SC_CLK_TCK")
        yield Process(int(folder.name), time.time() - age)


def _end(part: str, process: Process, pause: float) -> None:
    until = time.monotonic() + END
    sent = signal.SIGTERM
    while process.pid in {one.pid for one in running(part)}:
        if sent == signal.SIGTERM or time.monotonic() > until:
            _kill(process.pid, sent)
            sent = signal.SIGKILL
        time.sleep(pause)


def _kill(pid: int, sent: signal.Signals) -> None:
    try:
        os.kill(pid, sent)
    except ProcessLookupError:
        return


def _began_again(part: str, former: list[Process]) -> bool:
    now = {one.pid for one in running(part)}
    return bool(now) and now.isdisjoint(one.pid for one in former)
