"""A server that serves others already is not changed under their clients."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import (
    already,
    running,
    settings,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import Outcome
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.settings import (
    Settings,
    render,
)
from ansible_collections.holdfast.nfs.plugins.modules import nfs_settings

from tests.unit.roles.nfs_server.given import SHOWN, Machine
from tests.unit.roles.nfs_server.test_settings import USUAL
from tests.unit.roles.reading import HERE
from tests.unit.roles.running import Result, run

# As Debian's package brings it.
OF_DEBIAN = {
    "threads": "8\n",
    "versions": "+3 +4 +4.1 +4.2\n",
    "nfsv4leasetime": "90\n",
    "nfsv4gracetime": "90\n",
}
CONF_OF_DEBIAN = "[mountd]\n manage-gids = y\n"
AS_DEBIAN = replace(USUAL, versions=["3", "4.0", "4.1", "4.2"], manage_gids=True)


class Server:
    """A machine that exports /srv/media for somebody else."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file, self.kernel, self.etab = (folder / name for name in ("own", "nfsd", "etab"))
        self.kernel.mkdir()
        self.conf = Machine(nfsconf=Outcome(0, CONF_OF_DEBIAN), rpcinfo=Outcome(1))
        self.etab.write_text(f"/srv/media\t192.168.41.0/24({SHOWN})\n")
        self.has(**OF_DEBIAN)
        monkeypatch.setattr(nfs_settings, "run", self.conf)
        monkeypatch.setattr(running, "NFSD", self.kernel)
        monkeypatch.setattr(already, "NFSD", self.kernel)
        monkeypatch.setattr(already, "ETAB", self.etab)

    def has(self, **files: str) -> None:
        for name, text in files.items():
            (self.kernel / name).write_text(text)

    def try_out(self, wanted: Settings) -> Result:
        return run(nfs_settings.main, check=True, file=str(self.file), **asdict(wanted))

    def refusal(self, wanted: Settings) -> str:
        return str(self.try_out(wanted).get("msg", ""))


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr(settings, "check_kernel", lambda _: None)
    return Server(tmp_path, monkeypatch)


def test_versions_and_groups_that_others_rely_on_are_not_taken_from_them(other: Server) -> None:
    said = other.refusal(USUAL)

    assert said.startswith("this machine's NFS server serves /srv/media already")
    assert 'set nfs_server_versions: ["3", "4.0", "4.1", "4.2"], nfs_server_manage_gids: true' in (
        said
    )


def test_a_server_that_is_kept_as_it_is_is_taken(other: Server) -> None:
    assert other.refusal(AS_DEBIAN) == ""


@pytest.mark.parametrize(
    ("files", "variable"),
    [
        ({"threads": "64\n"}, "nfs_server_threads: 64"),
        ({"nfsv4leasetime": "30\n"}, "nfs_server_lease_time: 30"),
        ({"nfsv4gracetime": "15\n"}, "nfs_server_grace_time: 15"),
    ],
)
def test_a_number_that_somebody_set_is_named_by_its_variable(
    other: Server, files: dict[str, str], variable: str
) -> None:
    other.has(**files)

    assert f"set {variable} for this machine" in other.refusal(AS_DEBIAN)


def test_a_port_that_somebody_set_is_kept_too(other: Server) -> None:
    text = f"{CONF_OF_DEBIAN} port = 892\n"
    other.conf.answers["nfsconf"] = Outcome(0, text)

    assert "set nfs_server_mountd_port: 892 for" in other.refusal(AS_DEBIAN)


def test_groups_may_not_begin_to_be_looked_up_either(other: Server) -> None:
    other.conf.answers["nfsconf"] = Outcome(0, CONF_OF_DEBIAN.replace("= y", "= 0"))

    assert "set nfs_server_manage_gids: false for" in other.refusal(AS_DEBIAN)


def test_a_server_without_exports_takes_the_settings(other: Server) -> None:
    other.etab.write_text("")

    assert other.refusal(USUAL) == ""


def test_a_server_that_does_not_run_takes_them(other: Server) -> None:
    other.has(threads="0\n")

    assert other.refusal(USUAL) == ""


def test_a_server_that_the_role_set_up_already_is_the_roles(other: Server) -> None:
    other.file.write_text(render(AS_DEBIAN.sections()))

    assert other.refusal(USUAL) == ""


def test_the_table_of_the_documents_says_so() -> None:
    (row,) = [
        line
        for line in (HERE / "docs/install.md").read_text().splitlines()
        if line.startswith("| an NFS server that serves others already ")
    ]

    assert "`nfs_server_versions`" in row
    assert "`nfs_server_manage_gids`" in row


def test_nothing_is_written_before_it_is_refused(other: Server) -> None:
    arguments: dict[str, Any] = {"file": str(other.file), **asdict(USUAL)}

    assert run(nfs_settings.main, **arguments)["failed"] is True
    assert not other.file.exists()
