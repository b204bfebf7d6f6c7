"""Volumes come and go in any order, and crashes come in between: a model checks the whole export.

The model knows what was written into which directory ("goods") and who answers for it. Each
file that a tenant writes has a name and content of its own, so that none can be lost, be in two
places, or turn up with another tenant, unnoticed.
"""

from __future__ import annotations

import itertools
import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from holdfast.claims.parameters import Action
from holdfast.claims.paths import overlap
from holdfast.exports.errors import Fenced, Unsafe
from holdfast.exports.record import DirectoryTaken, State
from tests.unit.exports.faults import Crash, Fault, injected
from tests.unit.exports.given import Leading, export_at, listing, plan, visible

T = TypeVar("T")
pytestmark = pytest.mark.timeout(600)  # on a busy machine

PATHS = ["a", "a/b", "a/b/c", "b", "c/data", "d/data", "archived-data"]
NAMESPACES = ["team", "other"]
# At which change the process ends, if it does; with their syncs operations make a hundred.
CRASHES = st.none() | st.integers(1, 120)
STATES = {"making": "live", "live": "live", "retained": "retained", "archived": "archived"}


@dataclass(eq=False)
class Goods:
    """What tenants wrote into one directory; it goes wherever the directory goes."""

    place: str
    files: set[str] = field(default_factory=set)
    demands: set[Action] = field(default_factory=set)


@dataclass(eq=False)
class Tenant:
    """A volume; `phase` is `making`, `live`, `retained`, `archived`, `trashed` or `left`."""

    volume: str
    directory: str
    goods: Goods
    shared: bool
    namespace: str
    phase: str = "making"
    is_foreign: bool = False
    succeeds: Tenant | None = None

    @property
    def uid(self) -> str:
        return self.volume.removeprefix("pvc-")

    @property
    def holds(self) -> bool:
        """Whether a directory is this volume's, and be it an archive."""
        return self.phase in STATES


class ExportInterface(RuleBasedStateMachine):
    """What a controller may do with an export, each operation with or without a crash in it."""

    def __init__(self) -> None:
        super().__init__()
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self._folder = tempfile.TemporaryDirectory(dir=memory)
        self._root = Path(self._folder.name, "export")
        self._numbers = itertools.count(1)
        self._tenants: list[Tenant] = []
        self._goods: list[Goods] = []
        (self._root.parent / "outside").write_text("precious")
        export_at(self._root)

    def teardown(self) -> None:
        self._folder.cleanup()

    def _in(self, *phases: str) -> list[Tenant]:
        return [tenant for tenant in self._tenants if tenant.phase in phases]

    def _pick(self, data: st.DataObject, *phases: str) -> Tenant:
        return data.draw(st.sampled_from(self._in(*phases)))

    def _do(
        self, crash: int | None, first: Callable[[Leading], T], then: Callable[[Leading], T]
    ) -> T:
        """An operation in a process of its own; if that crashes, the next process does `then`."""
        if crash is not None:
            try:
                with injected(Fault.CRASH, crash):
                    return first(Leading(self._root))
            except Crash:
                return then(Leading(self._root))
        return first(Leading(self._root))

    def _in_the_way(self, path: str, *, shared: bool) -> list[Tenant]:
        def shares(other: Tenant) -> bool:
            both = shared and other.shared and other.goods.place == path
            return both and other.phase in {"making", "live"}

        holders = [tenant for tenant in self._tenants if tenant.holds]
        return [one for one in holders if overlap(one.goods.place, path) and not shares(one)]

    def _at(self, path: str) -> Goods:
        """The goods at a path, those without an owner too, or new ones."""
        found = next((goods for goods in self._goods if goods.place == path), None)
        if found is None:
            self._goods.append(found := Goods(path))
        return found

    def _is_orphan_near(self, path: str) -> bool:
        """Whether unowned goods lie above or beneath: they would rightly be part of the volume."""
        held = {id(tenant.goods) for tenant in self._tenants}
        return any(
            overlap(goods.place, path) and goods.place != path and id(goods) not in held
            for goods in self._goods
            if goods.files
        )

    @rule(
        path=st.sampled_from(PATHS),
        shared=st.booleans(),
        crash=CRASHES,
        give_up=st.booleans(),
        use_existing=st.booleans(),
        namespace=st.sampled_from(NAMESPACES),
    )
    def create(
        self,
        path: str,
        crash: int | None,
        namespace: str,
        *,
        shared: bool,
        give_up: bool,
        use_existing: bool,
    ) -> None:
        if self._is_orphan_near(path):
            return
        uid = f"{next(self._numbers)}"
        given = plan(uid, path, shared=shared, use_existing=use_existing, namespace=namespace)
        is_refused = bool(self._in_the_way(path, shared=shared)) or (
            self._is_somebodys(path) and not use_existing
        )

        def make(export: Leading) -> bool:
            try:
                export.create(given)
            except (DirectoryTaken, Unsafe):
                assert is_refused
                return False
            return True

        def undo(export: Leading) -> bool:
            export.undo(given.volume)
            return False

        is_foreign = self._is_somebodys(path)
        if self._do(crash, make, undo if give_up else make):
            assert not is_refused
            tenant = Tenant(given.volume, path, self._at(path), shared, namespace)
            tenant.is_foreign = is_foreign or any(
                other.is_foreign for other in self._in("making", "live") if other.directory == path
            )
            self._tenants.append(tenant)

    def _is_somebodys(self, path: str) -> bool:
        """Whether a directory is there that is no volume's, nor above one."""
        owned = [tenant.goods.place for tenant in self._tenants if tenant.holds]
        there = (self._root / path).is_dir()
        return there and not any(overlap(path, place) for place in owned)

    @precondition(lambda self: self._in("making", "live"))
    @rule(data=st.data(), crash=CRASHES)
    def create_again(self, data: st.DataObject, crash: int | None) -> None:
        tenant = self._pick(data, "making", "live")
        given = plan(tenant.uid, tenant.directory, shared=tenant.shared, namespace=tenant.namespace)
        self._do(crash, *[lambda export: export.create(given)] * 2)

    @precondition(lambda self: self._in("retained"))
    @rule(data=st.data(), crash=CRASHES, namespace=st.sampled_from(NAMESPACES))
    def take_up(self, data: st.DataObject, crash: int | None, namespace: str) -> None:
        former = self._pick(data, "retained")
        if self._in_the_way(former.directory, shared=False) != [former]:
            return
        given = plan(f"{next(self._numbers)}", former.directory, namespace=namespace)
        if namespace != former.namespace:
            with pytest.raises(DirectoryTaken):
                Leading(self._root).create(given, [former.volume])
            return

        self._do(crash, *[lambda export: export.create(given, [former.volume])] * 2)

        taken_up = Tenant(
            given.volume, former.directory, former.goods, shared=False, namespace=namespace
        )
        taken_up.succeeds, taken_up.is_foreign = former, former.is_foreign
        self._tenants.append(taken_up)

    @precondition(lambda self: self._in("making"))
    @rule(data=st.data(), crash=CRASHES)
    def confirm(self, data: st.DataObject, crash: int | None) -> None:
        tenant = self._pick(data, "making")
        self._do(crash, *[lambda export: export.confirm(tenant.volume)] * 2)
        self._confirmed(tenant)

    def _confirmed(self, tenant: Tenant) -> None:
        tenant.phase = "live"
        if tenant.succeeds in self._tenants:
            self._tenants.remove(tenant.succeeds)

    @precondition(lambda self: self._in("making"))
    @rule(data=st.data(), crash=CRASHES)
    def undo(self, data: st.DataObject, crash: int | None) -> None:
        tenant = self._pick(data, "making")

        self._do(crash, *[lambda export: export.undo(tenant.volume)] * 2)
        self._undone(tenant)

    @precondition(lambda self: self._in("making"))
    @rule(data=st.data(), crash=st.integers(1, 40))
    def create_after_an_undo_that_crashed(self, data: st.DataObject, crash: int) -> None:
        tenant = self._pick(data, "making")
        given = plan(tenant.uid, tenant.directory, shared=tenant.shared, namespace=tenant.namespace)
        with injected(Fault.CRASH, crash), suppress(Crash):
            Leading(self._root).undo(tenant.volume)
        record = Leading(self._root).find(tenant.volume)
        if record is not None and record.state is State.LIVE:
            Leading(self._root).create(given)
            return
        Leading(self._root).undo(tenant.volume)  # it had come too far
        self._undone(tenant)

    def _undone(self, tenant: Tenant) -> None:
        if Leading(self._root).find(tenant.volume) is None:
            self._tenants.remove(tenant)
        else:
            assert tenant.goods.files or tenant.goods.demands
            tenant.phase = "retained"
            tenant.goods.demands.clear()

    @precondition(lambda self: self._in("live"))
    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        tenant, name = self._pick(data, "live"), f"file-{next(self._numbers)}"
        (self._root / tenant.goods.place / name).write_text(name)
        tenant.goods.files.add(name)

    @precondition(lambda self: self._in("making", "live"))
    @rule(
        data=st.data(),
        first=st.sampled_from(Action),
        then=st.sampled_from(Action),
        crash=CRASHES,
    )
    def reclaim(self, data: st.DataObject, first: Action, then: Action, crash: int | None) -> None:
        tenant = self._pick(data, "live", "making")
        shared = [one for one in self._in("live", "making") if one.goods is tenant.goods]

        moved = self._do(
            crash,
            *[
                lambda export, a=action: export.reclaim(tenant.volume, tenant.uid, a)
                for action in (first, then)
            ],
        )

        self._confirmed(tenant)
        if len(shared) > 1:
            assert moved.outcome == "shared"
            self._demanded(tenant, {first, then})
            tenant.phase, tenant.goods = "left", Goods("")
        else:
            assert moved.outcome in {"trashed", "archived", "retained"}
            assert moved.outcome == "retained" or not tenant.is_foreign
            assert moved.outcome == "retained" or Action.RETAIN not in tenant.goods.demands
            assert moved.outcome != "trashed" or not tenant.goods.demands
            tenant.phase, tenant.goods.place = moved.outcome.value, moved.place
            tenant.goods.demands.clear()

    def _demanded(self, tenant: Tenant, tried: set[Action]) -> None:
        """Takes up what the one that left demands for the others' directory."""
        goods, tried = tenant.goods, {Action.RETAIN} if tenant.is_foreign else tried
        marks = self._root / ".holdfast/directories" / goods.place.replace("/", "/.holdfast/")
        demands = {one for one in Action if (marks / f".{one}").exists()}
        assert goods.demands <= demands <= goods.demands | tried
        assert demands & tried or Action.DELETE in tried
        goods.demands = demands

    @rule(crash=CRASHES, gone=st.booleans())
    def reap(self, crash: int | None, *, gone: bool) -> None:
        finished = {tenant.volume for tenant in self._in("trashed", "left") if gone}
        self._do(crash, *[lambda export: export.reap(finished.__contains__)] * 2)
        for tenant in [one for one in self._tenants if one.volume in finished]:
            self._tenants.remove(tenant)
            if tenant.phase == "trashed":
                self._goods.remove(tenant.goods)

    @precondition(lambda self: not (self._root / "archived-data").exists())
    @rule(empty=st.booleans())
    def somebody_makes_a_directory_by_hand(self, *, empty: bool) -> None:
        if self._in_the_way("archived-data", shared=False):
            return
        goods = self._at("archived-data")
        (self._root / goods.place).mkdir()
        if not empty:
            goods.files.add(name := f"file-{next(self._numbers)}")
            (self._root / goods.place / name).write_text(name)

    @rule(crash=CRASHES)
    def sweep(self, crash: int | None) -> None:
        """Nothing is where it should not be, so that nothing is put back."""

        def move_back(export: Leading) -> None:
            assert export.exports.sweep(export.grant) == ()

        self._do(crash, *[move_back] * 2)

    @rule()
    def somebody_whose_term_has_ended_changes_nothing(self) -> None:
        former = Leading(self._root)
        former.begin()
        Leading(self._root).begin()
        with pytest.raises(Fenced):
            former.create(plan(f"{next(self._numbers)}", "z"))

    @invariant()
    def every_file_is_where_it_belongs_and_nowhere_else(self) -> None:
        files = list(self._root.rglob("file-*"))
        is_on_export = {f"{goods.place}/{name}" for goods in self._goods for name in goods.files}
        assert sorted(str(file.relative_to(self._root)) for file in files) == sorted(is_on_export)
        assert all(file.read_text() == file.name for file in files)

    @invariant()
    def every_record_says_where_its_data_is(self) -> None:
        kept = self._root / ".holdfast"
        records = {name: _records(kept / name) for name in ("creating", "volumes", "trashed")}
        assert records["creating"].keys() == {one.volume for one in self._in("making")}
        assert records["trashed"].keys() == {one.volume for one in self._in("trashed", "left")}
        holders = self._in("live", "retained", "archived")
        assert records["volumes"].keys() == {one.volume for one in holders}
        for tenant in holders:
            record = records["volumes"][tenant.volume]
            place = record["target"] or record["directory"]
            assert (record["state"], place) == (STATES[tenant.phase], tenant.goods.place)
            assert (self._root / place).is_dir()

    @invariant()
    def every_directory_is_marked_as_its_owners_and_nothing_else_is(self) -> None:
        marked = self._root / ".holdfast/directories"
        files = [path.relative_to(marked) for path in marked.rglob("*") if path.is_file()]
        owned = {(one.goods.place, one.volume) for one in self._tenants if one.holds}
        marks = {(str(file.parent).replace("/.holdfast/", "/"), file.name) for file in files}
        parents = {path for path, name in marks if name == ".made"}
        demands = {(one.place, f".{action}") for one in self._goods for action in one.demands}
        assert {mark for mark in marks if mark[1] != ".made"} == owned | demands
        assert all(any(f"{place}/".startswith(f"{one}/") for place, _ in owned) for one in parents)
        assert all((self._root / parent).is_dir() for parent in parents)
        assert all(any(folder.iterdir()) for folder in marked.rglob("*") if folder.is_dir())

    @invariant()
    def no_two_live_volumes_overlap_unless_they_share(self) -> None:
        for one, other in itertools.combinations(self._in("live"), 2):
            places = one.goods.place, other.goods.place
            assert not overlap(*places) or (one.shared and other.shared and len({*places}) == 1)

    @invariant()
    def nothing_unexpected_is_there(self) -> None:
        beside = listing(self._root.parent, records=False)
        assert {path.split("/")[0] for path in beside} == {"export", "outside"}
        assert beside["outside"][2] == "precious"
        known = {path.split("/")[0] for path in (goods.place for goods in self._goods)}
        assert {path.name for path in self._root.iterdir()} - {".holdfast"} <= known
        kept = (self._root / path for path in visible(self._root))
        assert all(not path.is_dir() or path.stat().st_mode & 0o7 for path in kept)
        trash = {path.name for path in (self._root / ".holdfast/trash").iterdir()}
        assert trash == {one.volume for one in self._in("trashed")}


def _records(folder: Path) -> dict[str, dict[str, str]]:
    return {path.name: json.loads(path.read_text()) for path in folder.iterdir()}


TestExports = ExportInterface.TestCase
TestExports.settings = settings(
    max_examples=80,
    print_blob=True,  # what is needed to do it again
    stateful_step_count=25,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],  # explaining takes minutes
)
