"""What makes one machine differ from the others of its image: name, address, keys, sources.

A tar file, which the machine has as its third disk and unpacks at its first start.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Final

from testbed.lab.machines import GATEWAY, MACHINES, USER, Machine

_HOST_KEY: Final = "etc/ssh/ssh_host_ed25519_key"
_USER_ID: Final = 1000


def write_seed(
    machine: Machine, suite: str, target: Path, *, host_key: Path, user_key: str
) -> None:
    """Write the seed of a machine.

    Args:
        machine: which.
        suite: its Debian release.
        target: the file to write.
        host_key: the private key by which ssh knows the machine, its public one beside it.
        user_key: the public key that lets its user in.
    """
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, text in files(machine, suite).items():
            _add(archive, name, text)
        _add(archive, _HOST_KEY, host_key.read_text(), mode=0o600)
        _add(archive, f"{_HOST_KEY}.pub", host_key.with_suffix(".pub").read_text())
        _add_user_key(archive, user_key)


def files(machine: Machine, suite: str) -> dict[str, str]:
    """The files that anybody may read, by their path."""
    names = "".join(f"{one.address} {one.name}\n" for one in MACHINES)
    return {
        "etc/hostname": f"{machine.name}\n",
        "etc/hosts": f"127.0.0.1 localhost\n::1 localhost\n{names}",
        "etc/systemd/network/lab.network": (
            f"[Match]\nName=vec0\n\n[Network]\nAddress={machine.address}/24\nGateway={GATEWAY}\n"
        ),
        "etc/apt/sources.list.d/lab.list": (
            f"deb [trusted=yes] http://{GATEWAY}:8000/debian/{suite} ./\n"
        ),
        "etc/lab-seeded": "",  # the mark that it was unpacked
    }


def _add_user_key(archive: tarfile.TarFile, key: str) -> None:
    folder = tarfile.TarInfo(f"home/{USER}/.ssh")
    folder.type = tarfile.DIRTYPE
    folder.mode = 0o700
    folder.uid = folder.gid = _USER_ID
    archive.addfile(folder)
    _add(archive, f"{folder.name}/authorized_keys", key, mode=0o600, owner=_USER_ID)


def _add(
    archive: tarfile.TarFile, name: str, text: str, *, mode: int = 0o644, owner: int = 0
) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(text.encode())
    entry.mode = mode
    entry.uid = entry.gid = owner
    archive.addfile(entry, io.BytesIO(text.encode()))
