"""Only directories that the role made are removed, and nothing that is mounted in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import directories
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused


@pytest.fixture(autouse=True)
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The table of mounts, empty; notes are kept beside."""
    table = tmp_path / "mountinfo"
    table.touch()
    monkeypatch.setattr(directories, "NOTES", tmp_path / "notes")
    monkeypatch.setattr(directories, "_MOUNTS", table)
    return table


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "srv/nfs/k8s"
    directories.make(path)
    (path / "data").write_text("precious")
    return path


def test_what_the_role_made_is_removed_with_what_is_in_it(export: Path) -> None:
    assert directories.made([str(export)]) == [str(export)]

    directories.remove(str(export))

    assert not export.exists()
    assert export.parent.is_dir()
    assert directories.made([str(export)]) == []


def test_what_was_there_before_is_not_the_roles(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()

    assert directories.made([str(tmp_path / "home"), str(tmp_path / "missing")]) == []


def test_what_another_put_in_its_place_is_not_the_roles(export: Path) -> None:
    export.rename(export.with_name("former"))
    export.mkdir()

    assert directories.made([str(export)]) == []


@pytest.mark.parametrize("beneath", ["", "/data", r"/with\040space"])
def test_nothing_is_removed_where_something_is_mounted(
    export: Path, mounts: Path, beneath: str
) -> None:
    mounts.write_text(f"36 35 98:0 / {export}{beneath} rw,noatime master:1 - ext4 /dev/vdb rw\n")

    with pytest.raises(Refused, match="is mounted there; unmount that"):
        directories.remove(str(export))
    assert (export / "data").read_text() == "precious"


def test_a_mount_beside_does_not_matter(export: Path, mounts: Path) -> None:
    mounts.write_text(f"36 35 98:0 / {export}-beside rw - ext4 /dev/vdb rw\n")

    directories.remove(str(export))

    assert not export.exists()
