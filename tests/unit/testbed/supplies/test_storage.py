"""A lab's registry writes to a copy, and what is cached stays as it was made."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.supplies import copy_storage


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    folder = tmp_path / "cached"
    (folder / "blobs").mkdir(parents=True)
    (folder / "blobs" / "data").write_text("a layer")
    (folder / "link").write_text("sha256:old")
    return folder


def test_a_tag_that_moves_in_the_copy_stays_in_the_original(storage: Path, tmp_path: Path) -> None:
    copy_storage(storage, tmp_path / "copy")

    (tmp_path / "copy" / "link").write_text("sha256:new")

    assert (storage / "link").read_text() == "sha256:old"


def test_layers_take_no_room_twice(storage: Path, tmp_path: Path) -> None:
    copy_storage(storage, tmp_path / "copy")

    assert (tmp_path / "copy" / "blobs" / "data").samefile(storage / "blobs" / "data")
