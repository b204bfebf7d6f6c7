"""Which programs, which versions of them, and for which machines."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from testbed.errors import ProgramError

KUBERNETES_VERSION: Final = "v1.36.3"
ETCD_VERSION: Final = "v3.6.8"
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Module:
    """A go.mod with its go.sum: programs that are built from the same versions of everything.

    Attributes:
        folder: where they are, perhaps with sources of our own.
        versions: those that a person would name; a part of the cache's key.
        release: the Kubernetes release that has the programs; empty when they are of another
            project. They are stamped with it: clients refuse to speak to `v0.0.0`.
        stamps: more of the linker's variables.
        static_c: parts of the programs are written in C; a C compiler is needed.
    """

    folder: Path = field(repr=False)  # another checkout's is the same module
    versions: tuple[str, ...]
    release: str = ""
    stamps: Mapping[str, str] = field(default_factory=dict)
    static_c: bool = False


@dataclass(frozen=True)
class Recipe:
    """One program: its file name, its Go package, and how long building it takes."""

    name: str
    package: str
    duration: str
    module: Module


CONTROL_PLANE: Final = Module(
    Path(__file__).parent,
    (KUBERNETES_VERSION, ETCD_VERSION),
    release=KUBERNETES_VERSION,
)
ETCD: Final = Recipe("etcd", "go.etcd.io/etcd/server/v3", "a minute", CONTROL_PLANE)
APISERVER: Final = Recipe(
    "kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", "4 minutes", CONTROL_PLANE
)
CONTROLLER_MANAGER: Final = Recipe(
    "kube-controller-manager",
    "k8s.io/kubernetes/cmd/kube-controller-manager",
    "2 minutes",
    CONTROL_PLANE,
)
KUBECTL: Final = Recipe("kubectl", "k8s.io/kubernetes/cmd/kubectl", "a minute", CONTROL_PLANE)


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


def cache_key(arch: str, module: Module = CONTROL_PLANE) -> str:
    """What names a cache folder: changes with whatever would change a program in it."""
    digest = hashlib.sha256(f"{' '.join(module.versions)} linux/{arch}".encode())
    for stamp in sorted(module.stamps.items()):
        digest.update("=".join(stamp).encode())
    sources = sorted(module.folder.rglob("*.go"))
    for path in (module.folder / "go.mod", module.folder / "go.sum", *sources):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
