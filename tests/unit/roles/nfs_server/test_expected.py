"""A blank device is not formatted in place of a disk that is missing."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import disks, expected
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import Outcome
from ansible_collections.holdfast.nfs.plugins.modules import nfs_filesystems

from tests.unit.roles.nfs_server.given import Machine
from tests.unit.roles.reading import HERE, load
from tests.unit.roles.running import Result, refusal, run

OLD = "aaaa-old-uuid"
OURS = Outcome(0, "LABEL=export\nUUID=5eed\nTYPE=xfs\n")


class Site:
    """A machine with a blank disk, an fstab, and the role's notes."""

    def __init__(self, folder: Path) -> None:
        self.machine = Machine(blkid=Outcome(2), findmnt=Outcome(1), findfs=Outcome(1))
        self.fstab = folder / "fstab"
        self.notes = folder / "made"
        self.disk = folder / "disk"
        self.device = f"/dev/..{self.disk}"
        self.path = folder / "export"
        self.notes.mkdir()
        self.disk.write_bytes(b"\0" * (3 << 20))

    def line(self, source: str, path: Path | str = "") -> None:
        self.fstab.write_text(
            f"# {source} {self.path}\n\n{source}\t{path or self.path} xfs nofail 0 0\n"
        )

    def arguments(self) -> dict[str, list[dict[str, str]]]:
        entry = {"device": self.device, "path": str(self.path), "label": "export"}
        return {"filesystems": [entry]}

    def look(self) -> Result:
        result = run(nfs_filesystems.main, check=True, **self.arguments())
        assert not result.get("failed"), result
        return result

    def refusal(self) -> str:
        said = refusal(nfs_filesystems.main, **self.arguments())
        assert [line for line in self.machine.ran if line.startswith("mkfs")] == []
        assert said.startswith(f"nfs_server_filesystems: {self.disk} is blank, and ")
        return said


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    made = Site(tmp_path)
    monkeypatch.setattr(stat, "S_ISBLK", lambda _: True)
    monkeypatch.setattr(disks, "MADE", made.notes)
    monkeypatch.setattr(expected, "FSTAB", made.fstab)
    monkeypatch.setattr(nfs_filesystems, "run", made.machine)
    return made


@pytest.mark.parametrize(
    "source",
    [
        f"UUID={OLD}",
        "LABEL=export",
        "/dev/disk/by-id/virtio-exports",
        "nas:/srv",
        "/srv/other",
        "tank/a",
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_blank_device_is_not_made_where_fstab_has_another_source(
    site: Site, source: str, slash: str
) -> None:
    site.line(source, f"{site.path}{slash}")

    said = site.refusal()

    assert f"/etc/fstab mounts {source} at {site.path}, which is not this device" in said
    assert f"attach it and mount it (mount {site.path})" in said
    assert "remove its line from /etc/fstab" in said


def test_nor_where_another_device_has_that_source(site: Site, tmp_path: Path) -> None:
    """The names of the devices were exchanged."""
    site.line(f"UUID={OLD}")
    site.machine.answers[f"findfs UUID={OLD}"] = Outcome(0, f"{tmp_path}/vdc\n")

    assert f"/etc/fstab mounts UUID={OLD}" in site.refusal()


def test_a_line_for_the_device_itself_is_no_reason(site: Site, tmp_path: Path) -> None:
    link = tmp_path / "by-id"
    link.symlink_to(site.disk)
    site.machine.answers["findfs PARTUUID=1"] = Outcome(0, f"{link}\n")
    for source in (str(site.disk), str(link), site.device, "PARTUUID=1"):
        site.line(source)
        assert site.look()["pending"] is True


def test_a_line_for_another_path_is_no_reason(site: Site) -> None:
    site.line(f"UUID={OLD}", "/srv/media")

    assert site.look()["pending"] is True


def test_a_file_system_that_the_role_made_there_and_no_device_has_is_missed(site: Site) -> None:
    (site.notes / OLD).write_text(expected.note_text("/dev/vdb", "export", str(site.path)))

    said = site.refusal()

    assert f"made the file system UUID={OLD} for {site.path}, which no device" in said
    assert f"if it is not needed, remove {site.notes / OLD}" in said


def test_one_that_another_device_has_makes_room(site: Site) -> None:
    """Somebody moves to another disk, and has taken the former out of fstab."""
    (site.notes / OLD).write_text(expected.note_text("/dev/vdb", "export", str(site.path)))
    site.machine.answers[f"findfs UUID={OLD}"] = Outcome(0, "/dev/vdc\n")

    assert site.look()["pending"] is True


@pytest.mark.parametrize("note", ["/dev/vdb export\n", "/dev/vdb export\n/srv/other\n"])
def test_a_note_of_another_path_or_of_an_earlier_version_is_no_reason(
    site: Site, note: str
) -> None:
    (site.notes / OLD).write_text(note)
    (site.notes / "directories").mkdir()

    assert site.look()["pending"] is True


@pytest.mark.parametrize("source", ["UUID=5eed", "LABEL=export", "/dev/disk/by-id/x", "UUID=old"])
def test_a_device_that_has_the_wanted_file_system_goes_on(site: Site, source: str) -> None:
    site.line(source)
    site.machine.answers["blkid"] = OURS

    assert site.look()["mounts"][0]["source"] == "UUID=5eed"


def test_what_the_role_makes_is_noted_with_its_path(site: Site) -> None:
    site.machine.answers["blkid"] = OURS

    disks.make(disks.FileSystem(str(site.disk), str(site.path), "export"), site.machine)

    assert (site.notes / "5eed").read_text() == f"{site.disk} export\n{site.path}\n"


@pytest.fixture
def made(site: Site) -> Site:
    """The role made what is on the disk."""
    site.machine.answers["blkid"] = OURS
    disks.make(disks.FileSystem(str(site.disk), str(site.path), "export"), site.machine)
    return site


def wipe(site: Site, *, check: bool) -> Result:
    return run(nfs_filesystems.main, check=check, state="wiped", **site.arguments())


@pytest.mark.parametrize("check", [True, False])
def test_a_wipe_takes_no_mount_of_others_with_it(made: Site, *, check: bool) -> None:
    made.line("nas:/srv")
    assert f"nas:/srv is mounted at {made.path}, or in /etc/fstab" in wipe(made, check=check)["msg"]

    made.fstab.unlink()
    made.machine.answers["findmnt"] = Outcome(0, "/dev/vdz xfs rw\n")
    assert f"/dev/vdz is mounted at {made.path}, or" in wipe(made, check=check)["msg"]
    assert not [line for line in made.machine.ran if line.startswith("wipefs")]


def test_a_wipe_goes_on_where_its_own_is_mounted(made: Site) -> None:
    made.line("UUID=5eed")
    made.machine.answers["findfs UUID=5eed"] = Outcome(0, f"{made.disk}\n")
    made.machine.answers["findmnt"] = Outcome(0, f"{made.device} xfs rw\n")

    assert wipe(made, check=True)["paths"] == [str(made.path)]


def test_what_a_wipe_that_was_cut_destroyed_is_not_missed(made: Site) -> None:
    def cut(*command: str) -> Outcome:
        if command[0] == "wipefs":
            raise KeyboardInterrupt
        return made.machine(*command)

    with pytest.raises(KeyboardInterrupt):
        disks.wipe(disks.FileSystem(str(made.disk), str(made.path), "export"), cut)
    assert disks.is_made_here(disks.FileSystem(made.device, "/srv", "export"), made.machine)

    made.machine.answers["blkid"] = Outcome(2)
    assert made.look()["pending"] is True


def test_a_line_that_is_replaced_is_kept_in_a_copy() -> None:
    tasks = load(HERE / "roles/nfs_server/tasks/filesystems.yml")
    mounts = [task["ansible.posix.mount"] for task in tasks if "ansible.posix.mount" in task]

    assert [mount["backup"] for mount in mounts] == [True]
