"""A server that runs with other settings than its files have is found out."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import running
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import Outcome
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.running import (
    differences,
    versions,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.settings import (
    Settings,
    render,
)
from ansible_collections.holdfast.nfs.plugins.modules import nfs_settings

from tests.unit.roles.nfs_server.given import Machine
from tests.unit.roles.running import Programs

WANTED = Settings(
    versions=["4.1", "4.2"],
    threads=16,
    grace_time=90,
    lease_time=60,
    manage_gids=False,
    mountd_port=20048,
    statd_port=32765,
    statd_outgoing_port=32766,
    lockd_port=32803,
)
WITH_3 = replace(WANTED, versions=["3", "4.2"])
REGISTERED = """\
   program vers proto   port  service
    100000    4   tcp    111  portmapper
    100005    3   udp  20048  mountd
    100005    3   tcp  20048  mountd
    100024    1   tcp  32765  status
    100021    4   tcp  32803  nlockmgr
"""


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    """As a server with these settings has it."""
    files = {
        "threads": "16\n",
        "versions": "-3 +4 -4.0 +4.1 +4.2\n",
        "nfsv4leasetime": "60\n",
        "nfsv4gracetime": "90\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def served_3(kernel: Path) -> None:
    (kernel / "versions").write_text("+3 +4 -4.0 -4.1 +4.2\n")


def found(kernel: Path, wanted: Settings = WANTED, said: Outcome | None = None) -> dict[str, Any]:
    return asdict(differences(wanted, Machine(rpcinfo=said or Outcome(0, REGISTERED)), kernel))


def test_a_server_with_its_settings_differs_in_nothing(kernel: Path) -> None:
    assert found(kernel) == {"server": [], "statd": []}


@pytest.mark.parametrize(
    ("name", "text", "phrase"),
    [
        ("threads", "8", "threads is 8 and not 16"),
        ("nfsv4leasetime", "90", "nfsv4leasetime is 90 and not 60"),
        ("nfsv4gracetime", "10", "nfsv4gracetime is 10 and not 90"),
        ("versions", "+3 +4 +4.1 +4.2", "it speaks the versions 3, 4.0, 4.1, 4.2"),
    ],
)
def test_what_the_kernel_has_otherwise_is_named(
    kernel: Path, name: str, text: str, phrase: str
) -> None:
    (kernel / name).write_text(f"{text}\n")

    (said,) = found(kernel)["server"]

    assert said.endswith(phrase)


@pytest.mark.parametrize("threads", ["0\n", None])
def test_a_server_that_does_not_run_differs_in_nothing(kernel: Path, threads: str | None) -> None:
    (kernel / "threads").unlink()
    if threads is not None:
        (kernel / "threads").write_text(threads)

    assert found(kernel, WITH_3) == {"server": [], "statd": []}


@pytest.mark.parametrize(
    ("shown", "spoken"),
    [
        ("-2 +3 +4 +4.1 +4.2", {"3", "4.0", "4.1", "4.2"}),
        ("-3 +4 -4.0 +4.1 +4.2", {"4.1", "4.2"}),
        ("+3 -4 -4.0 -4.1 -4.2", {"3"}),
        ("", set()),
    ],
)
def test_version_4_0_is_spoken_where_it_is_not_named(shown: str, spoken: set[str]) -> None:
    assert versions(shown) == spoken


@pytest.mark.parametrize(
    ("before", "after", "phrase", "of_statd"),
    [
        ("20048", "41235", "the port of rpc.mountd is 41235 and not 20048", False),
        ("32765", "41236", "the port of rpc.statd is 41236 and not 32765", True),
        ("32803", "41237", "the port of the lock manager is 41237 and not 32803", True),
        ("100005", "100011", "the port of rpc.mountd is none and not 20048", False),
    ],
)
def test_a_port_of_version_3_that_differs_is_named_with_what_mends_it(
    kernel: Path, before: str, after: str, phrase: str, *, of_statd: bool
) -> None:
    served_3(kernel)

    said = found(kernel, WITH_3, Outcome(0, REGISTERED.replace(before, after)))

    assert said == {"server": [phrase], "statd": [phrase] if of_statd else []}


def test_where_rpcbind_does_not_answer_nothing_is_said_of_ports(kernel: Path) -> None:
    served_3(kernel)

    assert found(kernel, WITH_3, Outcome(1)) == {"server": [], "statd": []}


@pytest.fixture
def params(tmp_path: Path, kernel: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The module's options, on a machine whose file has them already."""
    file = tmp_path / "50-holdfast.conf"
    file.write_text(render(WANTED.sections()))
    machine = Machine(nfsconf=Outcome(0, render(WANTED.sections())))
    monkeypatch.setattr(nfs_settings, "run", machine)
    monkeypatch.setattr(running, "NFSD", kernel)
    return {"file": str(file), **asdict(WANTED)}


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(monkeypatch)


def test_a_restart_that_an_earlier_run_owed_is_still_owed(
    programs: Programs, params: dict[str, Any], kernel: Path
) -> None:
    (kernel / "threads").write_text("8\n")

    result = programs.result(nfs_settings.main, **params)

    assert result["pending"] is False
    assert result["outdated"]["server"] == [f"{kernel}/threads is 8 and not 16"]


def test_a_server_that_a_restart_did_not_change_is_refused(
    programs: Programs, params: dict[str, Any], kernel: Path
) -> None:
    assert "failed" not in programs.result(nfs_settings.main, state="running", **params)

    (kernel / "threads").write_text("8\n")
    result = programs.result(nfs_settings.main, state="running", **params)

    assert "was restarted and still does otherwise than its settings say" in result["msg"]
