"""What the tests of module_utils/care have: certificates, snapshots, and a machine's processes."""

from __future__ import annotations

import base64
import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
BOOT = "etc/kubernetes"
MANIFEST = """\
apiVersion: v1
kind: Pod
spec:
  containers:
  - command:
    - etcd
    - --advertise-client-urls=https://192.0.2.11:2379
    - --data-dir={data}
    - --initial-advertise-peer-urls=https://192.0.2.11:2380
    - --initial-cluster={members}
    - --listen-client-urls={listen}
    - --name=control
    - --trusted-ca-file={authority}
    image: registry.k8s.io/etcd:3.6.8-0
    livenessProbe:
      httpGet:
        path: /livez
"""


def certificate(days: float, now: datetime = NOW) -> str:
    """One that ends after so many days, in PEM."""
    signed = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=800))
        .not_valid_after(now + timedelta(days=days))
        .sign(KEY, hashes.SHA256())
    )
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def kubeconfig(days: float, now: datetime = NOW) -> str:
    data = base64.b64encode(certificate(days, now).encode()).decode()
    return f"users:\n- name: admin\n  user:\n    client-certificate-data: {data}\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def snapshot(filling: bytes = b"") -> bytes:
    """As etcd sends it: pages of a database, and their checksum."""
    pages = (bytes(16) + bytes.fromhex("edda0ced") + filling).ljust(2048, b"\0")
    return pages + hashlib.sha256(pages).digest()


def manifest(
    data: Path,
    *,
    members: str = "control=https://192.0.2.11:2380",
    listen: str = "https://127.0.0.1:2379,https://192.0.2.11:2379",
    authority: str = "",
) -> str:
    authority = authority or str(write(data / "authority.crt", "of this cluster"))
    return MANIFEST.format(data=data, members=members, listen=listen, authority=authority)


def process(root: Path, pid: int, *words: str, pod: str = "", ago: float = 100.0) -> Path:
    """A process of a machine, in the group of a pod."""
    folder = root / f"proc/{pid}"
    write(folder / "cmdline", "\0".join([*words, ""]))
    group = f"/kubepods.slice/kubepods-burstable-pod{pod}.slice/cri-1.scope" if pod else "/"
    write(folder / "cgroup", f"0::{group}\n")
    ticks = int((1000.0 - ago) * os.sysconf("SC_CLK_TCK"))
    write(folder / "stat", f"{pid} (a name) S {' '.join(['0'] * 18)} {ticks} 0 0\n")
    write(root / "proc/uptime", "1000.00 900.00\n")
    return folder


def part(root: Path, pid: int, name: str, uid: str, ago: float = 100.0) -> Path:
    """A part of the control plane that runs."""
    (root / f"var/log/pods/kube-system_{name}-control_{uid}").mkdir(parents=True, exist_ok=True)
    return process(root, pid, f"/usr/local/bin/{name}", "--x", pod=uid, ago=ago)
