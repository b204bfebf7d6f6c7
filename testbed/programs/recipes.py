"""Which programs, which versions of them, and for which machines."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from testbed.errors import ProgramError

KUBERNETES_VERSION: Final = "v1.36.3"
ETCD_VERSION: Final = "v3.6.8"
MODULE: Final = Path(__file__).parent  # the folder of go.mod
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Recipe:
    """One program: its file name, its Go package, and how long building it takes."""

    name: str
    package: str
    duration: str


ETCD: Final = Recipe("etcd", "go.etcd.io/etcd/server/v3", "a minute")
APISERVER: Final = Recipe("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", "4 minutes")
CONTROLLER_MANAGER: Final = Recipe(
    "kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager", "2 minutes"
)
KUBECTL: Final = Recipe("kubectl", "k8s.io/kubernetes/cmd/kubectl", "a minute")


def architecture() -> str:
    """This machine's, in Go's words.

    Raises:
        ProgramError: neither the release servers' programs nor our builds are made for it.
    """
    system, machine = platform.system(), platform.machine()
    if system == "Linux" and machine in _ARCHITECTURES:
        return _ARCHITECTURES[machine]
    raise ProgramError(
        f"the testbed's programs are made for Linux on amd64 and arm64, not for {system} on "
        f"{machine}; set KUBEBUILDER_ASSETS to a folder that holds them for this machine"
    )


def cache_key(arch: str) -> str:
    """What names a cache folder: changes with whatever would change a program in it."""
    digest = hashlib.sha256(f"{KUBERNETES_VERSION} {ETCD_VERSION} linux/{arch}".encode())
    for name in ("go.mod", "go.sum"):
        digest.update(hashlib.sha256((MODULE / name).read_bytes()).digest())
    return digest.hexdigest()[:16]
