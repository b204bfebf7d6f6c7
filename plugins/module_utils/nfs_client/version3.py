"""Who on a machine needs rpcbind or rpc.statd, beside what these roles set up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

# RPC programs of NFS itself: portmapper, nfs, mountd, lock manager, status, nfs_acl.
_OF_NFS = frozenset({100000, 100003, 100005, 100021, 100024, 100227})
_VERSION_3 = frozenset({"vers=3", "nfsvers=3", "v3"})


def users(root: Path, registered: str, settings: str) -> list[str]:
    """What needs them, each for a sentence that begins with "this machine".

    Args:
        root: of the machine's files
        registered: the output of `rpcinfo -p`; empty where rpcbind does not run
        settings: the file of the role nfs_server; a server that has it is the role's
    """
    return [
        *_mounts(root / "proc/mounts", "has mounted"),
        *_mounts(root / "etc/fstab", "mounts at each start (/etc/fstab)"),
        *_programs(registered),
        *_server(root, settings),
    ]


def _mounts(table: Path, does: str) -> Iterator[str]:
    lines = _read(table).splitlines()
    for fields in (line.split() for line in lines if not line.lstrip().startswith("#")):
        if len(fields) >= 4 and fields[2] == "nfs" and _VERSION_3 & {*fields[3].split(",")}:
            yield f"{does} {fields[0]} at {fields[1]} with NFSv3"


def _programs(registered: str) -> Iterator[str]:
    """The table of `rpcinfo -p`: program, vers, proto, port, service."""
    rows = [line.split() for line in registered.splitlines()[1:]]
    others = {row[0]: row[-1] for row in rows if row and int(row[0]) not in _OF_NFS}
    if others:
        yield f"has RPC programs that clients find through rpcbind ({', '.join(others.values())})"


def _server(root: Path, settings: str) -> Iterator[str]:
    nfsd = root / "proc/fs/nfsd"
    runs = _read(nfsd / "threads").strip() not in {"", "0"}
    is_ours = (root / settings.lstrip("/")).exists()
    if runs and not is_ours and "+3" in _read(nfsd / "versions").split():
        yield "is an NFS server for NFSv3 that these playbooks did not set up"


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
