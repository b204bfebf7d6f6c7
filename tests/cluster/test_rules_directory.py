"""What always holds: a directory belongs to at most one live volume, and data is kept safe."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.objects import name_of
from tests.cluster.site import Site
from tests.support import eventually

PLACE = {"pathPattern": "${.PVC.annotations.place}"}
SHARED = PLACE | {"sharedPaths": "true", "onDelete": "delete"}


def at(site: Site, storage_class: str, name: str, place: str) -> str:
    """A claim of a directory that its author chose."""
    return site.claim(storage_class, name, annotations={"place": place})


class TestTwoClaimsForOneDirectory:
    def test_the_second_is_refused_and_told_whose_it_is(self, site: Site) -> None:
        site.serve()
        storage_class = site.make_class(parameters=PLACE)
        first = site.bound(at(site, storage_class, "first", "shelf"))

        second = at(site, storage_class, "second", "shelf")

        message = site.refusal(second)
        assert "'shelf' is the directory of volume" in message
        assert f"{site.namespace}/first" in message
        assert "sharedPaths" in message
        assert site.volume_of(second) is None
        assert site.directory(first).is_dir()

    @pytest.mark.parametrize(("first", "second"), [("a", "a/b"), ("a/b", "a"), ("a", "a/b/c")])
    def test_nor_may_one_lie_within_the_other(self, site: Site, first: str, second: str) -> None:
        """Deleting the outer would delete the inner."""
        site.serve()
        storage_class = site.make_class(parameters=PLACE)
        site.bound(at(site, storage_class, "first", first))

        claim = at(site, storage_class, "second", second)

        assert "overlaps" in site.refusal(claim)
        assert site.volume_of(claim) is None

    def test_a_name_that_only_begins_alike_is_another_directory(self, site: Site) -> None:
        site.serve()
        storage_class = site.make_class(parameters=PLACE)
        site.bound(at(site, storage_class, "first", "shelf"))

        site.bound(at(site, storage_class, "second", "shelf-2"))

    def test_the_second_is_served_once_the_first_is_deleted(self, site: Site) -> None:
        site.serve()
        storage_class = site.make_class(parameters=PLACE | {"onDelete": "delete"})
        first = site.bound(at(site, storage_class, "first", "shelf"))
        (site.directory(first) / "file").touch()
        site.refusal(at(site, storage_class, "second", "shelf"))

        site.delete_claim("first")

        second = site.bound("second")
        assert list(site.directory(second).iterdir()) == []

    @pytest.mark.parametrize("reclaim", ["Delete", "Retain"])
    def test_twenty_at_once_give_one_volume(self, site: Site, reclaim: str) -> None:
        """A directory that is being made for one is not taken up as if it had been retained."""
        site.serve(workers=20)
        storage_class = site.make_class(reclaim=reclaim, parameters=PLACE)
        claims = [at(site, storage_class, f"claim-{number}", "shelf") for number in range(20)]

        def undecided() -> list[str]:
            bound = site.volumes()
            return [one for one in claims if not (bound and site.events(one))]

        eventually(lambda: not undecided())
        said = {event["message"] for claim in claims for event in site.events(claim)}
        assert len(site.volumes()) == 1
        assert not [message for message in said if "is gone" in message]


class TestSharedPaths:
    def test_claims_share_a_directory_where_the_class_says_so_and_the_last_takes_it(
        self, site: Site
    ) -> None:
        site.serve()
        storage_class = site.make_class(parameters=SHARED)
        first = site.bound(at(site, storage_class, "first", "shelf"))
        second = site.bound(at(site, storage_class, "second", "shelf"))
        (site.directory(first) / "file").write_text("of both")

        site.delete_claim("first")
        site.gone(first)
        assert (site.directory(second) / "file").read_text() == "of both"

        site.delete_claim("second")
        site.gone(second)
        assert site.tree() == set()

    def test_a_class_that_does_not_share_cannot_join(self, site: Site) -> None:
        site.serve()
        sharing = site.make_class("sharing", parameters=SHARED)
        alone = site.make_class("alone", parameters=PLACE)
        site.bound(at(site, sharing, "first", "shelf"))

        claim = at(site, alone, "second", "shelf")

        assert "shelf" in site.refusal(claim)
        assert site.volume_of(claim) is None

    def test_nor_can_a_class_that_shares_join_one_that_does_not(self, site: Site) -> None:
        """It is not for the second to say what becomes of the first one's data."""
        site.serve()
        sharing = site.make_class("sharing", parameters=SHARED)
        alone = site.make_class("alone", parameters=PLACE)
        site.bound(at(site, alone, "first", "shelf"))

        claim = at(site, sharing, "second", "shelf")

        assert "shelf" in site.refusal(claim)
        assert site.volume_of(claim) is None

    def test_a_directory_within_a_shared_one_is_refused(self, site: Site) -> None:
        site.serve()
        storage_class = site.make_class(parameters=SHARED)
        site.bound(at(site, storage_class, "first", "shelf"))

        assert "overlaps" in site.refusal(at(site, storage_class, "second", "shelf/board"))


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

        assert name_of(first) in site.refusal(second)
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

    def test_a_directory_that_was_there_before_keeps_mode_and_owner(self, site: Site) -> None:
        """No record names it: its data was put there by a person, for this claim to find."""
        site.serve()
        (site.root / "shelf").mkdir()
        fill(site.root / "shelf")

        volume = site.bound(at(site, site.make_class(parameters=PLACE), "first", "shelf"))

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

        assert "holdfast.io/on-delete" in site.said(name_of(volume), "VolumeFailedDelete")
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


@pytest.mark.parametrize("action", ["delete", "archive"])
def test_a_directory_that_was_there_before_its_volume_stays(site: Site, action: str) -> None:
    """Somebody made it, by hand or with another program: it is not ours to remove."""
    (site.root / "shelf").mkdir()
    (site.root / "shelf" / "file").write_text("theirs")
    site.serve()
    storage_class = site.make_class(parameters=PLACE | {"onDelete": action})
    volume = site.bound(at(site, storage_class, "data", "shelf"))

    site.delete_claim("data")

    site.gone(volume)
    assert (site.root / "shelf" / "file").read_text() == "theirs"
