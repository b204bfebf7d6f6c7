"""Kubeconfig files with everything in them, so that one file can be handed to a program.

Written as JSON, which is YAML too: no other program's quoting to get right.
https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

from testbed.certificates import Pair


def write(path: Path, *, url: str, authority: Path, identity: Pair) -> Path:
    """Write a kubeconfig for a client certificate; only its owner can read it."""
    cluster = {"server": url, "certificate-authority-data": _encoded(authority)}
    user = {
        "client-certificate-data": _encoded(identity.certificate),
        "client-key-data": _encoded(identity.key),
    }
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "testbed", "cluster": cluster}],
        "users": [{"name": "testbed", "user": user}],
        "contexts": [{"name": "testbed", "context": {"cluster": "testbed", "user": "testbed"}}],
        "current-context": "testbed",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=2))
    return path


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
