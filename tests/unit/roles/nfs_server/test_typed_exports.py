"""A restart of the server keeps what somebody exported without a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import server
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import Outcome
from ansible_collections.holdfast.nfs.plugins.modules import nfs_typed_exports

from tests.unit.roles.nfs_server.given import NETWORK, SHOWN
from tests.unit.roles.reading import HERE, load
from tests.unit.roles.running import refusal, run

IN_FILE = f"/srv/nfs/k8s\t{NETWORK}({SHOWN})\n"
OTHER = f"/srv/b\t192.0.2.7({SHOWN})\n"


class Site:
    """A server; its files say IN_FILE, and it starts with the lines of all of them."""

    def __init__(self, folder: Path) -> None:
        self.media = f"{folder}\t192.0.2.7({SHOWN})\n"
        self.etab = folder / "etab"
        self.file = folder / "exports.d/typed.exports"
        self.file.parent.mkdir()
        self.etab.write_text(IN_FILE)
        self.tried = Outcome(0)

    def __call__(self, *command: str) -> Outcome:
        """The dry run."""
        assert command[:2] == ("unshare", "--mount")
        assert not Path(command[-2], self.file.name).exists()
        Path(command[-1], "etab").write_text(IN_FILE)
        return self.tried

    def restart(self) -> None:
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        self.etab.write_text("\n".join([IN_FILE, *(line for line in lines if line[0] != "#"), ""]))

    def play(self, state: str, **more: Any) -> dict[str, Any]:
        return run(nfs_typed_exports.main, file=str(self.file), state=state, **more)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    made = Site(tmp_path)
    monkeypatch.setattr(server, "ETAB", made.etab)
    monkeypatch.setattr(nfs_typed_exports, "run", made)
    return made


def test_an_export_without_a_file_has_one_while_the_server_restarts(
    site: Site, tmp_path: Path
) -> None:
    site.etab.write_text(IN_FILE + site.media)

    assert site.play("present")["exports"] == [str(tmp_path)]
    assert site.file.stat().st_mode & 0o777 == 0o644
    site.restart()
    assert site.play("absent")["exports"] == [str(tmp_path)]

    assert f"{tmp_path} 192.0.2.7({SHOWN})\n" in site.etab.read_text()
    assert [*site.file.parent.iterdir()] == []


def test_where_all_have_files_nothing_is_written(site: Site) -> None:
    for state in ("present", "absent"):
        assert site.play(state)["exports"] == []
        assert site.play(state)["changed"] is False
        assert not site.file.exists()


def test_what_an_interrupted_run_saved_is_exported_by_the_next(site: Site, tmp_path: Path) -> None:
    """It came to an end when the server had stopped, or between the start and the look."""
    site.etab.write_text(IN_FILE + site.media)
    site.play("present")
    for table in ("", IN_FILE, IN_FILE + OTHER):
        site.etab.write_text(table)
        assert str(tmp_path) in site.play("present")["exports"]
    site.restart()

    assert site.play("absent")["exports"] == [str(tmp_path), "/srv/b"]
    assert not site.file.exists()


def test_one_that_does_not_come_back_is_named_and_its_file_stays(
    site: Site, tmp_path: Path
) -> None:
    site.etab.write_text(IN_FILE + site.media)
    site.play("present")
    site.etab.write_text(IN_FILE)

    said = refusal(nfs_typed_exports.main, file=str(site.file), state="absent")

    assert said.startswith(f"{tmp_path} for 192.0.2.7: exported without a file before")
    assert site.file.exists()


def test_one_whose_directory_is_gone_is_not_waited_for(site: Site) -> None:
    site.etab.write_text(IN_FILE + "/not/there\\040any\t192.0.2.7(rw)\n")
    site.play("present")
    assert "/not/there\\040any 192.0.2.7(rw)\n" in site.file.read_text()
    site.etab.write_text(IN_FILE)

    site.play("absent")

    assert not site.file.exists()


def test_where_the_files_cannot_be_tried_nothing_is_restarted(site: Site) -> None:
    site.tried = Outcome(1, "", "unshare failed: Operation not permitted")

    assert "cannot be tried: unshare failed" in refusal(
        nfs_typed_exports.main, file=str(site.file), state="present"
    )


def test_a_check_looks_at_nothing(site: Site) -> None:
    site.etab.write_text(IN_FILE + site.media)

    assert site.play("present", check=True)["changed"] is False
    assert not site.file.exists()


def test_the_role_saves_them_before_any_restart_and_looks_after_the_start() -> None:
    tasks = load(HERE / "roles/nfs_server/tasks/service.yml")
    server_unit = {"name": "nfs-server.service"}
    order = [
        module.get("state", "present") if name == "holdfast.nfs.nfs_typed_exports" else "start"
        for task in tasks
        for name, module in task.items()
        if name == "holdfast.nfs.nfs_typed_exports"
        or (isinstance(module, dict) and module.items() >= server_unit.items())
    ]

    assert order == ["present", "start", "absent"]
