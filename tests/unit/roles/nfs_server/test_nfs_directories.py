"""The module's main(): only directories that the role made go, with what is in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import directories
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import Outcome
from ansible_collections.holdfast.nfs.plugins.modules import nfs_directories

from tests.unit.roles.nfs_server.given import Machine
from tests.unit.roles.running import Result, refusal, run


class Site(Machine):
    """Two directories that the role made, with data, and one that was there before."""

    def __init__(self, folder: Path) -> None:
        super().__init__(findmnt=Outcome(0, "/dev/vdb\n"), blkid=Outcome(0, "UUID=5eed\n"))
        self.mounts = folder / "mountinfo"
        self.mounts.touch()
        self.made = [folder / "srv/a", folder / "srv/b"]
        self.others = folder / "srv/home"

    def __call__(self, *command: str) -> Outcome:
        if command[0] != "stat":
            return super().__call__(*command)
        path = Path(command[-1])
        return Outcome(0, f"{path.stat().st_ino} 1795859415.8\n") if path.exists() else Outcome(1)

    def set_up(self) -> None:
        for path in self.made:
            directories.make(path, self)
        self.others.mkdir()
        for path in (*self.made, self.others):
            (path / "data").write_text("precious")

    def paths(self) -> list[str]:
        return [*map(str, self.made), str(self.others), f"{self.others}/missing"]

    def remove(self, *, check: bool = False) -> Result:
        result = run(nfs_directories.main, check=check, paths=self.paths())
        assert not result.get("failed"), result
        return result

    def left(self) -> list[Path]:
        return [path for path in (*self.made, self.others) if (path / "data").exists()]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    made = Site(tmp_path)
    monkeypatch.setattr(directories, "NOTES", tmp_path / "notes")
    monkeypatch.setattr(directories, "_MOUNTS", made.mounts)
    monkeypatch.setattr(nfs_directories, "run", made)
    made.set_up()
    return made


def test_what_the_role_made_goes_and_the_rest_is_kept(site: Site) -> None:
    result = site.remove()

    assert result["changed"] is True
    assert result["removed"] == [*map(str, site.made)]
    assert result["kept"] == [str(site.others)]
    assert site.left() == [site.others]

    again = site.remove()
    assert (again["changed"], again["removed"], again["kept"]) == (False, [], [str(site.others)])


def test_a_check_tells_and_removes_nothing(site: Site) -> None:
    result = site.remove(check=True)

    assert (result["changed"], result["removed"]) == (True, [*map(str, site.made)])
    assert len(site.left()) == 3


def test_what_took_the_place_of_a_directory_of_the_roles_is_kept(site: Site) -> None:
    site.made[0].rename(site.made[0].with_name("former"))
    site.made[0].mkdir()
    (site.made[0] / "data").write_text("somebody else's")

    result = site.remove()

    assert result["removed"] == [str(site.made[1])]
    assert site.left() == [site.made[0], site.others]


def test_where_something_is_mounted_in_one_none_is_removed(site: Site) -> None:
    site.mounts.write_text(f"36 35 98:0 / {site.made[1]}/usb rw - ext4 /dev/vdc rw\n")

    said = refusal(nfs_directories.main, paths=site.paths())

    assert f"{site.made[1]} is not removed, because {site.made[1]}/usb is mounted there" in said
    assert len(site.left()) == 3
