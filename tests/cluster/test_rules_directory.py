"""What always holds: a directory belongs to at most one live volume."""

from __future__ import annotations

import pytest

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

        message = site.refusal(second, "'shelf' is the directory of volume")
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

        site.refusal(claim, "overlaps")
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
        site.refusal(at(site, storage_class, "second", "shelf"), "'shelf' is the directory of")

        site.delete_claim("first")

        second = site.bound("second")
        assert list(site.directory(second).iterdir()) == []

    @pytest.mark.parametrize("reclaim", ["Delete", "Retain"])
    def test_twenty_at_once_give_one_volume(self, site: Site, reclaim: str) -> None:
        """A directory that is being made for one is not taken up as if it had been retained."""
        running = site.serve(workers=20)
        storage_class = site.make_class(reclaim=reclaim, parameters=PLACE)
        running.settle()  # a claim that is seen before its class is told of that first
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

        site.refusal(claim, "shelf")
        assert site.volume_of(claim) is None

    def test_nor_can_a_class_that_shares_join_one_that_does_not(self, site: Site) -> None:
        """It is not for the second to say what becomes of the first one's data."""
        site.serve()
        sharing = site.make_class("sharing", parameters=SHARED)
        alone = site.make_class("alone", parameters=PLACE)
        site.bound(at(site, alone, "first", "shelf"))

        claim = at(site, sharing, "second", "shelf")

        site.refusal(claim, "shelf")
        assert site.volume_of(claim) is None

    def test_a_directory_within_a_shared_one_is_refused(self, site: Site) -> None:
        site.serve()
        storage_class = site.make_class(parameters=SHARED)
        site.bound(at(site, storage_class, "first", "shelf"))

        site.refusal(at(site, storage_class, "second", "shelf/board"), "overlaps")
