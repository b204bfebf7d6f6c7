"""The settings of a running provisioner; `cli/run.py` reads them from flags and environment."""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from holdfast.claims.decide import Provisioner
from holdfast.claims.volume import Address

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
class Settings:
    """All settings of a provisioner; times in seconds."""

    provisioner: Provisioner
    address: Address
    root: Path = MOUNT_POINT
    kubeconfig: str | None = None
    leader_election: bool = True
    http_host: str = ""
    http_port: int = 8080
    workers: int = 8
    export_deadline: float = 30.0
    identity: str = field(default_factory=new_identity)
    namespace: str = field(default_factory=own_namespace)
