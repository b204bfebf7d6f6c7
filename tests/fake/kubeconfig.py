"""How a client that reads a kubeconfig finds the fake API server."""

from __future__ import annotations

import json
from pathlib import Path

from tests.fake.apiserver import FakeApiServer


def kubeconfig(server: FakeApiServer, folder: Path) -> str:
    """The path of a kubeconfig for it."""
    path = folder / "kubeconfig"
    entry = {"name": "fake", "cluster": {"server": server.url}}
    content = {
        "current-context": "fake",
        "clusters": [entry],
        "users": [{"name": "fake", "user": {}}],
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
    }
    path.write_text(json.dumps(content))
    return str(path)
