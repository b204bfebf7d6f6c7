"""Whether kubeadm is at work on a machine."""

from __future__ import annotations

from pathlib import Path

CHANGES = {"init", "join", "reset", "upgrade"}


def is_changing(root: Path) -> bool:
    """Whether a kubeadm runs that makes, joins, upgrades or resets a node."""
    commands = (_words(path) for path in (root / "proc").glob("[0-9]*/cmdline"))
    return any(Path(words[0]).name == "kubeadm" and CHANGES & {*words[1:]} for words in commands)


def _words(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode(errors="replace").split("\0")
    except OSError:  # it ended
        return [""]
