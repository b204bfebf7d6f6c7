"""What keeps plays of the tests from changing this machine; seen: one installed packages."""

from __future__ import annotations

from pathlib import Path

CHANGING = (
    *("apt", "apt-get", "dpkg", "aptitude", "snap"),
    *("systemctl", "service", "exportfs", "nft", "mount", "umount", "swapoff", "swapon"),
    *("modprobe", "sysctl", "useradd", "mkfs.ext4", "mkfs.xfs", "kubeadm", "ctr", "helm"),
)
REFUSAL = '#!/bin/sh\necho "$0 is no program of this test: $*" >&2\nexit 97\n'


def guard(folder: Path) -> None:
    """Put programs there that refuse, in place of those that change a machine.

    Args:
        folder: the first of PATH; what is there already stays
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in CHANGING:
        program = folder / name
        if not program.exists():
            program.write_text(REFUSAL)
            program.chmod(0o755)
