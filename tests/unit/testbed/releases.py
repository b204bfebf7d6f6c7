"""What release servers of tests have: small fake programs in the layouts of the projects."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections import Counter
from typing import Protocol

from testbed.programs.cache import Cache
from testbed.programs.recipes import architecture, cache_key


class Mirror(Protocol):
    """The fixture `mirror`, see conftest.py."""

    url: str
    files: dict[str, bytes]
    cut: set[str]
    redirected: dict[str, str]
    asked: Counter[str]


KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kubectl")
FOLDER = f"v1.36.3/bin/linux/{architecture()}"
ETCD = f"etcd-v3.6.8-linux-{architecture()}"
ARCHIVE = f"v3.6.8/{ETCD}.tar.gz"


def fill_kubernetes(mirror: Mirror, algorithm: str = "sha256", tail: str = "") -> None:
    for name in (*KUBERNETES, "etcd"):
        content = f"program {name}".encode()
        digest = hashlib.new(algorithm, content).hexdigest()
        mirror.files[f"{FOLDER}/{name}"] = content
        mirror.files[f"{FOLDER}/{name}.{algorithm}"] = f"{digest}{tail}".encode()


def fill_etcd(mirror: Mirror, member: str = f"{ETCD}/etcd") -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        content = b"program from etcd's archive"
        entry = tarfile.TarInfo(member)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    mirror.files[ARCHIVE] = buffer.getvalue()
    listed = f"{'0' * 64}  etcd-v3.6.8-darwin-amd64.zip\n{digest}  {ETCD}.tar.gz\n"
    mirror.files["v3.6.8/SHA256SUMS"] = listed.encode()


def entries() -> set[str]:
    return {path.name for path in Cache(cache_key(architecture())).path("any").parent.iterdir()}
