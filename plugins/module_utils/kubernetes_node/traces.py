"""What kubeadm made or left on a machine, and what others put where it works."""

from __future__ import annotations

from pathlib import Path

KUBERNETES = "etc/kubernetes"
PKI = "etc/kubernetes/pki"
ETCD_DATA = "var/lib/etcd"
KUBELET = "var/lib/kubelet"
# kubeadm's configuration has this name from the moment in which kubeadm begins until it has ended
# well: a run that was interrupted leaves it.
UNFINISHED = "etc/kubernetes/kubeadm-unfinished.yaml"
FINISHED = "etc/kubernetes/kubeadm.yaml"
# Of these kubeadm makes one or another early, and removes them late.
_MADE = (
    "etc/kubernetes/kubelet.conf",
    "etc/kubernetes/bootstrap-kubelet.conf",
    "var/lib/kubelet/config.yaml",
)
# Folders of the kubelet in which volumes are mounted; a server that is gone would hold up a look.
_MOUNTED = ("pods", "plugins")
_ETCD_OF_CLUSTER = ("etcd.yaml", "kube-apiserver.yaml")


def begun(root: Path) -> bool:
    """Whether kubeadm began to make a node here, so that there is something to reset."""
    return any((root / name).exists() for name in (*_MADE, UNFINISHED, FINISHED))


def has_etcd(root: Path, configuration: str) -> bool:
    """Whether the cluster's etcd is here; that of a machine that only joined is another's.

    Args:
        root: of the machine's files
        configuration: that kubeadm made the cluster with, or began to
    """
    manifests = (root / KUBERNETES / "manifests" / name for name in _ETCD_OF_CLUSTER)
    return "kind: ClusterConfiguration" in configuration or all(map(Path.exists, manifests))


def holds_files(folder: Path) -> bool:
    """Whether a folder has something in it, at whatever depth, that is no folder."""
    return any(not path.is_dir() for path in folder.rglob("*"))


def has_kubelet_files(root: Path) -> bool:
    """Whether the kubelet's folder has files although kubeadm began nothing here.

    An administrator may keep a login for images there, profiles of seccomp, credential providers.
    """
    folder = root / KUBELET
    if begun(root) or not folder.is_dir():
        return False
    return any(_holds(path) for path in folder.iterdir())


def _holds(path: Path) -> bool:
    if not path.is_dir():
        return True
    return any(path.iterdir()) if path.name in _MOUNTED else holds_files(path)
