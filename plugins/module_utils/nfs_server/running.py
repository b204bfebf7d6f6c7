"""What the server that runs does otherwise than its settings say; a phrase for each difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .commands import Runner
from .settings import VERSIONS, Settings

NFSD = Path("/proc/fs/nfsd")
# Numbers of RPC programs, as rpcbind has them.
_MOUNTD, _LOCKD, _STATD = 100005, 100021, 100024


@dataclass(frozen=True, slots=True)
class Differences:
    """What a restart of each service mends."""

    server: list[str]  # all of them
    statd: list[str]  # it sets the port of the kernel's lock manager as well


def differences(wanted: Settings, run: Runner, kernel: Path | None = None) -> Differences:
    """Compare the server with the settings; one that does not run has no difference."""
    kernel = kernel or NFSD
    if _read(kernel / "threads") in {"", "0"}:
        return Differences([], [])
    ports = _registered(run) if "3" in wanted.versions else None
    statd = [*_ports(ports, {_STATD: wanted.statd_port, _LOCKD: wanted.lockd_port})]
    mountd = [*_ports(ports, {_MOUNTD: wanted.mountd_port})]
    return Differences([*_of_kernel(wanted, kernel), *mountd, *statd], statd)


def _of_kernel(wanted: Settings, kernel: Path) -> Iterator[str]:
    spoken = versions(_read(kernel / "versions"))
    if spoken != {*wanted.versions}:
        yield f"it speaks the versions {', '.join(sorted(spoken)) or 'none'}"
    numbers = {
        "threads": wanted.threads,
        "nfsv4leasetime": wanted.lease_time,
        "nfsv4gracetime": wanted.grace_time,
    }
    for name, number in numbers.items():
        found = _read(kernel / name)
        if found not in {str(number), ""}:
            yield f"{kernel / name} is {found} and not {number}"


def versions(shown: str) -> set[str]:
    """Those that the kernel's file names as spoken: "-2 +3 +4 -4.0 +4.1 +4.2".

    It never names 4.0 as spoken: that is so where 4 is, and 4.0 is not named otherwise.
    """
    spoken = {token[1:] for token in shown.split() if token.startswith("+")}
    if "4" in spoken and "-4.0" not in shown.split():
        spoken.add("4.0")
    return spoken & {*VERSIONS}


def _read(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""


def _registered(run: Runner) -> dict[int, set[int]] | None:
    """The ports of each program, as rpcbind tells them; None if it does not answer."""
    outcome = run("rpcinfo", "-p")
    if outcome.code:
        return None
    found: dict[int, set[int]] = {}
    for program, __, __, port, *_columns in map(str.split, outcome.out.splitlines()[1:]):
        found.setdefault(int(program), set()).add(int(port))
    return found


def _ports(found: Mapping[int, set[int]] | None, wanted: Mapping[int, int]) -> Iterator[str]:
    names = {_MOUNTD: "rpc.mountd", _LOCKD: "the lock manager", _STATD: "rpc.statd"}
    for program, port in wanted.items() if found is not None else ():
        ports = (found or {}).get(program, set())
        if ports != {port}:
            said = " and ".join(map(str, sorted(ports))) or "none"
            yield f"the port of {names[program]} is {said} and not {port}"
