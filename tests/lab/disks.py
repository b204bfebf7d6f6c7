"""Disks of the lab's NFS server beside its own, and which of them the export is on."""

from __future__ import annotations

import base64
import io
import tarfile
from dataclasses import dataclass
from shlex import quote
from typing import Final

from testbed.lab.interface import Guest
from tests.lab.seeds import EXPORT

_MOUNT: Final = EXPORT.rpartition("/")[0]
_ASIDE: Final = "/mnt/aside"
# All that a backup knows of a file; the times at which it was read are of no interest. From a copy:
# tar does not wait for clients to give a file back that the server has delegated to them.
_COPY: Final = "/run/export"
_READ: Final = (
    f"set -e; sudo rm -rf {_COPY} {_COPY}.tar; sudo cp --archive {EXPORT} {_COPY}; "
    "sudo tar --create --format=posix --pax-option=delete=atime,delete=ctime --sort=name "
    f"--directory={_COPY} --file={_COPY}.tar .; base64 --wrap=0 {_COPY}.tar"
)


@dataclass(frozen=True)
class Entry:
    """A file or directory: whatever would show that somebody has been there."""

    kind: bytes
    mode: int
    owner: tuple[int, int]
    changed: str
    target: str
    content: bytes

    @property
    def is_directory(self) -> bool:
        """Whether it is one."""
        return self.kind == tarfile.DIRTYPE


Entries = dict[str, Entry]


@dataclass(frozen=True)
class Disks:
    """The machine with the export, to which disks are added as files."""

    guest: Guest

    def stop(self) -> None:
        """Ends the NFS server: whoever has mounted the export waits."""
        self.guest.ssh("sudo systemctl stop nfs-server", deadline=120)

    def start(self) -> None:
        """Starts it again."""
        self.guest.ssh("sudo systemctl start nfs-server", deadline=120)

    def make(self, name: str, script: str = ":") -> None:
        """Makes a disk with a directory to export, in which a script is run.

        What is exported now is `$EXPORT` there.
        """
        image, folder = _image(name), f"{_ASIDE}/{EXPORT.rpartition('/')[2]}"
        filled = f"EXPORT={EXPORT}; cd {folder}; {script}"
        self.guest.ssh(
            f"set -e; sudo truncate --size=1G {image}; sudo mkfs.xfs -q {image}; "
            f"sudo mkdir --parents {_ASIDE}; sudo mount {image} {_ASIDE}; sudo mkdir {folder}; "
            f"sudo sh -ec {quote(filled)}; sudo umount {_ASIDE}",
            deadline=180,
        )

    def put_in(self, name: str) -> None:
        """Swaps disks as an administrator does: in order, with the server stopped."""
        self.stop()
        self.guest.ssh(f"sudo umount {_MOUNT} && sudo mount {_image(name)} {_MOUNT}")
        self.start()

    def put_own_back(self) -> None:
        """The disk that belongs there, as fstab says."""
        self.stop()
        self.guest.ssh(f"sudo umount {_MOUNT} && sudo mount {_MOUNT}")
        self.start()

    def read(self) -> Entries:
        """Everything that is on the export now."""
        text = self.guest.ssh(_READ, deadline=180)
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(text))) as archive:
            return {
                member.name.removeprefix("./"): _entry(archive, member)
                for member in archive.getmembers()
            }


def _image(name: str) -> str:
    return f"/var/lib/{name}.disk"


def _entry(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    file = archive.extractfile(member) if member.isreg() else None
    return Entry(
        member.type,
        member.mode,
        (member.uid, member.gid),
        member.pax_headers.get("mtime", str(member.mtime)),
        member.linkname,
        file.read() if file else b"",
    )
