"""File systems are made on empty devices only, and known again."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import disks
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import Outcome
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.disks import (
    Content,
    FileSystem,
    read_file_systems,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused

from tests.unit.roles.nfs_server.given import Machine

EMPTY = Outcome(2)  # how blkid ends when it finds nothing
OURS = Outcome(0, "DEVNAME=/dev/x\nLABEL=export\nUUID=5eed\nTYPE=xfs\n")
UNMOUNTED = Outcome(1)
ENFORCED = Outcome(0, "  Accounting: ON\n  Enforcement: ON\n")
STATE = "Project quota state on /srv\n  Accounting: {}\n  Enforcement: {}\n"


def element(**other: Any) -> dict[str, Any]:
    return {"device": "/dev/vdb", "path": "/srv/nfs", "label": "export", **other}


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is taken for a block device, blank."""
    monkeypatch.setattr(stat, "S_ISBLK", lambda _: True)
    monkeypatch.setattr(disks, "MADE", tmp_path / "made")
    path = tmp_path / "disk"
    path.write_bytes(b"\0" * (3 << 20))
    return path


@pytest.fixture
def wanted(disk: Path, tmp_path: Path) -> FileSystem:
    return FileSystem(str(disk), str(tmp_path / "export"), "export")


def mounted(wanted: FileSystem, options: str = "rw,prjquota") -> Outcome:
    return Outcome(0, f"{wanted.device} xfs {options}\n")


def refusal(wanted: FileSystem, machine: Machine) -> str:
    with pytest.raises(Refused) as caught:
        disks.inspect(wanted, machine)
    assert not [line for line in machine.ran if line.startswith(("mkfs", "wipefs"))]
    return str(caught.value)


def test_the_usual_is_xfs_with_project_quota() -> None:
    assert read_file_systems([element()]) == [
        FileSystem("/dev/vdb", "/srv/nfs", "export", fstype="xfs", quota="project")
    ]


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (element(device="vdb"), "(vdb): device must be the path of a block device"),
        (element(path="/"), "(/dev/vdb): path '/' must be absolute, other than /"),
        (element(path="srv"), "path 'srv' must be absolute"),
        (element(label=""), "label '' must have from 1 to 12 ASCII characters"),
        (element(label="thirteen-long"), "label 'thirteen-long' must have from 1 to 12"),
        (element(label="é"), "label 'é' must have"),
        (element(label="seventeen-letters", fstype="ext4"), "must have from 1 to 16"),
        (element(device="/dev/vda"), "path '/srv/nfs' is that of an entry before"),
        (element(path="/srv/b"), "device '/dev/vdb' is that of an entry before"),
        (element(device="/dev/vda", path="/srv/b"), "label 'export' is that of an entry before"),
    ],
)
def test_a_mistake_is_named_with_its_entry(bad: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        read_file_systems([element(), bad])

    assert str(caught.value).startswith("nfs_server_filesystems, entry 2 ")
    assert sentence in str(caught.value)


def test_an_empty_device_is_to_be_formatted(wanted: FileSystem) -> None:
    assert disks.inspect(wanted, Machine(blkid=EMPTY, findmnt=UNMOUNTED)) is None


def test_what_was_made_before_is_used(wanted: FileSystem) -> None:
    machine = Machine(blkid=OURS, findmnt=UNMOUNTED)

    assert disks.inspect(wanted, machine) == Content("xfs", "export", "5eed")


def test_what_is_mounted_already_is_left_alone(wanted: FileSystem) -> None:
    machine = Machine(blkid=OURS, findmnt=mounted(wanted), xfs_quota=ENFORCED)

    assert disks.inspect(wanted, machine) == Content("xfs", "export", "5eed")


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (Outcome(0, "TYPE=ext4\nLABEL=data\n"), "not empty: it holds ext4, labelled 'data'; only"),
        (Outcome(0, "TYPE=xfs\nUUID=5eed\n"), "is not empty: it holds xfs; only an empty device"),
        (Outcome(0, "TYPE=xfs\nLABEL=other\n"), "it holds xfs, labelled 'other'"),
        (Outcome(0, "TYPE=LVM2_member\n"), "it holds LVM2_member"),
        (Outcome(0, "TYPE=crypto_LUKS\n"), "it holds crypto_LUKS"),
        (Outcome(0, "PTTYPE=gpt\nPTUUID=1\n"), "it holds a partition table (gpt)"),
        (Outcome(8), "it holds several signatures that contradict each other"),
    ],
)
def test_a_device_with_anything_on_it_is_not_formatted(
    wanted: FileSystem, found: Outcome, sentence: str
) -> None:
    said = refusal(wanted, Machine(blkid=found, findmnt=UNMOUNTED))

    assert said.startswith(f"{wanted.device} is not empty")
    assert sentence in said


@pytest.mark.parametrize("offset", [0, 4096, (1 << 20) - 1, -1, -(1 << 20)])
def test_a_device_with_data_of_an_unknown_kind_is_not_formatted(
    wanted: FileSystem, disk: Path, offset: int
) -> None:
    with disk.open("r+b") as file:
        file.seek(offset, os.SEEK_SET if offset >= 0 else os.SEEK_END)
        file.write(b"!")

    said = refusal(wanted, Machine(blkid=EMPTY, findmnt=UNMOUNTED))

    assert "it holds data of an unknown kind; if nobody needs it, blank it" in said


def test_a_device_that_is_in_use_is_refused(
    wanted: FileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(path: str, flags: int) -> int:
        assert flags & os.O_EXCL
        raise OSError(16, "Device or resource busy", path)

    monkeypatch.setattr(os, "open", busy)

    assert "is in use (Device or resource busy)" in refusal(
        wanted, Machine(blkid=OURS, findmnt=UNMOUNTED)
    )


def test_a_mount_hides_nothing(wanted: FileSystem) -> None:
    path = Path(wanted.path)
    path.mkdir()
    (path / "somebody's").touch()

    assert "is no empty directory; a mount would hide what is there" in refusal(
        wanted, Machine(blkid=EMPTY, findmnt=UNMOUNTED)
    )


def test_a_link_is_not_mounted_over(wanted: FileSystem, tmp_path: Path) -> None:
    Path(wanted.path).symlink_to(tmp_path)

    assert f"is a link to {tmp_path}; write that instead" in refusal(
        wanted, Machine(blkid=EMPTY, findmnt=UNMOUNTED)
    )


def test_a_mount_without_quota_is_not_taken_for_one_with(wanted: FileSystem) -> None:
    said = refusal(wanted, Machine(blkid=OURS, findmnt=mounted(wanted, "rw,noquota")))

    assert "is mounted without project quota, which a remount does not switch on" in said


def test_another_mount_at_the_path_is_left_alone(wanted: FileSystem) -> None:
    said = refusal(wanted, Machine(blkid=OURS, findmnt=Outcome(0, "/dev/vdz xfs rw,prjquota\n")))

    assert said == f"/dev/vdz is mounted at {wanted.path}; choose another path"


def test_a_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    wanted = FileSystem(str(tmp_path / "none"), "/srv/nfs", "export")

    assert refusal(wanted, Machine()) == (
        f"{tmp_path}/none is not there; look at `lsblk` for the machine's devices"
    )


def test_a_file_is_no_device(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    wanted = FileSystem(str(tmp_path / "file"), "/srv/nfs", "export")

    assert "file is no block device" in refusal(wanted, Machine())


@pytest.mark.parametrize(
    ("fstype", "command"),
    [
        ("xfs", "mkfs.xfs -q -K -L export "),
        ("ext4", "mkfs.ext4 -q -O quota,project -E quotatype=prjquota,nodiscard -L export "),
    ],
)
def test_what_is_made_is_noted(disk: Path, fstype: str, command: str) -> None:
    wanted = FileSystem(str(disk), "/srv/nfs", "export", fstype)
    machine = Machine(blkid=OURS)

    assert disks.make(wanted, machine).uuid == "5eed"

    assert f"{command}{disk}" in machine.ran
    assert disks.is_made_here(wanted, machine)


def test_a_device_that_cannot_be_formatted_is_named(wanted: FileSystem) -> None:
    machine = Machine(**{"mkfs.xfs": Outcome(1, "", "agcount 0 is not\nlegal")})

    with pytest.raises(Refused, match=r"could not format .*/disk: agcount 0 is not; legal"):
        disks.make(wanted, machine)


def test_what_was_made_elsewhere_is_not_ours_to_wipe(wanted: FileSystem) -> None:
    assert not disks.is_made_here(wanted, Machine(blkid=OURS))
    assert not disks.is_made_here(wanted, Machine(blkid=EMPTY))


def test_a_wiped_device_is_blank_and_no_longer_ours(wanted: FileSystem, disk: Path) -> None:
    machine = Machine(blkid=OURS)
    disks.make(wanted, machine)
    disk.write_bytes(b"x" * (3 << 20))

    disks.wipe(wanted, machine)

    assert f"wipefs --all {disk}" in machine.ran
    assert not disks.is_made_here(wanted, machine)
    assert disks.inspect(wanted, Machine(blkid=EMPTY, findmnt=UNMOUNTED)) is None


def test_a_device_that_cannot_be_wiped_stays_ours(wanted: FileSystem) -> None:
    machine = Machine(blkid=OURS, wipefs=Outcome(1, "", "probing initialization failed: busy"))
    disks.make(wanted, machine)

    with pytest.raises(Refused, match="could not be wiped: probing initialization failed: busy"):
        disks.wipe(wanted, machine)

    assert disks.is_made_here(wanted, machine)


def test_one_that_is_used_is_said_to_be(
    wanted: FileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(blkid=OURS, wipefs=Outcome(1, "", "Device or resource busy"))
    monkeypatch.setattr(disks, "uses", lambda _: ["mounted at /a", "used by dm-1"])
    disks.make(wanted, machine)

    with pytest.raises(Refused, match="busy; it is mounted at /a, used by dm-1; end that, and run"):
        disks.wipe(wanted, machine)


def test_quotas_must_be_counted_and_enforced(wanted: FileSystem) -> None:
    machine = Machine(findmnt=mounted(wanted), xfs_quota=ENFORCED)

    disks.check_ready(wanted, machine)

    assert machine.ran[-1] == f"xfs_quota -x -c state -p {wanted.path}"


@pytest.mark.parametrize("state", [("ON", "OFF"), ("OFF", "OFF")])
def test_quotas_that_are_not_enforced_are_refused(
    wanted: FileSystem, state: tuple[str, str]
) -> None:
    machine = Machine(findmnt=mounted(wanted), xfs_quota=Outcome(0, STATE.format(*state)))

    with pytest.raises(Refused, match="project quota is not enforced at"):
        disks.check_ready(wanted, machine)


def test_a_mount_that_is_missing_is_named(wanted: FileSystem) -> None:
    with pytest.raises(Refused, match=r"is not mounted at .*; look at /etc/fstab"):
        disks.check_ready(wanted, Machine(findmnt=UNMOUNTED))
