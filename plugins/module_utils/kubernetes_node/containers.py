"""Whether containers of pods run on a machine, also where containerd cannot be asked."""

from __future__ import annotations

from pathlib import Path

from .files import content

NAMESPACE = "k8s.io"  # of what containerd runs for a kubelet
_SHIM = "containerd-shim"  # each pod has one, which outlives containerd


def containers_run(root: Path) -> bool:
    """Whether a process of containerd keeps a pod of a kubelet.

    Args:
        root: of the machine's files
    """
    return any(_is_of_pod(path) for path in (root / "proc").glob("[0-9]*/cmdline"))


def _is_of_pod(path: Path) -> bool:
    program, *arguments = _words(path)
    is_shim = Path(program).name.startswith(_SHIM)
    return is_shim and NAMESPACE in arguments


def _words(path: Path) -> list[str]:
    try:
        return content(path).decode(errors="replace").split("\0")
    except OSError:  # it ended
        return [""]
