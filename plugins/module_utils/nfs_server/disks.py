"""The variable nfs_server_filesystems: made on empty devices only, found again, never overwritten.

A device is taken for the role's if it holds a file system of the wanted kind and label. Whether
the role made it (and `nfs_server_wipe` may therefore destroy it) is a note under /var/lib, by the
file system's UUID.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .commands import Runner
from .errors import Refused
from .expected import check_not_missing, forget_path, note_text, other_sources
from .exports import read_path
from .uses import uses

MADE = Path("/var/lib/holdfast/nfs_server")  # a file for each file system that the role made
LONGEST_LABEL = {"xfs": 12, "ext4": 16}
# Without discarding the blocks first: a blank device has none in use, and some take minutes.
MAKE = {
    "xfs": ("mkfs.xfs", "-q", "-K"),
    "ext4": ("mkfs.ext4", "-q", "-O", "quota,project", "-E", "quotatype=prjquota,nodiscard"),
}
_EDGE = 1 << 20  # bytes at the beginning and the end of a device that must be blank


@dataclass(frozen=True, slots=True)
class FileSystem:
    """One element of the variable."""

    device: str
    path: str
    label: str
    fstype: str = "xfs"
    quota: str = "project"


@dataclass(frozen=True, slots=True)
class Mount:
    """What is mounted at a path."""

    source: str
    fstype: str
    options: frozenset[str]


@dataclass(frozen=True, slots=True)
class Content:
    """What blkid finds on a device."""

    kind: str = ""
    label: str = ""
    uuid: str = ""

    def __str__(self) -> str:
        """For a sentence."""
        return f"{self.kind}, labelled {self.label!r}" if self.label else self.kind


def read_file_systems(entries: Sequence[Mapping[str, Any]]) -> list[FileSystem]:
    """Read the variable.

    Raises:
        Refused: naming the entry and what is wrong with it.
    """
    wanted: list[FileSystem] = []
    for number, entry in enumerate(entries, start=1):
        try:
            wanted.append(_read_entry(entry, wanted))
        except Refused as refused:
            where = f"nfs_server_filesystems, entry {number} ({entry['device']})"
            raise Refused(f"{where}: {refused}") from None
    return wanted


def inspect(wanted: FileSystem, run: Runner) -> Content | None:
    """The file system that is there already; None where it is to be made, on an empty device.

    Raises:
        Refused: the device or the path holds something else, or something else is expected there.
    """
    device = _find_device(wanted.device)
    content = probe(device, run)
    mounted = mount_at(wanted.path, run)
    if mounted is not None:
        _check_mount(wanted, device, mounted, run)
    else:
        _check_free(wanted, device)
    if (content.kind, content.label) == (wanted.fstype, wanted.label):
        return content
    if mounted is not None and content == Content():
        raise Refused(
            f"{wanted.device} is mounted at {wanted.path}, but blkid finds nothing on it; what is "
            "mounted is not formatted. Look at it (blkid --probe); unmount it if it is empty indeed"
        )
    if content != Content():
        raise Refused(
            f"{wanted.device} is not empty: it holds {content}; only an empty device is formatted. "
            "Give its kind and label as fstype and label to use it as it is, or empty it yourself"
        )
    _check_blank(device)
    check_not_missing(wanted.path, device, MADE, run)
    return None


def make(wanted: FileSystem, run: Runner) -> Content:
    """Make the file system, and note that it was made here."""
    program, *options = MAKE[wanted.fstype]
    done = run(program, *options, "-L", wanted.label, wanted.device)
    if done.code:
        raise Refused(f"{program} could not format {wanted.device}: {done.complaint}")
    content = probe(_find_device(wanted.device), run)
    MADE.mkdir(mode=0o755, parents=True, exist_ok=True)
    (MADE / content.uuid).write_text(note_text(wanted.device, wanted.label, wanted.path))
    return content


def check_ready(wanted: FileSystem, run: Runner) -> None:
    """See that it is mounted, and that quotas are counted and enforced.

    Raises:
        Refused: they are not.
    """
    mounted = mount_at(wanted.path, run)
    if mounted is None:
        raise Refused(f"{wanted.device} is not mounted at {wanted.path}; look at /etc/fstab")
    _check_mount(wanted, _find_device(wanted.device), mounted, run)


def is_made_here(wanted: FileSystem, run: Runner) -> bool:
    """Whether the role made what is on the device now."""
    return _note(_find_device(wanted.device), run).is_file()


def check_alone(wanted: FileSystem, run: Runner) -> None:
    """See that nothing else is mounted at its path, or is to be: it would go with the wipe.

    Raises:
        Refused: naming what is.
    """
    device = _find_device(wanted.device)
    mounted = mount_at(wanted.path, run)
    others = other_sources(wanted.path, device, run)
    if mounted and os.path.realpath(mounted.source) != device:
        others.append(mounted.source)
    if others:
        raise Refused(
            f"nfs_server_wipe: {', '.join(dict.fromkeys(others))} is mounted at {wanted.path}, or "
            f"in /etc/fstab for it, and not {wanted.device}; take it away from there, or run this "
            "without nfs_server_wipe"
        )


def wipe(wanted: FileSystem, run: Runner) -> None:
    """Destroy a file system that the role made and that is unmounted by now."""
    device = _find_device(wanted.device)
    note = _note(device, run)
    forget_path(note)
    done = run("wipefs", "--all", device)
    if done.code:
        raise Refused(f"{wanted.device} could not be wiped: {done.complaint}{_in_use(device)}")
    _blank(device)
    note.unlink()


def probe(device: str, run: Runner) -> Content:
    """What the device itself says, past every cache."""
    outcome = run("blkid", "--probe", "--output", "export", device)
    found = dict(line.split("=", 1) for line in outcome.out.splitlines() if "=" in line)
    table = f"a partition table ({found['PTTYPE']})" if "PTTYPE" in found else ""
    kind = found.get("TYPE", table)
    if not kind and outcome.code not in {0, 2}:  # 2: nothing found
        kind = "several signatures that contradict each other"
    return Content(kind, found.get("LABEL", ""), found.get("UUID", ""))


def mount_at(path: str, run: Runner) -> Mount | None:
    """What is mounted exactly there."""
    columns = "SOURCE,FSTYPE,OPTIONS"
    found = run("findmnt", "--noheadings", "--raw", "--output", columns, "--mountpoint", path)
    if not found.out.strip():
        return None
    # of several mounts over each other the last one counts
    source, fstype, options = found.out.strip().splitlines()[-1].split(" ", 2)
    return Mount(source, fstype, frozenset(options.split(",")))


def _read_entry(entry: Mapping[str, Any], before: list[FileSystem]) -> FileSystem:
    keys = ("device", "path", "label", "fstype", "quota")
    wanted = FileSystem(**{key: entry[key] for key in keys if entry.get(key) is not None})
    read_path(wanted.path)
    if not wanted.device.startswith("/dev/"):
        raise Refused("device must be the path of a block device, such as /dev/vdb")
    longest = LONGEST_LABEL[wanted.fstype]
    if not 0 < len(wanted.label) <= longest or not wanted.label.isascii():
        raise Refused(f"label {wanted.label!r} must have from 1 to {longest} ASCII characters")
    for other in before:
        for key in ("device", "path", "label"):
            if getattr(other, key) == getattr(wanted, key):
                raise Refused(f"{key} {getattr(wanted, key)!r} is that of an entry before")
    return wanted


def _find_device(device: str) -> str:
    """The device behind links such as /dev/disk/by-id/…."""
    real = os.path.realpath(device)
    if not Path(real).exists():
        raise Refused(f"{device} is not there; look at `lsblk` for the machine's devices")
    if not stat.S_ISBLK(Path(real).stat().st_mode):
        raise Refused(f"{device} is no block device; look at `lsblk` for the machine's devices")
    return real


def _check_mount(wanted: FileSystem, device: str, mounted: Mount, run: Runner) -> None:
    if os.path.realpath(mounted.source) != device:
        raise Refused(f"{mounted.source} is mounted at {wanted.path}; choose another path")
    if wanted.quota == "project" and "prjquota" not in mounted.options:
        raise Refused(
            f"{wanted.path} is mounted without project quota, which a remount does not switch on; "
            f"unmount it (systemctl stop nfs-server; umount {wanted.path}), then run this again"
        )
    if wanted.quota == "project" and wanted.fstype == "xfs":
        _check_xfs_quota(wanted.path, run)


def _check_free(wanted: FileSystem, device: str) -> None:
    """A device in use cannot be opened exclusively, whatever uses it: a mount, RAID, LVM, swap."""
    try:
        os.close(os.open(device, os.O_RDONLY | os.O_EXCL))
    except OSError as error:
        raise Refused(f"{wanted.device} is in use ({error.strerror}); choose another one") from None
    path = Path(wanted.path)
    if os.path.realpath(path) != wanted.path:
        raise Refused(f"path {path} is a link to {os.path.realpath(path)}; write that instead")
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise Refused(f"path {path} is no empty directory; a mount would hide what is there")


def _check_blank(device: str) -> None:
    """Data may be without a signature: an encrypted disk, a database's own device."""
    with Path(device).open("rb", buffering=0) as disk:
        size = disk.seek(0, os.SEEK_END)
        for start in (0, max(0, size - _EDGE)):
            disk.seek(start)
            if disk.read(_EDGE).strip(b"\0"):
                raise Refused(
                    f"{device} is not empty: it holds data of an unknown kind; if nobody needs it, "
                    f"blank it: wipefs --all {device}; blkdiscard --zeroout {device}"
                )


def _in_use(device: str) -> str:
    found = uses(device)
    return f"; it is {', '.join(found)}; end that, and run this again" if found else ""


def _note(device: str, run: Runner) -> Path:
    return MADE / (probe(device, run).uuid or "none")


def _blank(device: str) -> None:
    with Path(device).open("r+b", buffering=0) as disk:
        size = disk.seek(0, os.SEEK_END)
        for start in (0, max(0, size - _EDGE)):
            disk.seek(start)
            disk.write(b"\0" * min(_EDGE, size))
        os.fsync(disk.fileno())


def _check_xfs_quota(path: str, run: Runner) -> None:
    state = run("xfs_quota", "-x", "-c", "state -p", path)
    words = {line.strip() for line in state.out.splitlines()}
    if state.code or not {"Accounting: ON", "Enforcement: ON"} <= words:
        raise Refused(f"project quota is not enforced at {path}: {state.complaint}")
