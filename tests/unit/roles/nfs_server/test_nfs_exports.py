"""The module's main() on a machine whose `exportfs` is a stand-in."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import directories
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import Outcome
from ansible_collections.holdfast.nfs.plugins.modules import nfs_exports

from tests.unit.roles.nfs_server.given import NETWORK, entry
from tests.unit.roles.nfs_server.serving import Killed, Server
from tests.unit.roles.running import Result, refusal, run


class Site(Server):
    """A machine with a server, and a directory that is still to be made."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, monkeypatch)
        self.path = folder / "srv/a"
        self.connected: list[str] = []
        self.answers["stat"] = lambda: Outcome(0, "7 1795859415.8\n")
        self.answers["findmnt"] = lambda: Outcome(0, "tank/a\n")

    def arguments(self, *entries: dict[str, Any], **more: Any) -> dict[str, Any]:
        exports = list(entries) or [entry(str(self.path))]
        return {"file": str(self.file), "exports": exports, **more}

    def run(self, *entries: dict[str, Any], check: bool = False, **more: Any) -> Result:
        result = run(nfs_exports.main, check=check, **self.arguments(*entries, **more))
        assert not result.get("failed"), result
        return result

    def refusal(self, *entries: dict[str, Any], **more: Any) -> str:
        """The sentence; nothing was changed."""
        before = self.state()
        said = refusal(nfs_exports.main, **self.arguments(*entries, **more))
        assert self.state() == before
        return said

    def end_all(self, **more: Any) -> Result:
        return run(nfs_exports.main, file=str(self.file), exports=[], **more)

    def state(self) -> list[Any]:
        files = {path.name: path.read_text() for path in self.folder.iterdir()}
        return [files, self.table(), self.path.exists()]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    made = Site(tmp_path, monkeypatch)
    monkeypatch.setattr(nfs_exports, "run", made)
    monkeypatch.setattr(nfs_exports, "connected_clients", lambda: made.connected)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: "/usr/sbin/exportfs")
    monkeypatch.setattr(directories, "NOTES", tmp_path / "notes")
    return made


def test_directories_are_made_and_exported_once(site: Site) -> None:
    first = site.run()

    assert (first["changed"], first["pending"]) == (True, True)
    assert first["paths"] == [str(site.path)]
    assert first["diff"]["before"] == ""
    assert first["diff"]["after"] == site.file.read_text()
    assert {*site.table()} == {(str(site.path), NETWORK)}
    assert directories.made([str(site.path)], site) == [str(site.path)]

    second = site.run()
    assert (second["changed"], second["pending"]) == (False, False)
    assert site.exportfs() == ["exportfs -a"]


def test_a_check_tries_the_exports_and_changes_nothing(site: Site) -> None:
    before = site.state()

    result = site.run(check=True)

    assert (result["changed"], result["pending"]) == (True, True)
    assert site.state() == before
    assert [line.split()[0] for line in site.ran if "findmnt" not in line] == ["unshare"]


def test_a_check_before_the_server_is_installed_asks_nobody(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)

    assert site.run(check=True)["changed"] is True
    assert [line for line in site.ran if "exportfs" in line] == []


def test_a_check_of_exports_that_are_in_force_finds_nothing_to_do(site: Site) -> None:
    site.run()

    assert site.run(check=True)["changed"] is False


@pytest.mark.parametrize("check", [True, False])
def test_rights_of_a_directory_are_set_where_they_differ(site: Site, *, check: bool) -> None:
    site.run()
    site.path.chmod(0o700)

    assert site.run(entry(str(site.path), mode="0750"), check=check)["changed"] is True
    assert site.path.stat().st_mode & 0o777 == (0o700 if check else 0o750)
    assert site.run(entry(str(site.path), mode="0750"))["changed"] is check


def test_what_the_dry_run_refuses_changes_nothing(site: Site) -> None:
    site.answers["unshare"] = lambda: Outcome(1, "", "exportfs: line 2: unknown keyword")

    assert "nothing was changed: exportfs: line 2: unknown keyword" in site.refusal()


def test_a_mistake_in_an_entry_is_a_failure(site: Site) -> None:
    assert "nfs_server_exports, entry 1" in site.refusal(entry("srv"))


def test_exports_that_do_not_come_into_force_give_way_to_those_from_before(site: Site) -> None:
    site.run()
    text, table = site.file.read_text(), site.table()
    site.answers["exportfs -a"] = lambda: Outcome(1, "", "exportfs: no")

    result = run(
        nfs_exports.main, **site.arguments(entry(str(site.path), clients=["192.168.0.0/16"]))
    )

    assert result["failed"] is True
    assert result["msg"] == "nfs_server_exports: exportfs: no; the exports from before are back"
    assert (site.file.read_text(), site.table()) == (text, table)


def test_all_exports_end_only_if_that_is_asked_for(site: Site) -> None:
    site.run()

    assert "nfs_server_exports is empty" in site.end_all()["msg"]
    assert site.file.exists()
    assert site.end_all(withdraw=["*"], check=True)["changed"] is True
    assert site.file.exists()
    assert site.end_all(withdraw=["*"])["changed"] is True
    assert (site.file.exists(), site.table()) == (False, {})
    assert site.end_all()["changed"] is False
    assert site.path.is_dir()


def test_an_export_that_somebody_uses_ends_only_if_that_is_asked_for(site: Site) -> None:
    other = entry(str(site.path.with_name("b")))
    site.run(entry(str(site.path)), other)
    site.connected = ["192.168.41.21"]

    assert "192.168.41.21 is connected" in site.refusal(other)
    assert site.run(other, withdraw=[str(site.path)])["changed"] is True
    assert {*site.table()} == {(other["path"], NETWORK)}


def test_one_that_an_interrupted_run_was_to_end_is_used_too(site: Site) -> None:
    other = entry(str(site.path.with_name("b")))
    site.run(entry(str(site.path)), other)
    site.kill_at("exportfs -u")
    with pytest.raises(Killed):
        run(nfs_exports.main, **site.arguments(other))
    site.answers = {}
    site.connected = ["192.168.41.21"]

    assert f"{site.path} would no longer be exported" in site.refusal(other)
    assert site.run(other, check=True, withdraw=["*"])["changed"] is True
    site.connected = []
    site.run(other)
    assert {*site.table()} == {(other["path"], NETWORK)}


def test_what_others_export_is_told(site: Site) -> None:
    site.main.write_text("/srv/media *(ro)\n")

    assert site.run()["others"] == ["/srv/media"]
