"""On a full export, the reserve has the space to begin a term and to record what is deleted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from holdfast.claims.objects import ClaimRef
from holdfast.claims.parameters import Action
from holdfast.exports.errors import Failed
from holdfast.exports.interface import Outcome
from holdfast.exports.record import State
from tests.unit.exports.faults import FullFileSystem
from tests.unit.exports.given import Leading, adopted, found, published

NEW = ClaimRef("team", "renamed", "2")
FULL = "the export is full: remove data or archives"


def reserve(root: Path) -> list[Path]:
    return sorted((root / ".holdfast/reserve").glob("*"))


def set_target(root: Path, uid: str, target: str) -> None:
    """As an archiving that was cut short leaves it."""
    record = root / f".holdfast/volumes/pvc-{uid}"
    record.write_text(record.read_text().replace('"target": ""', f'"target": "{target}"'))


def adopt(export: Leading, *, may_use_reserve: bool = False) -> None:
    export.exports.adopt(export.grant, adopted(), may_use_reserve=may_use_reserve)


def update(export: Leading, **given: bool) -> None:
    export.exports.update_record(export.grant, "pvc-2", NEW, "2Gi", "Delete", **given)


@pytest.fixture
def swept(root: Path, export: Leading) -> Leading:
    """An export with an inherited directory, a volume, and the reserve."""
    (root / "team/data").mkdir(parents=True)
    published(export, "2", "other")
    export.exports.sweep(export.grant)
    return export


@pytest.fixture
def full() -> Iterator[FullFileSystem]:
    with pytest.MonkeyPatch.context() as patch:
        yield FullFileSystem(patch)


def test_an_inherited_volume_is_recorded_and_deleted(
    root: Path, swept: Leading, full: FullFileSystem
) -> None:
    adopt(swept, may_use_reserve=True)

    assert reserve(root) == []
    assert swept.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.TRASHED
    assert found(swept).state is State.TRASHED
    assert full.room > 0


def test_a_record_gets_another_claim(root: Path, swept: Leading, full: FullFileSystem) -> None:
    update(swept, may_use_reserve=True)

    assert found(swept, "2").claim == NEW
    assert reserve(root) == []
    assert full.room > 0


def test_what_was_to_be_archived_is_deleted(
    root: Path, swept: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive's name in the record and its mark are removed, which needs room."""
    set_target(root, "2", "archived-other")
    FullFileSystem(monkeypatch)

    assert swept.reclaim("pvc-2", "2", Action.DELETE).outcome is Outcome.TRASHED


@pytest.mark.parametrize("call", [adopt, update])
def test_only_deleting_uses_the_reserve(
    root: Path,
    swept: Leading,
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[[Leading], None],
) -> None:
    FullFileSystem(monkeypatch)

    with pytest.raises(Failed, match=FULL):
        call(swept)
    with pytest.raises(Failed, match=FULL):
        swept.reclaim("pvc-2", "2", Action.ARCHIVE)

    assert len(reserve(root)) == 16


class TestNothingIsFreed:
    """The reserve is kept where the directory does not go to the trash in the end."""

    @pytest.fixture
    def shared(self, export: Leading) -> Leading:
        for uid in "12":
            published(export, uid, "data", shared=True)
        export.exports.sweep(export.grant)
        return export

    def refuses(self, export: Leading, call: Callable[[], object]) -> bool:
        with pytest.MonkeyPatch.context() as patch:
            FullFileSystem(patch)
            with pytest.raises(Failed, match=FULL):
                call()
        return len(reserve(export.root)) == 16

    def test_a_volume_that_leaves_its_directory_to_others_waits_for_room(
        self, root: Path, shared: Leading
    ) -> None:
        set_target(root, "1", "archived-data")
        grant = shared.grant

        for method in (shared.exports.leave, shared.exports.reclaim):
            assert self.refuses(shared, partial(method, grant, "pvc-1", "1", Action.DELETE))
        assert self.refuses(shared, partial(update, shared, may_use_reserve=True))

    @pytest.mark.parametrize("action", [Action.ARCHIVE, Action.RETAIN])
    def test_what_another_sharer_keeps_waits_for_room(
        self, shared: Leading, action: Action
    ) -> None:
        shared.reclaim("pvc-1", "1", action)

        assert self.refuses(shared, lambda: shared.reclaim("pvc-2", "2", Action.DELETE))
        assert self.refuses(shared, partial(update, shared, may_use_reserve=True))

    def test_a_foreign_directory_waits_for_room(self, root: Path, export: Leading) -> None:
        (root / "data").mkdir()
        published(export, "2", "data", use_existing=True)
        export.exports.sweep(export.grant)

        assert self.refuses(export, lambda: export.reclaim("pvc-2", "2", Action.DELETE))
        assert self.refuses(export, partial(update, export, may_use_reserve=True))

    def test_what_was_archived_before_waits_for_room(self, root: Path, swept: Leading) -> None:
        set_target(root, "2", "archived-other")
        (root / "other").rename(root / "archived-other")

        assert self.refuses(swept, lambda: swept.reclaim("pvc-2", "2", Action.DELETE))

    def test_an_inherited_volume_that_shares_is_not_recorded(self, swept: Leading) -> None:
        swept.adopt(adopted("3"))

        assert self.refuses(swept, partial(adopt, swept, may_use_reserve=True))


def test_an_inherited_volume_within_anothers_directory_is_recorded_and_deleted(
    swept: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept.adopt(adopted("3", "team"))
    FullFileSystem(monkeypatch)

    adopt(swept, may_use_reserve=True)

    assert swept.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.TRASHED


def test_what_was_retained_in_the_trash_is_deleted_after_all(
    swept: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept.reclaim("pvc-2", "2", Action.DELETE)
    swept.exports.update_record(swept.grant, "pvc-2", NEW, "2Gi", "Retain")
    FullFileSystem(monkeypatch)

    update(swept, may_use_reserve=True)

    assert not found(swept, "2").retained_in_trash


class TestATermBegins:
    """Without a leader, nothing could be deleted."""

    @pytest.fixture
    def without_spare(self, root: Path, swept: Leading) -> Leading:
        """An export where a tenant took the room of the next term's folder."""
        (spare,) = root.glob(".holdfast/terms/*/.spare")
        shutil.rmtree(spare)
        return swept

    def test_with_a_part_of_the_reserve(
        self, root: Path, without_spare: Leading, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        FullFileSystem(monkeypatch)

        assert without_spare.begin().term.number == 2
        assert len(reserve(root)) == 12
        moved = without_spare.reclaim("pvc-2", "2", Action.DELETE)
        assert moved.outcome is Outcome.TRASHED

    def test_with_all_of_it_if_a_tenant_takes_most(
        self, root: Path, without_spare: Leading, full: FullFileSystem
    ) -> None:
        unlink = os.unlink

        def taken(name: str, *, dir_fd: int) -> None:
            unlink(name, dir_fd=dir_fd)
            full.room = 2 if name == "15" else 0

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "unlink", taken)
            assert without_spare.begin().term.number == 2

        assert reserve(root) == []

    def test_only_with_room_once_the_reserve_is_gone(
        self, root: Path, without_spare: Leading, full: FullFileSystem
    ) -> None:
        shutil.rmtree(root / ".holdfast/reserve")
        full.room = 0

        with pytest.raises(Failed, match=FULL):
            without_spare.begin()

    def test_without_it_if_a_spare_folder_is_there(
        self, root: Path, swept: Leading, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        FullFileSystem(monkeypatch)

        swept.begin()

        assert len(reserve(root)) == 16


def test_an_export_with_room_keeps_its_reserve(root: Path, swept: Leading) -> None:
    adopt(swept, may_use_reserve=True)
    update(swept, may_use_reserve=True)
    swept.reclaim("pvc-1", "1", Action.DELETE)

    assert len(reserve(root)) == 16


@pytest.mark.parametrize("there", ["nothing", "a file", "a symlink"])
def test_without_a_reserve_the_volume_waits_for_room(
    root: Path, export: Leading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "00").write_text("not ours")
    (root / "team/data").mkdir(parents=True)
    export.begin()
    if there == "a file":
        (root / ".holdfast/reserve").touch()
    elif there == "a symlink":
        (root / ".holdfast/reserve").symlink_to(outside)
    FullFileSystem(monkeypatch)

    export.exports.sweep(export.grant)
    with pytest.raises(Failed, match=FULL):
        adopt(export, may_use_reserve=True)

    assert [path.name for path in outside.iterdir()] == ["00"]


def test_a_stray_in_the_reserve_keeps_none_of_its_files(
    root: Path, swept: Leading, full: FullFileSystem
) -> None:
    (root / ".holdfast/reserve/00").unlink()
    (root / ".holdfast/reserve/00").mkdir()
    full.room = 0

    adopt(swept, may_use_reserve=True)

    assert [path.name for path in reserve(root)] == ["00"]


def test_what_a_tenant_takes_first_is_lost_and_the_volume_waits(
    root: Path, swept: Leading, full: FullFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = os.unlink

    def taken(name: str, *, dir_fd: int) -> None:
        unlink(name, dir_fd=dir_fd)
        full.room = 0

    monkeypatch.setattr(os, "unlink", taken)

    with pytest.raises(Failed, match=FULL):
        adopt(swept, may_use_reserve=True)

    monkeypatch.undo()
    full.room = 100
    adopt(swept, may_use_reserve=True)
    swept.exports.sweep(swept.grant)
    assert len(reserve(root)) == 16


def test_a_later_sweep_makes_the_reserve_again_as_far_as_there_is_room(
    root: Path, swept: Leading, full: FullFileSystem
) -> None:
    adopt(swept, may_use_reserve=True)
    full.room = 3
    swept.exports.sweep(swept.grant)
    assert [path.name for path in reserve(root)] == ["00", "01", "02"]

    full.room = 100
    swept.exports.sweep(swept.grant)

    assert len(reserve(root)) == 16
    assert not list(root.rglob(".draft-*"))
    for file in reserve(root):
        assert 1 << 12 <= file.stat().st_size <= 1 << 16


@pytest.mark.usefixtures("swept")
def test_each_file_says_to_a_person_what_it_is_for(root: Path) -> None:
    assert len(reserve(root)) == 16
    for path in reserve(root):
        text = path.read_bytes()
        assert text.startswith(b"Holdfast keeps this space, to free a full export")
        assert b"\0" not in text  # some file systems do not store zeros
