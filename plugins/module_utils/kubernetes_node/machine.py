"""What a machine is in a cluster already, by its files."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

from ..care.kubeadm import is_changing  # noqa: TID252 - Ansible sends a module's parts as they lie
from .containers import containers_run
from .files import content, target
from .identity import node_name
from .others import busy_ports, others
from .own import UNIT, is_written, kubeadm
from .swap import enabled_swap_units, generated_swap_units, swap_lines, swaps
from .traces import (
    ETCD_DATA,
    FINISHED,
    KUBERNETES,
    PKI,
    UNFINISHED,
    begun,
    has_etcd,
    has_kubelet_files,
    holds_files,
)

SETTINGS = (
    "net.ipv4.ip_forward",
    "net.bridge.bridge-nf-call-iptables",
    "net.bridge.bridge-nf-call-ip6tables",
)
# The second is what cloud-init writes the first from, at each boot, where it is told to.
HOSTS_FILES = ("etc/hosts", "etc/cloud/templates/hosts.debian.tmpl")
HOSTS_MARK = "# API server of Kubernetes, written by Ansible"
SETTINGS_FILE = "etc/sysctl.d/90-kubernetes.conf"
PROXY_FILE = "etc/default/kubelet-proxy"
SERVER = "manifests/kube-apiserver.yaml"
_SERVER_IMAGE = re.compile(rb"\bimage: \S*\bkube-apiserver:([\w.-]+)")


def machine(root: Path, directory: str) -> dict[str, Any]:
    """The state of the machine with these files, as the module `kubernetes_state` returns it.

    Args:
        root: of the machine's files
        directory: where the role's programs are
    """
    folder = root / KUBERNETES
    authority = content(folder / "pki/ca.crt")
    configuration = (content(root / UNFINISHED) or content(root / FINISHED)).decode()
    return {
        "modular": (root / "lib/modules" / os.uname().release).is_dir(),
        "unset": [name for name in SETTINGS if not is_set(root, name)],
        "swap": swaps(root),
        "swap_lines": swap_lines(root),
        "enabled_swap_units": enabled_swap_units(root),
        "generated_swap_units": generated_swap_units(root),
        "swap_lacking": swap_lacking(root),
        "program": target(root / "usr/local/bin/kubelet"),
        "kubeadm": kubeadm(root, directory),
        "unit": is_written(root / UNIT),
        "proxy": (root / PROXY_FILE).exists(),
        "node": (folder / "kubelet.conf").exists(),
        "name": node_name(root),
        "control_plane": (folder / "admin.conf").exists(),
        "unfinished": (root / UNFINISHED).exists(),
        "begun": begun(root),
        "etcd": has_etcd(root, configuration),
        "etcd_data": holds_files(root / ETCD_DATA),
        "pki": holds_files(root / PKI),
        "kubelet_files": has_kubelet_files(root),
        "containers": containers_run(root),
        "running": is_changing(root),
        "configuration": configuration,
        "server_version": server_version(content(folder / SERVER)),
        "authority": hashlib.sha256(authority).hexdigest() if authority else "",
        "hosts_files": [f"/{name}" for name in HOSTS_FILES if (root / name).exists()],
        "hosts_entry": hosts_entry(content(root / HOSTS_FILES[0]).decode(errors="replace")),
        "others": others(root, directory),
        "busy_ports": busy_ports(root),
    }


def swap_lacking(root: Path) -> int:
    """How many KiB of what is swapped out have no room in the memory that is free."""
    lines = content(root / "proc/swaps").decode().splitlines()[1:]
    used = sum(int(line.split()[-2]) for line in lines)
    fields = dict(line.split(":") for line in content(root / "proc/meminfo").decode().splitlines())
    available = int(fields.get("MemAvailable", "0").split()[0])
    return max(0, used - available)


def hosts_entry(text: str) -> str:
    """The line of /etc/hosts by which a node finds the API server, without its mark."""
    lines = (line.partition(HOSTS_MARK) for line in text.splitlines())
    return next((entry.strip() for entry, mark, __ in lines if mark), "")


def server_version(manifest: bytes) -> str:
    """The version of the API server in its manifest, which an upgrade changes first."""
    found = _SERVER_IMAGE.search(manifest)
    return found[1].decode() if found else ""


def is_set(root: Path, name: str) -> bool:
    """Whether a kernel setting is 1 now, and will be after a reboot."""
    now = content(root / "proc/sys" / name.replace(".", "/"))
    lines = content(root / SETTINGS_FILE).decode().splitlines()
    return now.strip() == b"1" and f"{name}=1" in lines
