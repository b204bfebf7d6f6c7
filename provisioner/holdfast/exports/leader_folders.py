"""The leaders' folders in `.holdfast/terms`, `CLUSTER.LEASE` each; in them are those of the terms.

A leader is the lease of one cluster, as several clusters may share an export. Its name can change:
the lease is named after the provisioner, and the cluster's uid may be unreadable at first.

A folder whose name no leader can have (a NAS's `@eaDir`) is a stray: it counts for nothing, and an
administrator is told. One that may be a leader's counts: without it, the records of another
cluster could be taken for this one's.

`holdfast` is a handle of `.holdfast`.
"""

from __future__ import annotations

import os
import re

from holdfast.claims.paths import components, shortened
from holdfast.exports import tree
from holdfast.exports.errors import ExportUnavailable, Unsafe
from holdfast.exports.interface import Leader

TERMS = "terms"

_UNKNOWN = "unknown"  # a cluster's uid
# A uid is a UUID so far; a lease may have any name that an administrator gave the provisioner.
_LEADER = re.compile(r"[A-Za-z0-9-]+\..+")


def name_of(leader: Leader) -> str:
    """The name of a leader's folder.

    Raises:
        Unsafe: the lease or the cluster's uid cannot be part of a name.
    """
    return _name_of(leader.cluster, leader.lease)


def names(holdfast: int) -> list[str]:
    """The names of all leaders' folders; none before the first term."""
    try:
        with tree.opened(holdfast, [TERMS]) as leaders:
            return list(filter(_LEADER.fullmatch, tree.folders(leaders)))
    except FileNotFoundError:
        return []


def strays(holdfast: int) -> list[str]:
    """The names among the leaders' folders that Holdfast does not make."""
    with tree.opened(holdfast, [TERMS]) as leaders:
        others = set(os.listdir(leaders)) - set(names(holdfast))
    return sorted(name for name in others if not name.startswith(tree.REMOVED_IN_USE))


def former_names(holdfast: int, leader: Leader) -> set[str]:
    """The folders of a leader's earlier terms under other names.

    They are those of its former names, of its time with no uid, and of clusters that are gone,
    whatever their leases were called.
    """
    there, gone = names(holdfast), set(leader.takes_over) - {leader.cluster}
    return {name for name in there if _cluster_of(name) in gone} | (
        _former_names_of(leader) & set(there)
    )


def own_names(holdfast: int, leader: Leader) -> list[str]:
    """The folders that a leader has under its present and former names, sorted."""
    present = {name_of(leader)} & set(names(holdfast))
    return sorted(present | former_names(holdfast, leader))


def clusters(holdfast: int) -> set[str]:
    """The uids of all clusters that ever had a term here; "" for one whose uid was unknown."""
    found = {_cluster_of(name) for name in names(holdfast)}
    return {"" if cluster == _UNKNOWN else cluster for cluster in found}


def has_others(holdfast: int, leader: Leader) -> bool:
    """Whether another leader of this cluster, or of an unknown one, ever had a term here."""
    others = set(names(holdfast)) - set(own_names(holdfast, leader))
    clusters_of = {_cluster_of(name) for name in others}
    return bool(clusters_of if not leader.cluster else clusters_of & {leader.cluster, _UNKNOWN})


def refuse_unknown_cluster(holdfast: int, leader: Leader) -> None:
    """Raises ExportUnavailable if existing terms may be this leader's or another cluster's."""
    if leader.cluster:
        return
    for name in sorted(names(holdfast)):
        cluster = _cluster_of(name)
        known = {_name_of(cluster, lease) for lease in (leader.lease, *leader.former)}
        if cluster != _UNKNOWN and name in known:
            raise ExportUnavailable(
                f"cluster {cluster} uses the same lease for this export ({name} in "
                f".holdfast/{TERMS}), and this cluster's uid is unknown: grant `get` on namespace "
                "kube-system, whose uid identifies the cluster"
            )


def _name_of(cluster: str, lease: str) -> str:
    name = shortened(f"{cluster or _UNKNOWN}.{lease}", "")
    if components(name) != (name,) or not _LEADER.fullmatch(name):  # else it would be a stray
        raise Unsafe(f"invalid leader: lease {lease!r}, cluster {cluster!r}")
    return name


def _cluster_of(name: str) -> str:
    return name.partition(".")[0]


def _former_names_of(leader: Leader) -> set[str]:
    """The names of the folders of former leases, and of this leader's time with an unknown uid."""
    leases = (leader.lease, *leader.former)
    found = {_name_of(uid, lease) for lease in leases for uid in (leader.cluster, "")}
    return found - {name_of(leader)}
