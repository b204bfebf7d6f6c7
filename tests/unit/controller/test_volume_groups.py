"""What is asked of the groups of volumes is what a look at all volumes says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from kubernetes.client import Configuration

from holdfast.claims.build_volume import Address
from holdfast.claims.decide import Provisioner
from holdfast.claims.objects import Volume
from holdfast.claims.reclaim_rules import is_provisioned_by
from holdfast.controller.caches import Caches
from holdfast.controller.export_id_check import ExportIdCheck
from holdfast.controller.export_view import ExportView
from holdfast.exports.errors import WrongExport
from holdfast.exports.interface import ExportInfo
from holdfast.kube.api import Api
from tests.unit.controller.given import ANOTHER_ID, ID, NAME, ref, volume

IDS = {"slow": ID, "fast": ANOTHER_ID}

VOLUMES = st.builds(
    lambda server, path, directory, export_id, by: replace(
        volume(ref(name=directory)),
        server=server,
        path=path + directory,
        directory=directory if export_id != "inherited" else "",
        export_id=export_id if export_id != "inherited" else "",
        provisioned_by=by,
    ),
    st.sampled_from(["nas", "ssd", "old"]),
    st.sampled_from(["/srv/", "/srv/more/", "/", "/srv/../"]),
    st.sampled_from(["data", "more/data", "other"]),
    st.sampled_from([ID, ANOTHER_ID, "", "inherited"]),
    st.sampled_from([NAME, NAME, NAME, "others"]),
)
NEWS = st.lists(st.tuples(st.sampled_from("123456"), st.none() | VOLUMES), max_size=12)


class Bench:
    """Two exports, and all volumes as of now."""

    def __init__(self) -> None:
        self.provisioner = Provisioner(NAME, exports=("slow", "fast"))
        self.caches = Caches(Api(Configuration()), self.provisioner, lambda: None)
        self.views = [self._view("slow", "nas"), self._view("fast", "ssd")]

    def _view(self, name: str, server: str) -> ExportView:
        address = Address(server, "/srv")
        given_id = IDS[name]
        return ExportView(self.caches, self.provisioner, address, name, export_id=lambda: given_id)

    def take(self, news: Iterable[tuple[str, Volume | None]]) -> None:
        for version, (key, item) in enumerate(news, 1):
            named = item and replace(item, name=f"pvc-{key}")
            self.caches.volumes.apply(f"pvc-{key}", version, named)

    def walk(self, view: ExportView) -> list[Volume]:
        """The volumes of ours that no other export has."""
        return [
            one
            for one in self.caches.volumes.values()
            if is_provisioned_by(one, self.provisioner)
            and self.caches.placed_by(one) in {view, None}
        ]

    def check(self, view: ExportView, volumes: Callable[[str], Iterable[Volume]]) -> ExportIdCheck:
        return ExportIdCheck(
            view.address,
            volumes,
            lambda directory: directory == "data",
            lambda _: None,
            lambda _: None,
            addresses=self.caches.addresses,
        )


def outcome(check: ExportIdCheck, info: ExportInfo) -> str:
    """What a check says; of several volumes without a record, it may name any."""
    try:
        check.check_all(info)
    except WrongExport as error:
        return re.sub(r"volume pvc-\d", "volume", error.message)
    return ""


@given(news=NEWS)
def test_the_check_says_the_same(news: list[tuple[str, Volume | None]]) -> None:
    bench = Bench()
    bench.take(news)

    for view in bench.views:
        short = bench.check(view, view.telling)
        whole = bench.check(view, lambda _, view=view: bench.walk(view))  # type: ignore[misc]
        for info in (ExportInfo(ID, 2), ExportInfo(ANOTHER_ID, 2), ExportInfo("", 1), ExportInfo()):
            assert outcome(short, info) == outcome(whole, info)
        for export_id in ("", ID, ANOTHER_ID):
            short.export_id = whole.export_id = export_id
            assert short._on_this_export() == whole._on_this_export()
            assert short._on_no_export() == whole._on_no_export()


@given(news=NEWS)
def test_each_export_has_the_same_volumes(news: list[tuple[str, Volume | None]]) -> None:
    bench = Bench()
    bench.take(news)

    for view in bench.views:
        expected = {
            one.name
            for one in bench.caches.volumes.values()
            if is_provisioned_by(one, bench.provisioner) and view.has(one)
        }
        assert {one.name for one in view.own()} == expected


def test_of_many_that_tell_the_same_one_is_looked_at() -> None:
    bench = Bench()
    here = replace(volume(), export_id=ID)
    there = replace(volume(), server="ssd", export_id=ANOTHER_ID)
    bench.take([(str(key), here if key % 2 else there) for key in range(100)])

    slow, fast = bench.views

    assert len(list(slow.telling(ID))) == len(list(fast.telling(ID))) == 1


@given(item=VOLUMES)
def test_no_index_has_what_a_volume_is_not_indexed_anew_for(item: Volume) -> None:
    changed = replace(item, version="999", phase="Released", finalizers=("another",), deleting=True)
    volumes = Bench().caches.volumes
    assert volumes._indexed_by is not None
    assert volumes._indexed_by(item) == volumes._indexed_by(changed)

    for index in volumes._all_indexes():
        assert list(index._values_of(item)) == list(index._values_of(changed))
