"""What is at an export's mount point: NFS, or the local file system beneath it."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.claims.build_volume import Address
from holdfast.cli.file_system import file_system_at, is_it_mounted


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Mounts as proc_pid_mountinfo(5) has them; only folders that exist are looked up."""
    at = str(tmp_path).replace(" ", "\\040")
    mounts = [("/", "ext4"), (f"{at}/nas", "autofs"), (f"{at}/nas", "nfs4")]
    mounts += [(f"{at}/a\\040b", "xfs"), (f"{at}/nas-old", "tmpfs")]
    for name in ("nas/k8s", "nas-old", "a b", "nasty"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "nas")
    made = tmp_path / "mountinfo"
    made.write_text(
        "".join(f"36 35 98:0 / {point} rw master:1 - {kind} src rw\n" for point, kind in mounts)
    )
    return made


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("nas", "nfs4"),
        ("nas/k8s", "nfs4"),
        ("link", "nfs4"),
        ("nas-old", "tmpfs"),
        ("nasty", "ext4"),
        ("a b", "xfs"),
        ("missing", ""),
    ],
)
def test_the_innermost_and_latest_mount_counts(
    table: Path, tmp_path: Path, folder: str, kind: str
) -> None:
    assert file_system_at(tmp_path / folder, table) == kind


def test_without_a_table_it_is_not_known(tmp_path: Path) -> None:
    assert file_system_at(tmp_path, tmp_path / "missing") == ""


def test_this_machine_has_a_table(tmp_path: Path) -> None:
    assert file_system_at(tmp_path)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("", ("", "")),
        ("nfs", ("", "")),
        ("nfs4", ("", "")),
        ("ext4", ("/x is ext4, not nfs", "is nas:/srv mounted there?")),
    ],
)
def test_it_is_asked_whether_anything_but_nfs_is_the_export(
    kind: str, said: tuple[str, str]
) -> None:
    assert is_it_mounted(Path("/x"), kind, Address("nas", "/srv")) == said
