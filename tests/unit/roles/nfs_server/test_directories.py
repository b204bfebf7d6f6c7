"""Only directories that the role made are removed, and nothing that is mounted in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import directories
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import Outcome
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import (
    run as run_real,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused

from tests.unit.roles.nfs_server.given import Machine

BORN = "1795859415.832750440"


class Disk(Machine):
    """A machine with one disk, on which each directory has its inode and a time of birth."""

    def __init__(self, uuid: str = "5eed", born: str = BORN, source: str = "/dev/vdb") -> None:
        super().__init__(findmnt=Outcome(0, f"{source}\n"), blkid=Outcome(0, f"UUID={uuid}\n"))
        self.born = born

    def __call__(self, *command: str) -> Outcome:
        if command[0] != "stat":
            return super().__call__(*command)
        return Outcome(0, f"{Path(command[-1]).stat().st_ino} {self.born}\n")


DISK = Disk()


@pytest.fixture(autouse=True)
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The table of mounts, empty; notes are kept beside."""
    table = tmp_path / "mountinfo"
    table.touch()
    monkeypatch.setattr(directories, "NOTES", tmp_path / "notes")
    monkeypatch.setattr(directories, "_MOUNTS", table)
    return table


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "srv/nfs/k8s"
    directories.make(path, DISK)
    (path / "data").write_text("precious")
    return path


def test_what_the_role_made_is_removed_with_what_is_in_it(export: Path) -> None:
    assert directories.made([str(export)], DISK) == [str(export)]

    directories.remove(str(export))

    assert not export.exists()
    assert export.parent.is_dir()
    assert directories.made([str(export)], DISK) == []


def test_what_was_there_before_is_not_the_roles(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()

    assert directories.made([str(tmp_path / "home"), str(tmp_path / "missing")], DISK) == []


def test_what_another_put_in_its_place_is_not_the_roles(export: Path) -> None:
    export.rename(export.with_name("former"))
    export.mkdir()

    assert directories.made([str(export)], DISK) == []


@pytest.mark.parametrize(
    "disk",
    [Disk(uuid="other"), Disk(born="1795859415.832750441"), Disk(source="tank/a"), Disk(born="0")],
)
def test_what_is_there_after_a_disk_was_changed_is_not_the_roles(export: Path, disk: Disk) -> None:
    """Seen: the first directory of a new file system has the same inode again."""
    assert directories.made([str(export)], disk) == []


@pytest.mark.parametrize("born", ["0.000000000", "-", ""])
def test_a_directory_without_a_time_of_birth_is_never_removed(tmp_path: Path, born: str) -> None:
    """Its inode may be that of another one by now."""
    disk = Disk(born=born)
    directories.make(tmp_path / "a", disk)

    assert directories.made([str(tmp_path / "a")], disk) == []


def test_a_file_system_without_a_device_is_known_by_its_name(tmp_path: Path) -> None:
    directories.make(tmp_path / "a", Disk(source="tank/a"))

    assert directories.made([str(tmp_path / "a")], Disk(source="tank/a")) == [f"{tmp_path}/a"]
    assert directories.made([str(tmp_path / "a")], Disk(source="tank/b")) == []


def test_a_note_of_an_earlier_version_says_too_little(export: Path) -> None:
    (note,) = directories.NOTES.iterdir()
    note.write_text(f"{export.stat().st_ino} {export}\n")

    assert directories.made([str(export)], DISK) == []


def test_the_programs_are_asked_for_what_they_tell(tmp_path: Path) -> None:
    outcome = run_real(*directories.BIRTH, str(tmp_path))
    inode, born = outcome.out.split()

    assert int(inode) == tmp_path.stat().st_ino
    assert float(born) >= 0
    assert run_real(*directories.SOURCE, str(tmp_path)).out.count("\n") == 1


@pytest.mark.parametrize("beneath", ["", "/data", r"/with\040space"])
def test_nothing_is_removed_where_something_is_mounted(
    export: Path, mounts: Path, beneath: str
) -> None:
    mounts.write_text(f"36 35 98:0 / {export}{beneath} rw,noatime master:1 - ext4 /dev/vdb rw\n")

    with pytest.raises(Refused, match="is mounted there; unmount that"):
        directories.remove(str(export))
    assert (export / "data").read_text() == "precious"


def test_a_mount_beside_does_not_matter(export: Path, mounts: Path) -> None:
    mounts.write_text(f"36 35 98:0 / {export}-beside rw - ext4 /dev/vdb rw\n")

    directories.remove(str(export))

    assert not export.exists()
