"""The mark that kubeadm is at work for a run of the playbooks: one run's alone."""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path

from ..care.kubeadm import is_changing  # noqa: TID252 - Ansible sends a module's parts as they lie
from .files import content
from .identity import KUBECONFIG
from .others import busy_ports
from .traces import UNFINISHED

API_SERVER = 6443
_RUN = re.compile(rb"\A# Of the run ([0-9a-f]{32})[.]\n")


class Refused(Exception):
    """Another run is at work on the machine, or was since this one looked; nothing was changed."""


def begin(root: Path, text: str) -> str:
    """Make the mark, which another run must not have made; the id of this run in it.

    Args:
        root: of the machine's files
        text: the configuration that kubeadm gets, or what stands for one
    """
    _refuse_while_kubeadm_runs(root)
    run, mark = uuid.uuid4().hex, root / UNFINISHED
    draft = _draft(mark, run, text.encode())
    try:
        mark.hardlink_to(draft)
    except FileExistsError:
        raise Refused(f"another run is at work on it (/{UNFINISHED})") from None
    finally:
        draft.unlink()
    if (root / KUBECONFIG).exists():
        mark.unlink()
        raise Refused(f"it is a node by now, as another run makes it (/{KUBECONFIG})")
    return run


def take_over(root: Path) -> str:
    """Make the mark of an earlier run this one's; the id of this run in it.

    Args:
        root: of the machine's files
    """
    _refuse_while_kubeadm_runs(root)
    run, mark = uuid.uuid4().hex, root / UNFINISHED
    if not mark.exists():
        raise Refused(f"another run completed or reset it meanwhile (/{UNFINISHED} is gone)")
    _draft(mark, run, _RUN.sub(b"", content(mark))).replace(mark)
    return run


def obstacle(root: Path, run: str) -> str:
    """Why what a run began must not be reset any more; empty where it is as kubeadm left it.

    Args:
        root: of the machine's files
        run: the id of the run, whose kubeadm has failed
    """
    if owner(root) != run:
        return f"another run is at work on it, or completed it (/{UNFINISHED})"
    if is_changing(root):
        return "a kubeadm runs there (pgrep -a kubeadm)"
    if API_SERVER in busy_ports(root):
        return f"an API server listens there (port {API_SERVER}), so that its cluster may live"
    return ""


def owner(root: Path) -> str:
    """The id of the run whose the mark is; empty without a mark, or one without an id."""
    found = _RUN.match(content(root / UNFINISHED))
    return found[1].decode() if found else ""


def _refuse_while_kubeadm_runs(root: Path) -> None:
    if is_changing(root):
        raise Refused("kubeadm runs there (pgrep -a kubeadm), of another run or of somebody")


def _draft(mark: Path, run: str, data: bytes) -> Path:
    """A file beside the mark, which is put in its place whole; with secrets, for root alone."""
    draft = mark.with_name(f".{mark.name}.{run}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(f"# Of the run {run}.\n".encode() + data)
        file.flush()
        os.fsync(file.fileno())
    return draft
