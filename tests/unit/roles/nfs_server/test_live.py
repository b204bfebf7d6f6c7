"""The firewall is what the kernel has loaded, and not what a unit or a file says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import Outcome
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused
from ansible_collections.holdfast.nfs.plugins.modules import nfs_firewall

from tests.unit.roles.nfs_server.given import entry
from tests.unit.roles.reading import HERE
from tests.unit.roles.rendering import render
from tests.unit.roles.running import Programs

LOADED = "table inet holdfast_nfs {\n\tchain input {\n\t}\n}\n"
MISSING = Outcome(1, "", "Error: No such file or directory")


class Kernel:
    """Has a table or has none, and takes what is loaded unless it refuses."""

    def __init__(self) -> None:
        self.table = ""
        self.refuses = ""
        self.has_nft = True
        self.ran: list[str] = []

    def __call__(self, *command: str) -> Outcome:
        self.ran.append(" ".join(command[:2]))
        if command[0] == "nft" and not self.has_nft:
            raise Refused("the program nft is not installed")
        if command[0] == "unshare":
            return Outcome(1, "", self.refuses) if self.refuses else Outcome(0, LOADED)
        if command[1] == "--file":
            self.table = LOADED
            return Outcome(0)
        return Outcome(0, self.table) if self.table else MISSING


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel()
    monkeypatch.setattr(nfs_firewall, "run", made)
    return made


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(monkeypatch)


@pytest.fixture
def params(tmp_path: Path) -> dict[str, Any]:
    return {
        "file": str(tmp_path / "nfs-firewall.nft"),
        "table": "holdfast_nfs",
        "exports": [entry()],
        "clients": [],
        "ports": [2049],
    }


@pytest.fixture
def loaded(programs: Programs, params: dict[str, Any], kernel: Kernel) -> dict[str, Any]:
    """The module has run once."""
    assert programs.result(nfs_firewall.main, **params)["pending"] is True
    assert kernel.table == LOADED
    kernel.ran.clear()
    return params


def test_a_table_that_is_loaded_is_left_alone(
    programs: Programs, loaded: dict[str, Any], kernel: Kernel
) -> None:
    result = programs.result(nfs_firewall.main, **loaded)

    assert result["changed"] is result["pending"] is False
    assert "nft --file" not in kernel.ran


@pytest.mark.parametrize("table", ["", LOADED.replace("input", "other")])
def test_a_table_that_was_flushed_or_changed_is_loaded_again(
    programs: Programs, loaded: dict[str, Any], kernel: Kernel, table: str
) -> None:
    kernel.table = table

    assert programs.result(nfs_firewall.main, **loaded)["changed"] is True
    assert kernel.table == LOADED


def test_a_check_says_that_the_table_is_missing_and_loads_nothing(
    programs: Programs, loaded: dict[str, Any], kernel: Kernel
) -> None:
    kernel.table = ""

    result = programs.result(nfs_firewall.main, check=True, **loaded)

    assert result["changed"] is result["pending"] is True
    assert kernel.table == ""


def test_a_check_before_nft_is_installed_finds_everything_to_do(
    programs: Programs, params: dict[str, Any], kernel: Kernel
) -> None:
    kernel.has_nft = False

    assert programs.result(nfs_firewall.main, check=True, **params)["pending"] is True
    assert not Path(params["file"]).exists()


def test_a_check_of_other_rules_leaves_the_file_and_the_table(
    programs: Programs, loaded: dict[str, Any], kernel: Kernel
) -> None:
    before = Path(loaded["file"]).read_text()

    result = programs.result(nfs_firewall.main, check=True, **loaded | {"ports": [2049, 111]})

    assert result["changed"] is result["pending"] is True
    assert "111" in result["diff"]["after"]
    assert Path(loaded["file"]).read_text() == before
    assert "nft --file" not in kernel.ran


def test_rules_that_cannot_be_loaded_are_a_failure(
    programs: Programs, params: dict[str, Any], kernel: Kernel
) -> None:
    kernel.refuses = "Error: syntax error"
    kernel.table = "table inet holdfast_nfs {\n}\n"

    result = programs.result(nfs_firewall.main, **params)

    assert result["failed"] is True
    assert "nft does not take the firewall's rules: Error: syntax error" in result["msg"]


def test_a_load_without_effect_is_a_failure(
    programs: Programs, params: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nfs_firewall, "run", lambda *_: MISSING)

    result = programs.result(nfs_firewall.main, **params)

    assert "could not be loaded" in result["msg"]
    assert "the ports of the NFS server are not closed to others" in result["msg"]


def test_the_firewall_follows_each_way_in_which_nftables_service_flushes() -> None:
    """Tried with systemd 252: PartOf passes on neither a reload nor a start after a stop."""
    unit = render("nfs_server", "firewall.service.j2", nfs_server_exports=[])
    added = (HERE / "roles/nfs_server/templates/nftables.conf.j2").read_text()

    assert {"After=nftables.service", "PartOf=nftables.service"} <= {*unit.splitlines()}
    assert "ExecReload=/usr/sbin/nft --file /etc/holdfast/nfs-firewall.nft" in unit
    assert "PropagatesReloadTo=holdfast-nfs-firewall.service" in added.splitlines()
    assert "Wants=holdfast-nfs-firewall.service" in added.splitlines()
