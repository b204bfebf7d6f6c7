"""What the lab says when this machine is not enough for it."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

import pytest

from testbed.errors import LabError
from testbed.lab import host
from testbed.lab.machines import MACHINES

GIB = 1 << 30


def test_enough_is_enough() -> None:
    host.check_memory(MACHINES, 16 * GIB, 16 * GIB)
    host.check_disk(50 * GIB, Path("/somewhere"))


def test_too_little_memory_says_how_much_is_needed_and_there() -> None:
    with pytest.raises(LabError, match=r"4 machines need 9\.0 GiB, and there are 4\.0 GiB of mem"):
        host.check_memory(MACHINES, 4 * GIB, 16 * GIB)


def test_too_little_shared_memory_is_named_as_such() -> None:
    with pytest.raises(LabError, match=r"8\.0 GiB in /dev/shm; free some, or name fewer"):
        host.check_memory(MACHINES, 16 * GIB, 8 * GIB)


def test_machines_that_run_already_need_no_more() -> None:
    host.check_memory([], 0, 0)


def test_too_little_disk_says_where_to_make_room() -> None:
    with pytest.raises(LabError, match=r"disks in /somewhere need 20 GiB, and 3\.0 GiB are free"):
        host.check_disk(3 * GIB, Path("/somewhere"))


def test_who_is_not_root_is_told_why_the_lab_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(LabError, match=r"needs root, .*; run it with sudo; .* use LAB=vagrant"):
        host.check_root()


def here(monkeypatch: pytest.MonkeyPatch, machine: str = "x86_64", **release: str) -> None:
    """Let this machine be of a release; it has apt-get."""
    monkeypatch.setattr(host, "os_release", lambda: release)
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/apt-get")
    monkeypatch.setattr(platform, "machine", lambda: machine)


@pytest.mark.parametrize("name", ["debian", "ubuntu"])
def test_the_lab_runs_on_debian_and_ubuntu(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    here(monkeypatch, ID=name)

    host.check_system()


def test_another_system_is_told_what_the_lab_is_made_from(monkeypatch: pytest.MonkeyPatch) -> None:
    here(monkeypatch, ID="fedora", PRETTY_NAME="Fedora Linux 43")

    with pytest.raises(LabError, match=r"and this is Fedora Linux 43; run it on Debian or Ubuntu"):
        host.check_system()


def test_where_there_is_no_apt_the_lab_says_what_it_is_made_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here(monkeypatch, ID="debian", PRETTY_NAME="Debian without apt")
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(LabError, match=r"this is Debian without apt; run it on .* use LAB=vagrant"):
        host.check_system()


def test_another_processor_is_told_what_there_is_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    here(monkeypatch, "aarch64", ID="debian")

    with pytest.raises(LabError, match=r"runs on amd64, and this is aarch64; .* use LAB=vagrant"):
        host.check_system()


def test_a_machine_that_says_nothing_of_itself_is_no_debian(tmp_path: Path) -> None:
    assert host.os_release(tmp_path / "os-release") == {}


def test_what_a_machine_says_of_itself_is_read_without_quotes(tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text('ID=debian\nVERSION_CODENAME="trixie"\n\n# a comment\n')

    assert host.os_release(tmp_path / "os-release") == {
        "ID": "debian",
        "VERSION_CODENAME": "trixie",
    }
