"""What a removal would end on this machine: read there, as an inventory may say something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import directories
from .commands import Runner
from .ending import former
from .errors import Refused
from .exports import Exports
from .server import others_exports
from .withdrawal import connected_clients, entries

# A file system that goes, as a module of Ansible takes it.
WIPED = {
    "device": {"type": "path", "required": True},
    "path": {"type": "path", "required": True},
}


@dataclass(frozen=True, slots=True)
class State:
    """See RETURN of the module nfs_server_state."""

    exported: list[dict[str, str]]
    connected: list[str]
    others: list[str]
    paths: list[str]
    destroyed: list[str]


def state(
    wanted: Exports, file: Path, wiped: Sequence[Mapping[str, str]] | None, run: Runner
) -> State:
    """Look at the machine.

    Args:
        wanted: the exports of the inventory, whose directories may be destroyed
        file: the file of exports
        wiped: the file systems that would be destroyed; None where all data stays
        run: runs programs

    Raises:
        Refused: what is to be destroyed is others' as well.
    """
    paths = [directory.path for directory in wanted.directories]
    others = others_exports(wanted, file)
    return State(
        exported=[{"path": path, "client": client} for path, client in entries(former(file))],
        connected=connected_clients(),
        others=others,
        paths=paths,
        destroyed=[] if wiped is None else _destroyed(paths, wiped, others, run),
    )


def _destroyed(
    paths: Sequence[str], wiped: Sequence[Mapping[str, str]], others: Sequence[str], run: Runner
) -> list[str]:
    mounts = [one["path"] for one in wiped]
    made = directories.made(paths, run)
    for path in [*mounts, *made]:
        directories.check_removable(path, mounts)
        _check_unshared(path, others)
    return [*(one["device"] for one in wiped), *made]


def _check_unshared(path: str, others: Sequence[str]) -> None:
    """See that nobody else exports the directory, or one in it."""
    if inside := [other for other in others if f"{other}/".startswith(f"{path}/")]:
        raise Refused(
            f"{path} is not destroyed, because others export {', '.join(inside)}; take that out of "
            "/etc/exports or /etc/exports.d and run `exportfs -r`, or run this without "
            "nfs_server_wipe"
        )
