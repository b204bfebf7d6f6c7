"""What is known of the cluster, and which keys a change puts into the queues."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.client import Configuration

from holdfast.claims import constants
from holdfast.claims.decide import Provisioner
from holdfast.claims.paths import overlap
from holdfast.controller.caches import Caches
from holdfast.controller.export_view import ExportView
from holdfast.kube.api import Api
from tests.unit.controller.given import ADDRESS, NAME, a_claim, a_class, a_volume, emptied, ref

CLAIMS, CLASSES, VOLUMES = range(3)
DIRECTORIES = st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=4).map("/".join)


class Bench:
    """Caches that read nothing by themselves."""

    def __init__(self, api: Api) -> None:
        self.stirred = 0
        self.caches = Caches(api, Provisioner(NAME), self._stir)
        self.view = ExportView(self.caches, Provisioner(NAME), ADDRESS)
        self.version = 1

    def _stir(self) -> None:
        self.stirred += 1

    def take(self, which: int, obj: dict[str, Any], kind: str = "ADDED") -> None:
        self.version += 1
        obj["metadata"] |= {"resourceVersion": str(self.version)}
        obj["metadata"].setdefault("uid", "uid")
        self.caches.reflectors[which]._take_event(kind, obj)

    def static(self, server: str, path: str) -> None:
        """A volume that a person made by hand."""
        made = a_volume(ref("7"), name="static")
        made["metadata"]["annotations"] = {}
        made["spec"]["nfs"] = {"server": server, "path": path}
        self.take(VOLUMES, made)

    @property
    def claims(self) -> list[str]:
        return emptied(self.view.claim_queue)

    @property
    def volumes(self) -> list[str]:
        return emptied(self.view.volume_queue)


@pytest.fixture
def bench(api: Api) -> Bench:
    return Bench(api)


class TestClaims:
    def test_a_pending_claim_of_ours_is_queued_and_stirs(self, bench: Bench) -> None:
        bench.take(CLAIMS, a_claim(ref()))

        assert bench.claims == ["team/data"]
        assert bench.stirred == 1

    def test_others_and_bound_ones_are_not_known(self, bench: Bench) -> None:
        others = a_claim(ref())
        others["metadata"]["annotations"] = {}
        bench.take(CLAIMS, others)
        bench.take(CLAIMS, a_claim(ref("2", "bound"), volumeName="pvc-2"))

        assert bench.claims == []
        assert bench.view.claims.keys() == []

    def test_one_that_got_its_volume_is_done_with_but_stirs(self, bench: Bench) -> None:
        """Events of a burst wait for its end."""
        bench.take(CLAIMS, a_claim(ref()))
        assert bench.claims == ["team/data"]

        bench.take(CLAIMS, a_claim(ref(), volumeName="pvc-1"), "MODIFIED")

        assert bench.claims == []
        assert bench.stirred == 2
        assert bench.view.claims.get("team/data") is None

    def test_one_whose_attempt_failed_is_queued_when_it_is_gone(self, bench: Bench) -> None:
        bench.take(CLAIMS, a_claim(ref()))
        assert bench.claims == ["team/data"]
        bench.view.claim_queue.retry("team/data")

        bench.take(CLAIMS, a_claim(ref()), "DELETED")

        assert bench.claims == ["team/data"]

    def test_a_class_that_changes_queues_its_claims(self, bench: Bench) -> None:
        bench.take(CLAIMS, a_claim(ref()))
        bench.take(CLAIMS, a_claim(ref("2", "others"), storageClassName="others"))
        assert bench.claims == ["team/data", "team/others"]

        bench.take(CLASSES, a_class({}))

        assert bench.claims == ["team/data"]

    def test_a_class_that_changes_queues_the_inherited_volumes_of_it(self, bench: Bench) -> None:
        """Their directories may be named by it, and no other volume's."""
        bench.take(VOLUMES, a_volume(ref()))
        bench.take(VOLUMES, a_volume(ref("2"), annotated=False))
        bench.static("nas", "/srv/static")
        others = a_volume(ref("3"), annotated=False)
        others["spec"]["storageClassName"] = "others"
        bench.take(VOLUMES, others)
        assert bench.volumes == ["pvc-2", "pvc-3"]

        bench.take(CLASSES, a_class({}))

        assert bench.volumes == ["pvc-2"]


class TestVolumes:
    def test_one_about_which_there_is_nothing_to_do_is_not_queued(self, bench: Bench) -> None:
        bench.take(VOLUMES, a_volume(ref()))

        assert bench.volumes == []
        assert bench.view.volumes.get("pvc-1") is not None

    @pytest.mark.parametrize(
        "given",
        [
            {"phase": "Released"},
            {"finalizers": ()},
            {"export_id": ""},
            {"annotated": False},
            {"name": "pvc-earlier"},
        ],
        ids=lambda given: next(iter(given)),
    )
    def test_one_that_wants_care_is_queued(self, bench: Bench, given: dict[str, Any]) -> None:
        made = a_volume(ref(), **given)

        bench.take(VOLUMES, made)

        assert bench.volumes == [made["metadata"]["name"]]

    def test_one_in_use_is_queued_only_if_it_came_into_use_during_the_term(
        self, bench: Bench
    ) -> None:
        bench.take(VOLUMES, a_volume(ref("listed")))  # before the first term
        bench.take(VOLUMES, a_volume(ref("known")))
        bench.view.record_checks.begin(["pvc-listed", "pvc-known"])
        bench.take(VOLUMES, a_volume(ref("known")), "MODIFIED")
        bench.take(VOLUMES, a_volume(ref("pending"), phase="Pending"))
        assert bench.volumes == []

        bench.take(VOLUMES, a_volume(ref("new")))

        assert bench.volumes == ["pvc-new"]

    def test_one_of_another_provisioner_is_not(self, bench: Bench) -> None:
        made = a_volume(ref(), phase="Released")
        made["metadata"]["annotations"][constants.PROVISIONED_BY] = "others"

        bench.take(VOLUMES, made)

        assert bench.volumes == []

    @pytest.mark.parametrize(
        "edit",
        [
            {"capacity": {"storage": "2Gi"}},
            {"claimRef": {"namespace": "team", "name": "data", "uid": "1", "extra": 1}},
        ],
        ids=["size", "nothing of ours"],
    )
    def test_an_edit_of_what_records_say_queues_it(
        self, bench: Bench, edit: dict[str, Any]
    ) -> None:
        bench.take(VOLUMES, a_volume(ref()))
        made = a_volume(ref())
        made["spec"] |= edit

        bench.take(VOLUMES, made, "MODIFIED")

        assert bench.volumes == (["pvc-1"] if "capacity" in edit else [])

    def test_one_that_is_gone_is_queued_and_forgotten(self, bench: Bench) -> None:
        bench.take(VOLUMES, a_volume(ref()))
        bench.take(VOLUMES, a_volume(ref()), "DELETED")
        assert bench.volumes == ["pvc-1"]

        made = a_volume(ref())
        made["spec"]["capacity"] = {"storage": "2Gi"}
        bench.take(VOLUMES, made)

        assert bench.volumes == []

    def test_a_new_term_looks_at_all_that_want_care(self, bench: Bench) -> None:
        bench.take(VOLUMES, a_volume(ref()))
        bench.take(VOLUMES, a_volume(ref("2"), phase="Released"))
        assert bench.volumes == ["pvc-2"]

        bench.view.enqueue_all()

        assert bench.volumes == ["pvc-2"]

    def test_the_answer_to_a_write_is_known_at_once(self, bench: Bench) -> None:
        made = a_volume(ref())
        made["metadata"] |= {"uid": "uid", "resourceVersion": "7"}

        learnt = bench.view.update_from_response(made)

        assert bench.view.volumes.get("pvc-1") == learnt


class TestOverlap:
    @pytest.mark.parametrize(
        ("directory", "found"),
        [
            ("team/data", ["pvc-1"]),
            ("team", ["pvc-1"]),
            ("team/data/deeper", ["pvc-1"]),
            ("team/dat", []),
            ("team/other", []),
            ("data", []),
        ],
    )
    def test_the_same_directory_those_above_and_those_beneath_overlap(
        self, bench: Bench, directory: str, found: list[str]
    ) -> None:
        bench.take(VOLUMES, a_volume(ref()))

        assert [volume.name for volume in bench.view.overlapping(directory)] == found

    def test_a_sibling_of_one_above_does_not(self, bench: Bench) -> None:
        bench.take(VOLUMES, a_volume(ref(), "team/other"))

        assert list(bench.view.overlapping("team/data")) == []

    @pytest.mark.parametrize(
        ("host", "path", "counts"),
        [
            ("nas", "/srv/team/data", True),
            ("nas.example.com", "/srv/team/data", True),  # it cannot be told apart
            ("192.0.2.1", "/srv/team/data", True),
            ("192.0.2.9", "/srv/team/data", False),
            ("nas", "/elsewhere/team/data", False),
            ("nas", "/srv", False),
        ],
    )
    def test_a_volume_that_a_person_made_counts_where_it_may_be_on_this_export(
        self, bench: Bench, host: str, path: str, *, counts: bool
    ) -> None:
        bench.static(host, path)

        found = [volume.name for volume in bench.view.overlapping("team/data")]
        assert found == (["static"] if counts else [])
        assert (bench.view.volumes.get("static") is not None) == counts
        assert bench.volumes == []

    def test_those_of_the_very_directory_come_last(self, bench: Bench) -> None:
        for uid, directory in enumerate(["team/data", "team/data/deeper", "team", "team/data"]):
            bench.take(VOLUMES, a_volume(ref(str(uid)), directory))

        found = [volume.name for volume in bench.view.overlapping("team/data")]

        assert found == ["pvc-2", "pvc-1", "pvc-0", "pvc-3"]

    def test_a_new_directory_beside_many_is_compared_with_none_of_them(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(100):
            bench.take(VOLUMES, a_volume(ref(str(number)), f"team/{number}"))
        looked_at: list[str] = []
        monkeypatch.setattr(bench.view, "place", looked_at.append)

        assert list(bench.view.overlapping("team/new")) == []
        assert looked_at == []

    @given(data=st.data())
    def test_it_finds_what_a_look_at_all_volumes_finds(self, data: st.DataObject) -> None:
        bench = Bench(Api(Configuration()))
        for number, directory in enumerate(data.draw(st.lists(DIRECTORIES, max_size=12))):
            uid = str(number % 9)
            bench.take(VOLUMES, a_volume(ref(uid), directory))
        for uid in data.draw(st.sets(st.sampled_from("012345678"))):
            bench.take(VOLUMES, a_volume(ref(uid)), "DELETED")
        directory = data.draw(DIRECTORIES)

        found = [volume.name for volume in bench.view.overlapping(directory)]

        assert sorted(found) == sorted(
            one.name
            for one in bench.view.volumes.values()
            if overlap(directory, bench.view.place(one))
        )

    def test_a_place_that_the_volume_has_already_is_not_kept_twice(self, bench: Bench) -> None:
        bench.take(VOLUMES, a_volume(ref()))
        [volume] = bench.view.overlapping("team/data")

        assert volume.directory == "team/data"
        assert bench.view.place(volume) is volume.directory

    def test_a_volume_of_ours_counts_at_our_server_alone(self, bench: Bench) -> None:
        bench.take(VOLUMES, a_volume(ref(), server="nas.example.com"))

        assert list(bench.view.overlapping("team/data")) == []


def test_it_has_been_read_once_all_three_lists_have(bench: Bench) -> None:
    for reflector in bench.caches.reflectors:
        assert not bench.view.synced
        reflector.synced.set()
    assert not bench.view.synced
    bench.view._is_complete.set()

    assert bench.view.synced


def test_it_ends_with_its_queues(bench: Bench) -> None:
    bench.view.stop()

    assert bench.view.claim_queue.get() is None
    assert bench.view.volume_queue.get() is None
