"""Which export serves a claim, and which looks after a volume, where there are several."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.claims.build_volume import Address
from holdfast.claims.decide import Provisioner
from holdfast.controller.caches import Caches
from holdfast.controller.export_view import ExportView
from holdfast.kube.api import Api
from tests.unit.controller.given import (
    ANOTHER_ID,
    NAME,
    a_claim,
    a_class,
    a_volume,
    emptied,
    ref,
)

CLAIMS, CLASSES, VOLUMES = range(3)
FAST_ID = ANOTHER_ID


class Bench:
    """Two exports, slow and fast, on caches that read nothing by themselves."""

    def __init__(self, api: Api) -> None:
        provisioner = Provisioner(NAME, exports=("slow", "fast"))
        self.caches = Caches(api, provisioner, lambda: None)
        self.slow = ExportView(self.caches, provisioner, Address("nas", "/srv"), "slow")
        self.fast = ExportView(
            self.caches, provisioner, Address("ssd", "/srv"), "fast", export_id=lambda: FAST_ID
        )
        self._version = 1

    def take(self, which: int, obj: dict[str, Any], kind: str = "ADDED") -> None:
        self._version += 1
        obj["metadata"] |= {"resourceVersion": str(self._version)}
        obj["metadata"].setdefault("uid", "uid")
        self.caches.reflectors[which]._take_event(kind, obj)

    def claims(self) -> tuple[list[str], list[str]]:
        """What waits in the queues of slow and fast; they are empty afterwards."""
        return emptied(self.slow.claim_queue), emptied(self.fast.claim_queue)

    def volumes(self) -> tuple[list[str], list[str]]:
        return emptied(self.slow.volume_queue), emptied(self.fast.volume_queue)


@pytest.fixture
def bench(api: Api) -> Bench:
    return Bench(api)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"export": "fast"}, ([], ["team/data"])),
        ({"export": "slow"}, (["team/data"], [])),
        ({}, (["team/data"], [])),
        ({"export": "unheard-of"}, (["team/data"], [])),  # which refuses it
    ],
)
def test_a_claim_is_served_from_the_export_that_its_class_names(
    bench: Bench, parameters: dict[str, str], expected: tuple[list[str], list[str]]
) -> None:
    bench.take(CLASSES, a_class(parameters))

    bench.take(CLAIMS, a_claim(ref()))

    assert bench.claims() == expected


def test_a_claim_of_a_class_that_is_not_there_is_the_first_one_s_to_refuse(bench: Bench) -> None:
    bench.take(CLAIMS, a_claim(ref()))

    assert bench.claims() == (["team/data"], [])


def test_a_class_that_names_another_export_now_tells_both(bench: Bench) -> None:
    """The one that had begun takes back what it has begun."""
    bench.take(CLASSES, a_class({"export": "slow"}))
    bench.take(CLAIMS, a_claim(ref()))
    assert bench.claims() == (["team/data"], [])
    bench.slow.claim_queue.retry("team/data")

    bench.take(CLASSES, a_class({"export": "fast"}), "MODIFIED")

    assert bench.claims() == (["team/data"], ["team/data"])
    claim = bench.caches.claims.get("team/data")
    assert claim is not None
    assert not bench.slow.serves(claim)


@pytest.mark.parametrize(
    ("host", "known_id", "expected"),
    [
        ("nas", "", (["pvc-1"], [])),
        ("ssd", "", ([], ["pvc-1"])),
        ("nas", FAST_ID, (["pvc-1"], [])),  # which finds that this is another export's
        ("alias", FAST_ID, ([], ["pvc-1"])),
        ("unheard-of", "", (["pvc-1"], [])),  # which says that it is nowhere
    ],
)
def test_a_volume_is_looked_after_by_the_export_that_it_is_on(
    bench: Bench, host: str, known_id: str, expected: tuple[list[str], list[str]]
) -> None:
    released = a_volume(ref(), server=host, export_id=known_id, phase="Released")

    bench.take(VOLUMES, released)

    assert bench.volumes() == expected


def test_a_volume_at_no_export_s_address_may_be_on_each(bench: Bench) -> None:
    """Its id tells, once that of the export is read: the path of either may be mistyped."""
    for uid, host in (("1", "nas"), ("2", "ssd"), ("3", "unheard-of")):
        bench.take(VOLUMES, a_volume(ref(uid), server=host, export_id=FAST_ID))

    found = [{one.name for one in view.telling(FAST_ID)} for view in (bench.slow, bench.fast)]

    assert found == [{"pvc-1", "pvc-3"}, {"pvc-2", "pvc-3"}]


def test_volumes_of_the_same_directory_on_two_servers_do_not_overlap(bench: Bench) -> None:
    bench.take(VOLUMES, a_volume(ref("1"), server="nas"))
    bench.take(VOLUMES, a_volume(ref("2"), server="ssd"))

    found = [
        [volume.name for volume in view.overlapping("team")] for view in (bench.slow, bench.fast)
    ]

    assert found == [["pvc-1"], ["pvc-2"]]


def test_volumes_of_ours_are_counted_at_each_address(bench: Bench) -> None:
    assert bench.slow.volume_count() is None
    for reflector in bench.caches.reflectors:
        reflector.synced.set()
    for view in (bench.slow, bench.fast):
        view._is_complete.set()
    others = a_volume(ref("7"))
    others["metadata"]["annotations"] = {}
    for volume in (a_volume(ref("1")), a_volume(ref("2")), a_volume(ref("3"), server="ssd")):
        bench.take(VOLUMES, volume)
    bench.take(VOLUMES, others)
    bench.take(VOLUMES, a_volume(ref("4"), server="elsewhere", export_id=FAST_ID))
    assert (bench.slow.volume_count(), bench.fast.volume_count()) == (2, 1)

    bench.take(VOLUMES, a_volume(ref("1")), "DELETED")
    bench.caches.remove(bench.fast)

    assert (bench.slow.volume_count(), bench.fast.volume_count()) == (1, None)
