"""Whether a unit runs with its files as they are: what systemd read, and what its process could.

Times tell, and not a note that a run would have to keep until its end. A file's time is that of the
last change of its inode: it cannot be set, as the time of its content is by those who copy files.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_STARTED = "ExecMainStartTimestamp"
PROPERTIES = (
    "ActiveState",
    "FragmentPath",
    "NeedDaemonReload",
    "UnitFileState",
    _STARTED,
    f"{_STARTED}Monotonic",
)
_RUNNING = frozenset({"active", "activating", "reloading"})
# There is nothing to enable, or it is enabled: see `systemctl is-enabled`.
_ENABLED = frozenset({"enabled", "static", "alias", "indirect", "generated", "transient"})
# By so much the clock may have been set back since, as time synchronisation does.
_STEP = 2.0


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds since 1970, and since the machine's start."""

    wall: float
    monotonic: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is not current, and why."""

    unread: bool  # by systemd
    reasons: tuple[str, ...]  # for a restart
    ahead: tuple[Path, ...]  # files with a time that has not come yet
    stopped: bool
    disabled: bool


def properties(shown: str) -> dict[str, str]:
    """The output of `systemctl show`."""
    return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)


def verdict(
    name: str,
    shown: Mapping[str, str],
    files: Sequence[Path],
    now: Clock,
    *,
    outdated: bool = False,
) -> Verdict:
    """Compare the unit with its files.

    Args:
        name: of the unit, for sentences
        shown: its PROPERTIES
        files: which it reads when it starts, and its own
        now: the time
        outdated: whether something else was found to be newer than the unit
    """
    times = {path: _changed(path) for path in files if path.exists()}
    running = shown["ActiveState"] in _RUNNING
    found = [*_differences(name, shown, times, now), *(["its settings differ"] if outdated else ())]
    reasons = tuple(found) if running else ()
    # A unit without a file is one that systemd has not found yet, or a mount that is not of fstab.
    missing = not shown["FragmentPath"] and bool(times)
    return Verdict(
        unread=missing or _is_unread(shown),
        reasons=reasons,
        ahead=tuple(path for path, time in times.items() if time > now.wall),
        stopped=not running,
        disabled=shown.get("UnitFileState") not in _ENABLED,
    )


def _differences(
    name: str, shown: Mapping[str, str], times: Mapping[Path, float], now: Clock
) -> Iterator[str]:
    started = _start(shown, now)
    if _is_unread(shown):
        yield f"systemd has not read {name}"
    yield from (f"{path} is newer" for path, time in times.items() if time > started)


def _is_unread(shown: Mapping[str, str]) -> bool:
    return shown["NeedDaemonReload"] == "yes"


def _start(shown: Mapping[str, str], now: Clock) -> float:
    """When the unit started: by the clock of then, or by today's where that is earlier.

    The two differ where the clock was set in between.
    """
    # As in: Sat 2026-11-28 03:37:31.689854 UTC
    match shown.get(_STARTED, "").split():
        case [_, date, time, _]:
            recorded = datetime.fromisoformat(f"{date}T{time}+00:00").timestamp()
        case _:  # a unit without a process, as a mount
            return math.inf
    counted = now.wall - (now.monotonic - int(shown[f"{_STARTED}Monotonic"]) / 1e6)
    return min(recorded, counted + _STEP)


def _changed(path: Path) -> float:
    """A link may lead to another file, or the file may change."""
    return max(path.stat().st_ctime, path.lstat().st_ctime)
