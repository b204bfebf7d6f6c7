"""A machine that cannot mount NFS, or an export that cannot be mounted, is a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_client import mounts
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_client.mounts import (
    Refused,
    check_kernel,
    check_mount,
)
from ansible_collections.holdfast.nfs.plugins.modules import nfs_mounts

from tests.unit.roles.running import Programs

SOURCE = "192.168.41.10:/srv/nfs/k8s"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH; the kernel knows ext4 only."""
    monkeypatch.setattr(mounts, "_PATH", str(tmp_path))
    monkeypatch.setattr(mounts, "_FILE_SYSTEMS", tmp_path / "filesystems")
    (tmp_path / "filesystems").write_text("nodev\tproc\n\text4\n")
    return tmp_path


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_kernel_with_the_client_built_in_needs_no_module(programs: Path) -> None:
    (programs / "filesystems").write_text("nodev\tnfs\nnodev\tnfs4\n")

    check_kernel()


def test_a_kernel_with_the_module_is_good(programs: Path) -> None:
    program(programs / "modprobe", 'test "$*" = "--dry-run --quiet nfsv4"')

    check_kernel()


def test_the_packages_that_are_missing_are_told(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (programs / "filesystems").write_text("nodev\tnfs4\n")
    asked = Programs(monkeypatch)

    def missing() -> object:
        return asked.result(nfs_mounts.main, mounts=[], packages=["nfs-common"])["missing"]

    asked.answers["dpkg-query --show"] = (1, "", "dpkg-query: no packages found")
    assert missing() == ["nfs-common"]
    asked.answers["dpkg-query --show"] = (0, "nfs-common installed\n", "")
    assert missing() == []


@pytest.mark.parametrize("installed", [True, False])
def test_a_kernel_without_a_client_is_named(programs: Path, *, installed: bool) -> None:
    if installed:
        program(programs / "modprobe", "exit 1")

    with pytest.raises(Refused, match=r"this machine's kernel .* cannot mount NFSv4; install one"):
        check_kernel()


def test_an_export_is_mounted_in_a_namespace_and_with_an_end(programs: Path) -> None:
    program(programs / "unshare", f'echo "$@" > {programs}/said')

    check_mount(SOURCE, ["nfsvers=4.2", "hard"])

    said = (programs / "said").read_text()
    assert said.startswith("--mount sh -c mount -t nfs")
    assert said.endswith(f"sh {SOURCE} nfsvers=4.2,hard\n")


def test_what_mount_says_is_passed_on(programs: Path) -> None:
    program(programs / "unshare", "echo mount.nfs: access denied >&2; exit 32")

    with pytest.raises(Refused, match=rf"{SOURCE} cannot be mounted \(mount.nfs: access denied\)"):
        check_mount(SOURCE, ["nfsvers=4.2"])


def test_a_server_that_is_silent_is_given_up(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(programs / "unshare", "exec /bin/sleep 30")
    monkeypatch.setattr(mounts, "DEADLINE", 0.2)

    with pytest.raises(Refused, match=f"{SOURCE} did not answer a mount within"):
        check_mount(SOURCE, [])
