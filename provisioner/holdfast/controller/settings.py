"""The settings of a running provisioner; `cli/run.py` reads them from flags and environment."""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from holdfast.claims.build_volume import Address
from holdfast.claims.decide import DEFAULT_EXPORT, Provisioner
from holdfast.claims.ownership import Ownership

MOUNT_POINT = Path("/persistentvolumes")
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def new_identity() -> str:
    """The pod's name, which a restarted container keeps; else the host name and a random part."""
    return os.environ.get("POD_NAME") or f"{socket.gethostname()}_{uuid.uuid4().hex[:12]}"


def own_namespace() -> str:
    """The lease's namespace: the pod's, or `default` outside of a cluster."""
    if namespace := os.environ.get("POD_NAMESPACE"):
        return namespace
    try:
        return _SERVICE_ACCOUNT.read_text(encoding="utf-8").strip() or "default"
    except OSError:
        return "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSettings:
    """One export; times in seconds.

    Attributes:
        address: where pods mount it from.
        name: what the parameter `export` of a StorageClass calls it.
        root: where it is mounted here.
        deadline: after which an operation counts as hung.
        ownership: of new directories, where this export's is not the provisioner's.
    """

    address: Address
    name: str = DEFAULT_EXPORT
    root: Path = MOUNT_POINT
    deadline: float = 30.0
    ownership: Ownership | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of a provisioner; the first export serves classes that name none."""

    provisioner: Provisioner
    exports: tuple[ExportSettings, ...]
    config: Path | None = None  # the file that lists them, where there is one
    kubeconfig: str | None = None
    leader_election: bool = True
    http_host: str = ""
    http_port: int = 8080
    workers: int = 8
    identity: str = field(default_factory=new_identity)
    namespace: str = field(default_factory=own_namespace)
