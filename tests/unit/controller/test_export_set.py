"""Controllers are added, replaced and removed while the process runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from holdfast.claims.build_volume import Address
from holdfast.claims.decide import Provisioner
from holdfast.controller import export_set as module
from holdfast.controller.caches import Caches
from holdfast.controller.export_controller import ExportController
from holdfast.controller.export_set import ExportSet
from holdfast.controller.export_view import ExportView
from holdfast.controller.settings import ExportSettings
from holdfast.kube.api import Api
from tests.logged import captured_logs
from tests.support import eventually
from tests.unit.controller.given import NAME


@dataclass
class Controller:
    """Notes what it is asked for; its end lasts until the test says so."""

    export: ExportSettings
    view: ExportView
    asked: list[str] = field(default_factory=list)
    may_end: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        self.asked.append("start")

    def stop(self) -> None:
        self.asked.append("stop")

    def retire(self, _seconds: float) -> None:
        self.may_end.wait(60)
        self.asked.append("retire")


class Bench:
    """A set whose controllers are the test's."""

    def __init__(self, api: Api) -> None:
        self.caches = Caches(api, Provisioner(NAME), lambda: None)
        self.made: list[Controller] = []
        self.told: list[str] = []
        self.set = ExportSet(self.caches, self._make, self.told.append)

    def _make(self, export: ExportSettings) -> ExportController:
        view = ExportView(self.caches, Provisioner(NAME), export.address, export.name)
        self.made.append(Controller(export, view))
        return cast("ExportController", self.made[-1])

    def served(self) -> list[str]:
        return [controller.export.name for controller in self.set]

    def turned(self) -> list[str]:
        """What is served after another turn."""
        self.set.turn()
        return self.served()


def export(name: str, **more: Any) -> ExportSettings:
    return replace(ExportSettings(address=Address("nas", f"/{name}"), name=name), **more)


@pytest.fixture
def bench(api: Api) -> Bench:
    made = Bench(api)
    made.set.apply([export("a"), export("b")])
    made.set.start()
    return made


def test_all_are_started_in_the_order_of_the_file(bench: Bench) -> None:
    assert bench.served() == ["a", "b"]
    assert bench.caches.names() == ("a", "b")
    assert [controller.asked for controller in bench.made] == [["start"], ["start"]]


def test_what_has_not_changed_goes_on(bench: Bench) -> None:
    bench.set.apply([export("a"), export("b")])

    assert [controller.asked for controller in bench.made] == [["start"], ["start"]]


def test_one_that_is_added_is_started_and_may_be_the_first(bench: Bench) -> None:
    bench.set.apply([export("c"), export("a"), export("b")])

    assert bench.served() == ["c", "a", "b"]
    assert bench.caches.names() == ("c", "a", "b")
    assert bench.made[2].asked == ["start"]


def test_one_that_is_removed_ends_aside_and_holds_up_nobody(bench: Bench) -> None:
    bench.set.apply([export("b")])

    assert bench.served() == ["b"]
    assert bench.caches.names() == ("b",)
    assert bench.made[0].asked == ["start", "stop"]
    bench.made[0].may_end.set()
    eventually(lambda: bench.made[0].asked == ["start", "stop", "retire"])


def test_one_that_has_changed_begins_again_once_it_has_ended(bench: Bench) -> None:
    """Two of one name would have the same lease."""
    bench.set.apply([export("a", deadline=5.0), export("b")])
    bench.set.turn()
    assert bench.served() == ["b"]

    bench.made[0].may_end.set()
    eventually(lambda: bench.turned() == ["a", "b"])

    assert bench.set["a"].export.deadline == 5.0
    assert bench.caches.names() == ("a", "b")


def test_one_whose_calls_hang_is_not_served_and_told_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.set.apply([export("a", deadline=5.0)])
    [why] = bench.set.not_served()
    assert why.startswith("export a: it has changed, and is not served before the calls")
    assert bench.told == []

    monkeypatch.setattr(module, "_HANGING", 0.0)
    with captured_logs():
        bench.set.turn()
        bench.set.turn()

    assert bench.told == [why]
    bench.made[0].may_end.set()
    eventually(lambda: bench.turned() == ["a"])
    assert bench.set.not_served() == []


def test_one_that_is_removed_for_good_is_not_missed(bench: Bench) -> None:
    bench.set.apply([export("b")])

    assert bench.set.not_served() == []


def test_while_the_first_one_ends_no_other_serves_classes_without_an_export(bench: Bench) -> None:
    bench.set.apply([export("a", deadline=5.0), export("b")])
    assert bench.served() == ["b"]

    assert bench.caches.names() == ("a", "b")
    assert bench.made[1].view.provisioner.export_of(None) == "a"


def test_one_that_comes_back_while_it_ends_is_served_again(bench: Bench) -> None:
    bench.set.apply([export("b")])
    bench.set.apply([export("a"), export("b")])
    assert bench.served() == ["b"]

    bench.made[0].may_end.set()

    eventually(lambda: bench.turned() == ["a", "b"])


def test_a_file_that_changes_many_has_the_volumes_indexed_once_for_all(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is done by the main thread, whose pulse is the process's health."""
    done: list[Callable[[], object]] = []
    reindex = bench.caches.volumes.reindex

    def noted(change: Callable[[], object]) -> None:
        done.append(change)
        reindex(change)

    monkeypatch.setattr(bench.caches.volumes, "reindex", noted)

    bench.set.apply([export(name) for name in "bcdef"])  # a is removed
    assert bench.caches.names() == tuple("bcdef")
    assert len(done) == 2  # without it, and with all that are new

    bench.set.apply([export(name) for name in "bcdef"])
    assert len(done) == 2


def test_an_order_that_has_changed_is_applied(bench: Bench) -> None:
    bench.set.apply([export("b"), export("a")])

    assert bench.caches.names() == ("b", "a")
    assert bench.served() == ["b", "a"]
