"""A person's kubeconfig: replaced where it is this cluster's and nothing else, else left alone."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

MODE = 0o600
_MARK = "# Written by Ansible, role control_plane; SHA-256 of what follows: "


def marked(text: str) -> str:
    """The content with a first line by which it is known again while nobody has changed it."""
    return f"{_MARK}{_checksum(text)}\n{text}"


def is_unchanged(text: str) -> bool:
    """Whether this is what the role wrote, for this cluster or one that was there before."""
    head, __, rest = text.partition("\n")
    return head == f"{_MARK}{_checksum(rest)}"


def is_same_cluster(found: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    """Whether two kubeconfigs differ in nothing but credentials, which are renewed each year."""
    return _without_credentials(found) == _without_credentials(own)


def put(path: Path, text: str, user: int, group: int) -> None:
    """Replace the file as a whole, and make its folder where there is none."""
    if not path.parent.exists():
        path.parent.mkdir(mode=0o700)
        os.chown(path.parent, user, group)
    with NamedTemporaryFile("w", dir=path.parent, delete=False) as file:  # for its owner alone
        file.write(text)
    new = Path(file.name)
    try:
        os.chown(new, user, group)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _without_credentials(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "clusters": config.get("clusters") or [],
        "contexts": config.get("contexts") or [],
        "current": config.get("current-context"),
        "users": [user["name"] for user in config.get("users") or []],
    }


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
