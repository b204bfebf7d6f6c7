"""What a removal would end is read on the machine, and nothing of others is destroyed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import (
    directories,
    server,
    state,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import Outcome
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.ending import note_of
from ansible_collections.holdfast.nfs.plugins.modules import nfs_server_state

from tests.unit.roles.nfs_server.given import NETWORK, Machine, entry, wanted
from tests.unit.roles.running import refusal, run


class Site:
    """A server with a directory that the role made and exports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "exports.d/holdfast.exports"
        self.made = folder / "srv/k8s"
        self.mounts = folder / "mountinfo"
        self.mounts.touch()
        self.machine = Machine(stat=Outcome(0, "7 1.5\n"), findmnt=Outcome(0, "tank/a\n"))

    def set_up(self) -> None:
        directories.make(self.made, self.machine)
        server.write(self.file, wanted(entry(str(self.made))).text())

    def arguments(self, **more: Any) -> dict[str, Any]:
        return {"file": str(self.file), "exports": [entry(str(self.made))], **more}

    def look(self, **more: Any) -> dict[str, Any]:
        result = run(nfs_server_state.main, **self.arguments(**more))
        assert not result.get("failed"), result
        return result

    def refusal(self, **more: Any) -> str:
        return refusal(nfs_server_state.main, **self.arguments(wipe=True, **more))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    made = Site(tmp_path)
    monkeypatch.setattr(server, "ETAB", tmp_path / "etab")
    monkeypatch.setattr(server, "EXPORTS", tmp_path / "exports")
    monkeypatch.setattr(directories, "NOTES", tmp_path / "notes")
    monkeypatch.setattr(directories, "_MOUNTS", made.mounts)
    monkeypatch.setattr(state, "connected_clients", lambda: ["192.168.41.21"])
    monkeypatch.setattr(nfs_server_state, "run", made.machine)
    made.set_up()
    return made


def test_exports_are_those_of_the_machine(site: Site) -> None:
    result = site.look(exports=[])

    assert result["exported"] == [{"path": str(site.made), "client": NETWORK}]
    assert result["connected"] == ["192.168.41.21"]
    assert result["paths"] == []
    assert result["changed"] is False


def test_data_is_destroyed_only_where_the_inventory_has_it_and_that_is_asked_for(
    site: Site,
) -> None:
    disk = {"device": "/dev/vdb", "path": "/data"}

    assert site.look(wiped=[disk])["destroyed"] == []
    assert site.look(wipe=True, exports=[])["destroyed"] == []
    assert site.look(wipe=True, wiped=[disk])["destroyed"] == ["/dev/vdb", str(site.made)]


@pytest.mark.parametrize("beneath", ["", "/media"])
def test_what_others_export_is_not_destroyed(site: Site, beneath: str) -> None:
    server.EXPORTS.write_text(f"{site.made}{beneath} *(ro)\n")

    assert site.look()["others"] == [f"{site.made}{beneath}"]
    assert site.refusal().startswith(f"{site.made} is not destroyed, because others export")


def test_nor_is_it_with_the_file_system_that_it_is_on(site: Site) -> None:
    server.EXPORTS.write_text("/data/media *(ro)\n/database *(ro)\n")
    disk = {"device": "/dev/vdb", "path": "/data"}

    assert "because others export /data/media;" in site.refusal(wiped=[disk])


def test_what_is_mounted_there_is_seen_before_the_exports_end(site: Site) -> None:
    line = "36 35 98:0 / {} rw - ext4 /dev/vdc rw\n"
    site.mounts.write_text(line.format(f"{site.made}/usb"))

    assert f"{site.made}/usb is mounted there" in site.refusal()


def test_a_file_system_that_goes_as_well_is_no_such_mount(site: Site) -> None:
    mount = f"{site.made}/disk"
    site.mounts.write_text(f"36 35 98:0 / {mount} rw - ext4 /dev/vdb rw\n")

    result = site.look(wipe=True, wiped=[{"device": "/dev/vdb", "path": mount}])

    assert result["destroyed"] == ["/dev/vdb", str(site.made)]


def test_a_machine_without_a_server_has_nothing_to_end(site: Site) -> None:
    site.file.unlink()

    assert (site.look()["exported"], site.look()["others"]) == ([], [])


def test_what_an_interrupted_run_was_to_end_is_still_exported(site: Site) -> None:
    key = {"path": "/srv/b", "client": NETWORK}
    note_of(site.file).write_text(f"/srv/b {NETWORK}(rw)\n")

    assert site.look()["exported"] == [{"path": str(site.made), "client": NETWORK}, key]
