"""What always holds: retain means retain, and what becomes of data is decided with the volume."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from holdfast.claims.build_volume import Address
from holdfast.claims.decide import Provisioner
from holdfast.controller.settings import ExportSettings
from holdfast.exports.interface import Moved
from tests.cluster.objects import annotations_of, name_of
from tests.cluster.site import Site
from tests.support import eventually

PLACE = {"pathPattern": "${.PVC.annotations.place}"}
USE = {"existingDirectories": "use"}
DELETE = {"onDelete": "delete"}
RETAIN = {"spec": {"persistentVolumeReclaimPolicy": "Retain"}}


def at(site: Site, storage_class: str, name: str, place: str) -> str:
    """A claim of a directory that its author chose."""
    return site.claim(storage_class, name, annotations={"place": place})


def fill(directory: Path) -> None:
    """Puts a tenant's data there, with a mode that is theirs."""
    (directory / "file").write_text("a tenant's")
    directory.chmod(0o2750)


class TestRetain:
    """Retain means retain: nothing renames, changes or removes it until a person asks."""

    @pytest.mark.parametrize(
        ("reclaim", "parameters"),
        [("Retain", {"onDelete": "delete"}), ("Delete", {"onDelete": "retain"})],
        ids=["reclaimPolicy Retain", "onDelete retain"],
    )
    def test_the_directory_is_taken_up_again_by_the_claim_that_renders_its_path(
        self, site: Site, reclaim: str, parameters: dict[str, str]
    ) -> None:
        site.serve()
        storage_class = site.make_class(reclaim=reclaim, parameters=PLACE | parameters)
        first = site.bound(at(site, storage_class, "first", "shelf"))
        fill(site.directory(first))
        before = site.directory(first).stat()
        site.delete_claim("first")
        site.released(first) if reclaim == "Retain" else site.gone(first)
        if reclaim == "Retain":
            site.delete_volume(name_of(first))
            site.gone(first)

        second = site.bound(at(site, storage_class, "second", "shelf"))

        after = site.directory(second).stat()
        assert name_of(second) != name_of(first)
        assert (site.directory(second) / "file").read_text() == "a tenant's"
        assert (after.st_mode, after.st_uid, after.st_ino) == (
            before.st_mode,
            before.st_uid,
            before.st_ino,
        )

    def test_a_released_volume_that_is_retained_keeps_its_directory_to_itself(
        self, site: Site
    ) -> None:
        """A person may still bind it to another claim: its directory is not free yet."""
        site.serve()
        storage_class = site.make_class(reclaim="Retain", parameters=PLACE)
        first = site.bound(at(site, storage_class, "first", "shelf"))
        site.delete_claim("first")
        site.released(first)

        second = at(site, storage_class, "second", "shelf")

        site.refusal(second, name_of(first))
        site.delete_volume(name_of(first))
        site.bound(second)

    def test_a_person_who_says_retain_just_before_the_claim_goes_is_heeded(
        self, site: Site
    ) -> None:
        running = site.serve()
        volume = site.bound(site.claim(site.make_class(parameters={"onDelete": "delete"})))
        fill(site.directory(volume))

        site.patch_volume(name_of(volume), {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
        site.delete_claim("data")

        site.released(volume)
        running.settle()
        assert (site.directory(volume) / "file").read_text() == "a tenant's"
        assert site.find_volume(name_of(volume))

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_person_who_says_retain_while_the_directory_is_moved_is_heeded(
        self, site: Site, when: str
    ) -> None:
        """It was read once, and the volume and its data were deleted."""
        running = site.serve()
        volume = site.bound(site.claim(site.make_class(parameters=DELETE)))
        fill(site.directory(volume))
        reclaim, said = running.export.reclaim, threading.Event()

        def meanwhile(*arguments: Any) -> Moved:
            moved = None if when == "before" else reclaim(*arguments)
            if not said.is_set():
                site.patch_volume(name_of(volume), RETAIN)
                said.set()
            return moved or reclaim(*arguments)

        setattr(running.export, "reclaim", meanwhile)  # noqa: B010 - a method
        site.delete_claim("data")

        site.said(name_of(volume), "DirectoryMovedBack", "moved back")
        assert (site.directory(volume) / "file").read_text() == "a tenant's"
        site.released(volume)
        site.delete_volume(name_of(volume))
        site.gone(volume)
        running.settle()
        assert (site.directory(volume) / "file").exists()

    def test_a_person_who_says_retain_on_a_volume_that_others_hold_is_heeded(
        self, site: Site
    ) -> None:
        running = site.serve()
        volume = site.bound(site.claim(site.make_class(parameters=DELETE)))
        name = name_of(volume)
        fill(site.directory(volume))
        theirs = [*site.get_volume(name)["metadata"]["finalizers"], "example.com/backup"]
        site.patch_volume(name, {"metadata": {"finalizers": theirs}})
        site.delete_claim("data")
        eventually(lambda: "deletionTimestamp" in site.get_volume(name)["metadata"])
        assert (site.root / ".holdfast/trash" / name).exists()

        site.patch_volume(name, RETAIN)

        site.said(name, "DirectoryMovedBack", "moved back")
        site.patch_volume(name, {"metadata": {"finalizers": None}})
        site.gone(volume)
        running.settle()
        assert (site.directory(volume) / "file").read_text() == "a tenant's"

    def test_a_directory_that_was_there_before_keeps_mode_and_owner(self, site: Site) -> None:
        """No record names it: its data was put there by a person, for this claim to find."""
        site.serve()
        (site.root / "shelf").mkdir()
        fill(site.root / "shelf")

        volume = site.bound(at(site, site.make_class(parameters=PLACE | USE), "first", "shelf"))

        assert site.directory(volume).stat().st_mode & 0o7777 == 0o2750
        assert (site.directory(volume) / "file").read_text() == "a tenant's"


class TestReclaimActions:
    """Decided when the volume is made: later changes of the class do not touch it."""

    @pytest.mark.parametrize(
        ("parameters", "left"),
        [
            ({}, "archived-shelf"),
            ({"archiveOnDelete": "true"}, "archived-shelf"),
            ({"archiveOnDelete": "false"}, ""),
            ({"onDelete": "archive", "archiveOnDelete": "false"}, "archived-shelf"),
            ({"onDelete": "delete", "archiveOnDelete": "true"}, ""),
            ({"onDelete": "retain", "archiveOnDelete": "false"}, "shelf"),
        ],
    )
    def test_each_does_what_it_says(
        self, site: Site, parameters: dict[str, str], left: str
    ) -> None:
        site.serve()
        storage_class = site.make_class(parameters=PLACE | parameters)
        volume = site.bound(at(site, storage_class, "data", "shelf"))
        (site.directory(volume) / "file").write_text("a tenant's")

        site.delete_claim("data")

        site.gone(volume)
        assert site.tree() == ({left, f"{left}/file"} if left else set())

    def test_a_class_that_is_gone_when_its_claim_is_deleted_changes_nothing(
        self, site: Site
    ) -> None:
        site.serve()
        storage_class = site.make_class(parameters=PLACE)
        volume = site.bound(at(site, storage_class, "data", "shelf"))
        site.delete_class(storage_class)

        site.delete_claim("data")

        site.gone(volume)
        assert site.tree() == {"archived-shelf"}

    def test_a_class_that_says_otherwise_when_its_claim_is_deleted_changes_nothing(
        self, site: Site
    ) -> None:
        running = site.serve()
        storage_class = site.make_class(parameters=PLACE | {"onDelete": "retain"})
        volume = site.bound(at(site, storage_class, "data", "shelf"))
        site.delete_class(storage_class)
        site.make_class(parameters=PLACE | {"onDelete": "delete"})
        running.settle()

        site.delete_claim("data")

        site.gone(volume)
        assert site.tree() == {"shelf"}

    def test_the_volume_s_annotation_may_be_changed_by_an_administrator(self, site: Site) -> None:
        running = site.serve()
        storage_class = site.make_class(parameters=PLACE | {"onDelete": "delete"})
        volume = site.bound(at(site, storage_class, "data", "shelf"))
        change = {"metadata": {"annotations": {"holdfast.io/on-delete": "archive"}}}
        site.patch_volume(name_of(volume), change)
        running.settle()

        site.delete_claim("data")

        site.gone(volume)
        assert site.tree() == {"archived-shelf"}

    def test_an_annotation_that_is_no_action_stops_the_reclaim_and_says_so(
        self, site: Site
    ) -> None:
        site.serve()
        volume = site.bound(site.claim(site.make_class(parameters={"onDelete": "delete"})))
        change = {"metadata": {"annotations": {"holdfast.io/on-delete": "shred"}}}
        site.patch_volume(name_of(volume), change)

        site.delete_claim("data")

        site.said(name_of(volume), "VolumeFailedDelete", "holdfast.io/on-delete")
        assert site.directory(volume).is_dir()
        mended = {"metadata": {"annotations": {"holdfast.io/on-delete": "delete"}}}
        site.patch_volume(name_of(volume), mended)
        site.gone(volume)

    def test_an_archive_of_the_same_name_is_never_written_over(self, site: Site) -> None:
        site.serve()
        storage_class = site.make_class(parameters=PLACE)
        for content in ("first", "second", "third"):
            volume = site.bound(at(site, storage_class, content, "shelf"))
            (site.directory(volume) / "file").write_text(content)
            site.delete_claim(content)
            site.gone(volume)

        archived = sorted(path.read_text() for path in site.root.glob("archived-shelf*/file"))
        assert archived == ["first", "second", "third"]

    def test_a_directory_that_is_gone_is_no_obstacle_and_is_told(self, site: Site) -> None:
        site.serve()
        volume = site.bound(site.claim(site.make_class()))
        site.recorded(volume)
        site.directory(volume).rmdir()

        site.delete_claim("data")

        site.gone(volume)
        assert site.said(name_of(volume), "DirectoryMissing")

    def test_what_is_deleted_goes_to_the_trash_at_once_and_from_there_in_its_time(
        self, site: Site
    ) -> None:
        site.serve()
        volume = site.bound(site.claim(site.make_class(parameters={"onDelete": "delete"})))
        nested = site.directory(volume) / "a" / "b"
        nested.mkdir(parents=True)
        (nested / "file").touch()
        (nested / "link").symlink_to("/etc/hostname")
        nested.chmod(0o500)

        site.delete_claim("data")

        site.gone(volume)
        assert site.tree() == set()
        eventually(lambda: not any((site.root / ".holdfast/trash").iterdir()))
        assert not any((site.root / ".holdfast/volumes").iterdir())


def test_a_volume_that_a_person_creates_again_gets_its_directory_back_from_the_trash(
    site: Site,
) -> None:
    """It was Bound, and its data stayed in the trash without a word."""
    running = site.serve()
    trash = running.manager.exports["default"].trash
    volume = site.bound(site.claim(site.make_class(parameters=DELETE)))
    fill(site.directory(volume))
    trash._is_gone = lambda _: False  # the reaper is slow
    site.delete_claim("data")
    site.gone(volume)

    site.make_volume(
        name_of(volume),
        volume["spec"]["nfs"]["path"],
        annotations=annotations_of(volume),
        storageClassName=volume["spec"]["storageClassName"],
    )
    trash._is_gone = running.manager.exports["default"].is_gone
    running.settle()
    trash.look()  # as each minute

    site.said(name_of(volume), "DirectoryMovedBack", "moved back")
    assert (site.directory(volume) / "file").read_text() == "a tenant's"


def test_the_trash_of_a_volume_at_a_name_of_the_server_that_is_unknown_here_is_kept(
    site: Site,
) -> None:
    """Another provisioner of the cluster has it; the cache leaves it out."""
    site.serve()
    volume = site.bound(site.claim(site.make_class(parameters=DELETE)))
    name = name_of(volume)
    fill(site.directory(volume))
    theirs = [*site.get_volume(name)["metadata"]["finalizers"], "example.com/backup"]
    site.patch_volume(name, {"metadata": {"finalizers": theirs}})
    site.delete_claim("data")
    trash = site.root / ".holdfast/trash" / name
    eventually(trash.exists)

    other = site.serve(
        provisioner=Provisioner(f"{site.namespace}.example.com/other"),
        exports=(ExportSettings(address=Address("192.0.2.9", "/export"), root=site.root),),
    )
    other.settle()

    theirs_too = other.manager.exports["default"].trash

    def was_asked() -> bool:
        entry = theirs_too._entries.get(name)
        return entry is not None and entry.failures > 0

    eventually(lambda: was_asked() or not (trash / "file").exists())
    assert (trash / "file").exists()
    site.patch_volume(name, {"metadata": {"finalizers": None}})
    eventually(lambda: not trash.exists())


@pytest.mark.parametrize("action", ["delete", "archive"])
def test_a_directory_that_was_there_before_its_volume_stays(site: Site, action: str) -> None:
    """Somebody made it, by hand or with another program: it is not ours to remove."""
    (site.root / "shelf").mkdir()
    (site.root / "shelf" / "file").write_text("theirs")
    site.serve()
    parameters = PLACE | USE | {"onDelete": action}
    volume = site.bound(at(site, site.make_class(parameters=parameters), "data", "shelf"))

    site.delete_claim("data")

    site.gone(volume)
    assert (site.root / "shelf" / "file").read_text() == "theirs"


def test_a_directory_that_no_record_knows_is_refused_unless_the_class_opts_in(site: Site) -> None:
    """Rule 3: what was there before its volume is nobody's to hand out."""
    (site.root / "shelf").mkdir(mode=0o710)
    site.serve()

    claim = at(site, site.make_class(parameters=PLACE), "data", "shelf")

    site.refusal(claim, "exists without a record")
    site.refusal(claim, "existingDirectories: 'use'")
    assert (site.root / "shelf").stat().st_mode & 0o777 == 0o710
