"""The module's main() with programs that answer as they are told to."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import disks
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import Outcome
from ansible_collections.holdfast.nfs.plugins.modules import nfs_filesystems

from tests.unit.roles.nfs_server.given import Machine
from tests.unit.roles.running import Result, refusal, run

EMPTY = Outcome(2)
OURS = Outcome(0, "LABEL=export\nUUID=5eed\nTYPE=xfs\n")
UNMOUNTED = Outcome(1)
ENFORCED = Outcome(0, "  Accounting: ON\n  Enforcement: ON\n")


def device(path: Path) -> str:
    """Its path by way of /dev, where devices have to be."""
    return f"/dev/..{path}"


class Disk(Machine):
    """A machine with one disk, which holds a file system once that is made."""

    def __call__(self, *command: str) -> Outcome:
        outcome = super().__call__(*command)
        if command[0].startswith("mkfs"):
            self.answers["blkid"] = OURS
        return outcome

    def changes(self) -> list[str]:
        return [line for line in self.ran if line.startswith(("mkfs", "wipefs"))]


class Site:
    """The module on that machine."""

    def __init__(self, folder: Path, machine: Disk) -> None:
        self.machine = machine
        self.disk = folder / "disk"
        self.device = device(self.disk)
        self.path = folder / "export"
        self.disk.write_bytes(b"\0" * (3 << 20))

    def entry(self, **more: Any) -> dict[str, Any]:
        return {"device": self.device, "path": str(self.path), "label": "export", **more}

    def run(self, state: str = "made", *, check: bool = False) -> Result:
        result = run(nfs_filesystems.main, check=check, filesystems=[self.entry()], state=state)
        assert not result.get("failed"), result
        return result

    def refusal(self, state: str = "made", **more: Any) -> str:
        entries = [self.entry(**more)]
        said = refusal(nfs_filesystems.main, filesystems=entries, state=state)
        assert self.machine.changes() == []
        return said

    def mounted(self) -> Outcome:
        return Outcome(0, f"{self.device} xfs rw,prjquota\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    machine = Disk(blkid=EMPTY, findmnt=UNMOUNTED)
    monkeypatch.setattr(stat, "S_ISBLK", lambda _: True)
    monkeypatch.setattr(disks, "MADE", tmp_path / "made")
    monkeypatch.setattr(nfs_filesystems, "run", machine)
    return Site(tmp_path, machine)


def test_an_empty_device_is_formatted_once(site: Site) -> None:
    first, second = site.run(), site.run()

    assert (first["changed"], second["changed"]) == (True, False)
    assert first["mounts"][0]["source"] == second["mounts"][0]["source"] == "UUID=5eed"
    assert len(site.machine.changes()) == 1


def test_a_dry_run_formats_nothing(site: Site) -> None:
    result = site.run(check=True)

    assert (result["changed"], result["pending"]) == (True, True)
    assert result["mounts"][0]["source"] == site.device
    assert site.machine.changes() == []


def test_a_device_that_is_mounted_and_probes_blank_is_not_formatted(site: Site) -> None:
    """A file system that blkid does not know, or one whose beginning was wiped under it."""
    site.machine.answers |= {"findmnt": site.mounted(), "xfs_quota": ENFORCED}

    said = site.refusal()

    assert f"{site.device} is mounted at {site.path}, but blkid finds nothing on it" in said


def test_all_devices_are_looked_at_before_the_first_is_formatted(
    site: Site, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"data")
    second = site.entry(device=device(other), path=str(tmp_path / "second"), label="second")

    said = refusal(nfs_filesystems.main, filesystems=[site.entry(), second])

    assert f"{other} is not empty" in said
    assert site.machine.changes() == []


def test_what_is_mounted_with_its_quotas_is_ready(site: Site) -> None:
    site.machine.answers |= {"findmnt": site.mounted(), "xfs_quota": ENFORCED}

    assert site.run("mounted")["changed"] is False


def test_what_is_not_mounted_is_not_ready(site: Site) -> None:
    assert "is not mounted at" in site.refusal("mounted")


def test_only_what_was_made_here_is_wiped(site: Site) -> None:
    site.machine.answers["blkid"] = OURS
    assert site.run("wiped")["paths"] == []
    assert site.machine.changes() == []

    site.machine.answers["blkid"] = EMPTY
    site.run()
    assert site.run("wiped", check=True)["changed"] is True
    assert site.run("wiped")["paths"] == [str(site.path)]
    assert site.machine.changes()[1:] == [f"wipefs --all {site.disk}"]


@pytest.mark.parametrize(("key", "value"), [("fstype", "btrfs"), ("quota", "user"), ("label", "")])
def test_a_value_that_cannot_be_is_refused(site: Site, key: str, value: str) -> None:
    assert key in site.refusal(**{key: value})
