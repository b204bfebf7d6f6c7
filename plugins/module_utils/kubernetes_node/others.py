"""Kubernetes and containerd that these roles did not install: by files, programs and ports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from .files import content
from .own import PROGRAMS, is_link

# A path that each distribution has where it is installed, whether it runs or not.
DISTRIBUTIONS: Mapping[str, tuple[str, ...]] = {
    "k3s": ("usr/local/bin/k3s", "etc/rancher/k3s", "var/lib/rancher/k3s"),
    "RKE2": ("usr/local/bin/rke2", "usr/bin/rke2", "etc/rancher/rke2", "var/lib/rancher/rke2"),
    "MicroK8s": ("snap/bin/microk8s", "var/snap/microk8s"),
    "k0s": ("usr/local/bin/k0s", "etc/k0s", "var/lib/k0s"),
    "Canonical Kubernetes": ("snap/bin/k8s", "var/snap/k8s"),
    "a kubelet of a package": ("usr/bin/kubelet", "usr/lib/systemd/system/kubelet.service"),
}
# Such as that of the snap docker: it has sockets, rules of the firewall and a network of its own.
SNAPS = ("snap/*/current/bin/containerd", "snap/*/current/usr/bin/containerd")
# https://kubernetes.io/docs/reference/networking/ports-and-protocols/
NODE_PORTS = (10250,)
CONTROL_PLANE_PORTS = (2379, 2380, 6443, 10257, 10259)
_LISTENS = "0A"


def others(root: Path, directory: str) -> list[str]:
    """What another has installed, each for a sentence: "k3s (/etc/rancher/k3s)".

    Args:
        root: of the machine's files
        directory: where the programs of the role are; links that lead there are the role's
    """
    return [*_distributions(root), *_snaps(root), *_programs(root, directory)]


def busy_ports(root: Path) -> list[int]:
    """Those ports of Kubernetes on which some program listens."""
    known = {*NODE_PORTS, *CONTROL_PLANE_PORTS}
    return sorted(known & {*_listening(root / "proc/net/tcp"), *_listening(root / "proc/net/tcp6")})


def _distributions(root: Path) -> Iterator[str]:
    for name, paths in DISTRIBUTIONS.items():
        found = next((path for path in paths if (root / path).exists()), None)
        if found is not None:
            yield f"{name} (/{found})"


def _snaps(root: Path) -> Iterator[str]:
    for path in sorted(path for pattern in SNAPS for path in root.glob(pattern)):
        yield f"containerd of a snap (/{path.relative_to(root)})"


def _programs(root: Path, directory: str) -> Iterator[str]:
    for name in PROGRAMS:
        path = root / "usr/local/bin" / name
        if (path.exists() or path.is_symlink()) and not is_link(path, directory):
            yield f"another {name} (/usr/local/bin/{name})"


def _listening(table: Path) -> Iterator[int]:
    """Ports of a table of sockets, see proc_net_tcp.rst of the kernel's documentation."""
    for line in content(table).decode().splitlines()[1:]:
        __, local, __, state, *_columns = line.split()
        if state == _LISTENS:
            yield int(local.rpartition(":")[2], 16)
