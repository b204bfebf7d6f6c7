"""What of a machine's programs and files is the role's own."""

from __future__ import annotations

import re
from pathlib import Path

from .files import content, target

PROGRAMS = ("kubeadm", "kubectl", "kubelet")
LINKS = "usr/local/bin"
UNIT = "etc/systemd/system/kubelet.service"
MARK = b"# Written by Ansible, role kubernetes_node"

VERSION = re.compile(r"v[0-9]+[.][0-9]+[.][0-9]+")


def is_link(link: Path, directory: str) -> bool:
    """Whether it leads to the program of its name, as the role puts it: DIRECTORY/VERSION/NAME.

    Args:
        link: that which may be the role's
        directory: where the role's programs are, a folder for each version
    """
    program = Path(target(link) or "/")
    folder = program.parent
    is_place = folder.parent == Path(directory) and VERSION.fullmatch(folder.name) is not None
    return is_place and program.name == link.name


def is_written(path: Path) -> bool:
    """Whether the role wrote the file."""
    return content(path).startswith(MARK)


def kubeadm(root: Path, directory: str) -> str:
    """The kubeadm that belongs to the kubelet in use; empty if it is not there.

    Args:
        root: of the machine's files
        directory: where the role's programs are
    """
    link = root / LINKS / "kubelet"
    if not is_link(link, directory):
        return ""
    program = link.readlink().with_name("kubeadm")
    return str(program) if (root / program.relative_to("/")).exists() else ""
