"""A volume is deleted before the controller manager has bound its claim, which gets it again."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.claims.constants import FINALIZER
from holdfast.controller.requeue import Requeue
from holdfast.kube.resources import CLAIMS, VOLUMES
from tests.unit.controller.given import a_volume, emptied, ref
from tests.unit.controller.site import Site

PATH = VOLUMES.path(name="pvc-1")


def delete(site: Site, phase: str = "Pending") -> None:
    """A person deletes the volume, which our finalizer holds."""
    site.edit("1", {"status": {"phase": phase}})
    site.server.objects.delete(PATH)
    site.see()


def finalizers(site: Site) -> list[str]:
    volume = site.volume()
    return volume["metadata"]["finalizers"] if volume else []


@pytest.fixture
def served(site: Site) -> Site:
    """A claim with a volume, to which nobody binds it."""
    site.add_claim(ref())
    site.serve()
    emptied(site.view.claim_queue)
    emptied(site.view.volume_queue)
    return site


class TestRetain:
    """Nothing holds the volume."""

    @pytest.fixture
    def gone(self, site: Site) -> Site:
        site.add_class("Retain")
        site.add_claim(ref())
        site.serve()
        (site.root / "team/data/file").write_text("data")
        emptied(site.view.claim_queue)
        site.server.objects.delete(PATH)
        site.see_gone()
        return site

    def test_the_claim_is_queued_and_gets_its_volume_again_with_its_data(self, gone: Site) -> None:
        assert gone.queued() == ({"team/data"}, {"pvc-1"})

        gone.look_after()
        gone.serve()

        volume = gone.volume()
        assert volume is not None
        assert volume["spec"]["nfs"]["path"] == "/srv/team/data"
        assert (gone.root / "team/data/file").exists()

    @pytest.mark.parametrize("seen", [True, False])
    def test_one_that_was_bound_meanwhile_does_not(self, gone: Site, *, seen: bool) -> None:
        """The event of the volume may come before that of its claim."""
        bound = gone.server.objects.patch(
            CLAIMS.path("team", "data"), {"spec": {"volumeName": "pvc-1"}}
        )
        if seen:
            gone._take(0, "MODIFIED", bound)

        gone.serve()

        assert gone.volume() is None

    def test_one_that_is_gone_does_not(self, gone: Site) -> None:
        gone.remove_claim(ref(), seen=False)

        gone.serve()

        assert gone.volume() is None

    def test_it_is_asked_for_only_once(self, gone: Site) -> None:
        gone.serve()
        gone.drop()
        gone.view.bereft.clear()
        asked = gone.server.count("get")

        gone.serve()

        assert gone.server.count("get") == asked


class TestDelete:
    """Our finalizer holds the volume."""

    @pytest.mark.parametrize("phase", ["Pending", "Available"])
    def test_it_lets_the_volume_go_and_the_claim_gets_it_again(
        self, served: Site, phase: str
    ) -> None:
        delete(served, phase)
        assert served.queued()[1] == {"pvc-1"}

        served.look_after()

        assert served.volume() is None
        served.see_gone()
        assert served.queued()[0] == {"team/data"}
        served.look_after()
        served.serve()
        volume = served.volume()
        assert volume is not None
        assert "deletionTimestamp" not in volume["metadata"]
        assert served.record() is not None
        assert (served.root / "team/data").is_dir()

    @pytest.mark.parametrize(
        "change",
        [
            {"spec": {"volumeName": "pvc-1"}},
            {"spec": {"volumeName": "another"}},
            {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x"]}},
            {"metadata": {"uid": "2"}},
        ],
        ids=["bound", "bound to another", "deleted", "another of its name"],
    )
    def test_it_stays_where_its_claim_is(self, served: Site, change: dict[str, Any]) -> None:
        """The controller manager releases the volume if it is not the claim's."""
        served.server.objects.patch(CLAIMS.path("team", "data"), change)
        delete(served)

        served.look_after()

        assert finalizers(served) == [FINALIZER]

    def test_it_stays_where_its_claim_is_gone(self, served: Site) -> None:
        served.remove_claim(ref())
        delete(served)
        served.look_after()
        assert finalizers(served) == [FINALIZER]

        served.release()
        served.look_after()

        assert served.volume() is None
        assert not (served.root / "team/data").exists()

    def test_it_stays_on_a_volume_that_is_bound(self, served: Site) -> None:
        delete(served, "Bound")

        served.look_after()

        assert finalizers(served) == [FINALIZER]

    def test_it_stays_on_a_volume_that_is_bound_just_then(self, served: Site) -> None:
        delete(served)
        served.server.meanwhile(
            "patch",
            lambda _: served.server.objects.patch(PATH, {"status": {"phase": "Bound"}}),
        )

        with pytest.raises(Requeue):
            served.look_after()

        assert finalizers(served) == [FINALIZER]
        served.see()
        served.look_after()
        assert finalizers(served) == [FINALIZER]

    def test_it_stays_where_volumes_may_not_be_changed(self, served: Site) -> None:
        served.may_patch_volumes = False
        delete(served)

        served.look_after()

        assert finalizers(served) == [FINALIZER]


@pytest.mark.parametrize("phase", ["Pending", "Available"])
@pytest.mark.parametrize("claim", [{}, {"namespace": "team", "name": "data"}])
class TestWithoutClaimUid:
    """A volume was created again from a backup, with our finalizer, and no claim has taken it."""

    def test_it_goes_and_its_directory_stays(
        self, site: Site, phase: str, claim: dict[str, str]
    ) -> None:
        site.made_on_export(ref())
        made = a_volume(ref(), phase=phase)
        site.add_volume({**made, "spec": {**made["spec"], "claimRef": claim}})
        emptied(site.view.volume_queue)
        delete(site, phase)
        assert site.queued()[1] == {"pvc-1"}

        site.look_after()

        assert site.volume() is None
        assert (site.root / "team/data").is_dir()

    def test_it_stays_once_a_claim_takes_it(
        self, site: Site, phase: str, claim: dict[str, str]
    ) -> None:
        site.made_on_export(ref())
        made = a_volume(ref(), phase=phase)
        site.add_volume({**made, "spec": {**made["spec"], "claimRef": claim}})
        delete(site, phase)
        taken = {"spec": made["spec"], "status": {"phase": "Bound"}}
        site.server.meanwhile("patch", lambda _: site.server.objects.patch(PATH, taken))

        with pytest.raises(Requeue):
            site.look_after()

        assert finalizers(site) == [FINALIZER]
