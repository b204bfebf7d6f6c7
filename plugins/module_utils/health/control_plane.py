"""What is looked at on a control plane: etcd, and its last snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from ..care.shelf import Shelf  # noqa: TID252 - Ansible sends a module's parts as they lie

_FULL = 0.8  # of the quota; at all of it etcd takes no more writes
_MIB = 1 << 20
_AHEAD = timedelta(minutes=5)


def etcd_faults(status: Mapping[str, Any]) -> Iterator[str]:
    """Alarms, no leader, and a database that is nearly full.

    Args:
        status: as etcd tells it
    """
    for error in status.get("errors", []):
        yield f"etcd says: {str(error).strip()}; see https://etcd.io/docs/v3.6/op-guide/maintenance/."
    if status.get("leader", "0") == "0" and not status.get("errors"):
        yield "etcd has no leader; see its log, /var/log/pods/kube-system_etcd-*."
    size, quota = int(status.get("dbSize", 0)), int(status.get("dbSizeQuota", 0))
    if quota and size > _FULL * quota:
        yield (
            f"etcd's database has {size // _MIB} of {quota // _MIB} MiB; compact and defragment it "
            "(https://etcd.io/docs/v3.6/op-guide/maintenance/), for when it is full nothing can "
            "be changed in the cluster."
        )


def snapshot_faults(shelf: Shelf, hours: int, now: datetime) -> Iterator[str]:
    """A last snapshot that is too old, or from the future, or none.

    Args:
        shelf: the snapshots of this cluster
        hours: that it may be old
        now: the time
    """
    remedy = "see journalctl --unit holdfast-etcd-snapshot"
    last, folder = shelf.newest(), shelf.folder
    if last is None:
        yield f"There is no snapshot of this cluster's etcd in {folder}; {remedy}."
    elif last > now + _AHEAD:
        yield (
            f"The last snapshot of etcd in {folder} is of {last:%Y-%m-%d %H:%M} UTC, which is "
            "still to come; set the clock right, then systemctl start holdfast-etcd-snapshot."
        )
    elif now - last > timedelta(hours=hours):
        age = (now - last).total_seconds() / 3600
        yield f"The last snapshot of etcd in {folder} is {age:.0f} hours old; {remedy}."
