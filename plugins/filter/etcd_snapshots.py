"""What the role etcd_snapshots refuses before anything is changed."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

# As mount.nfs(8) takes it; an address of IPv6 is in brackets.
_EXPORT = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9][A-Za-z0-9.-]*):/\S*")
# What a reset removes, what ends with the machine's run, and what is no disk's.
_GONE = (
    *("/etc/kubernetes", "/var/lib/containerd", "/var/lib/etcd", "/var/lib/kubelet"),
    *("/run", "/var/run", "/tmp", "/var/tmp", "/proc", "/sys", "/dev"),  # noqa: S108
)
_BARE = ("/", "/etc", "/var", "/var/lib")  # in which others have their files


def snapshot_setting_faults(wanted: Mapping[str, Any], machine: str) -> list[str]:
    """Why no snapshot can be taken with these; a sentence each.

    Args:
        wanted: `directory`, `keep` and `copy_to`, the role's variables; and `node`, the directory
            of the node's programs, which a reset removes
        machine: its name in the inventory
    """
    return list(_faults(wanted, machine))


def _faults(wanted: Mapping[str, Any], machine: str) -> Iterator[str]:
    directory, copy_to = str(wanted["directory"]), str(wanted["copy_to"])
    path = _normal(directory)
    if not path.startswith("/") or path in _BARE:
        yield (
            f'etcd_snapshots_directory is "{directory}" on {machine}; name a folder for snapshots '
            "by its whole path, such as /var/backups/etcd."
        )
    for gone in filter(None, map(_normal, (*_GONE, str(wanted["node"])))):
        if path == gone or path.startswith(f"{gone}/"):
            yield (
                f'etcd_snapshots_directory is "{directory}" on {machine}; what is in {gone} is '
                "lost with the cluster, or when the machine is off. Name another, such as "
                "/var/backups/etcd."
            )
    if int(wanted["keep"]) < 1:
        yield f"etcd_snapshots_keep is {wanted['keep']} on {machine}; keep at least 1."
    if copy_to and not _EXPORT.fullmatch(copy_to):
        yield (
            f'etcd_snapshots_copy_to is "{copy_to}" on {machine}; write it as SERVER:PATH, such as '
            "192.0.2.10:/srv/backup."
        )


def _normal(path: str) -> str:
    """Without dots and repeated slashes; empty if it is."""
    return re.sub("^/+", "/", posixpath.normpath(path)) if path else ""


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"snapshot_setting_faults": snapshot_setting_faults}
