"""Emptying the trash: within bounds, and no volume waits for another (issue 12, must work 4)."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from holdfast.claims.parameters import Action
from holdfast.controller import empty_trash as module
from holdfast.controller.circuit_breaker import CircuitBreaker
from holdfast.controller.empty_trash import ENTRIES, Trash
from holdfast.controller.export_state import TrashContent
from holdfast.controller.requeue import LeadershipLost
from holdfast.exports.errors import ExportUnavailable, Failed, Fenced, TimedOut
from holdfast.exports.interface import Reaped
from holdfast.kube import errors as kube
from tests.logged import captured_logs
from tests.support import eventually
from tests.unit.controller.given import ref
from tests.unit.controller.site import Site, before, failing, once


def a_circuit(name: str) -> CircuitBreaker:
    """One that is closed, and that nobody probes."""
    circuit = CircuitBreaker(name, lambda: None, (OSError,))
    circuit._close()
    return circuit


class Bench:
    """A trash whose turns are called by the test, on a clock that the test holds."""

    def __init__(self, site: Site, patch: pytest.MonkeyPatch) -> None:
        self.site = site
        self.exists: set[str] = set()
        self.unseen: set[str] = set()  # volumes that the API server has, and the cache leaves out
        self.asked: list[str] = []
        self.checked: list[str] = []
        self.api_error: kube.KubeError | None = None
        self.now = 1000.0
        self.rests: list[float] = []
        self.reaped: list[str] = []
        patch.setattr("holdfast.controller.empty_trash.time.monotonic", lambda: self.now)
        self.trash = Trash(
            site.export_client,
            site.gate,
            is_gone=lambda name: name not in self.exists,
            exists=self._ask,
            check=self.checked.append,
            api=a_circuit("API server"),
            export=a_circuit("export"),
            events=site.context.events,
            metrics=site.export_metrics,
            stop=site.stop,
        )
        patch.setattr(site.stop, "wait", self.rests.append)
        patch.setattr(self.trash._news, "wait", self.rests.append)
        real = site.export.reap

        def reap(grant: Any, volume: str, entries: int) -> Reaped:
            self.reaped.append(volume)
            return real(grant, volume, entries)

        patch.setattr(site.export, "reap", reap)
        self.trash.look()

    def _ask(self, volume: str) -> bool:
        self.asked.append(volume)
        if self.api_error:
            raise self.api_error
        return volume in self.exists | self.unseen

    def add(self, *uids: str, files: int = 1) -> None:
        """Deletes volumes with so many files."""
        for uid in uids:
            self.site.made_on_export(ref(uid), uid)
            for number in range(files):
                (self.site.root / uid / f"file-{number}").touch()
            self.site.export.reclaim(self.site.grant, f"pvc-{uid}", uid, Action.DELETE)
        self.trash.look()

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            with self.site.gate.within(self.site.term):
                self.trash._turn()

    def answer(self, volume: str, reaped: Reaped) -> None:
        """Has each attempt on a volume end so."""
        real = self.site.export.reap

        def reap(grant: Any, name: str, entries: int) -> Reaped:
            return reaped if name == volume else real(grant, name, entries)

        setattr(self.site.export, "reap", reap)  # noqa: B010 - a method

    def left(self) -> set[str]:
        return {path.name for path in (self.site.root / ".holdfast" / "trash").iterdir()}

    def gauge(self, name: str, **labels: str) -> float:
        return self.site.metric(f"holdfast_trash_{name}", **labels)


@pytest.fixture
def bench(site: Site, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(site, monkeypatch)


def test_each_volume_s_turn_comes_and_it_is_emptied(bench: Bench) -> None:
    bench.add("a", "b")

    bench.turn(2)

    assert bench.reaped == ["pvc-a", "pvc-b"]
    assert bench.left() == set()
    assert bench.gauge("entries_removed_total") == 4
    assert bench.gauge("volumes") == 0


def test_the_log_says_whose_trash_was_emptied(bench: Bench) -> None:
    bench.add("a", files=ENTRIES + 1)

    with captured_logs() as lines:
        bench.turn(2)

    assert lines == [{"event": "trash emptied", "log_level": "info", "volume": "pvc-a"}]


def test_where_nothing_is_in_the_trash_the_log_does_not_say_that_it_was_emptied(
    bench: Bench,
) -> None:
    bench.add("a")
    (bench.site.root / ".holdfast/trash/pvc-a").rename(bench.site.root / "rescued")

    with captured_logs() as lines:
        bench.turn()

    assert bench.reaped == ["pvc-a"]
    assert lines == []


def test_one_with_many_files_is_emptied_in_turn_with_the_others(bench: Bench) -> None:
    bench.add("a", files=2 * ENTRIES + 1)
    bench.add("b", files=ENTRIES + 1)

    bench.turn(5)

    assert bench.reaped == ["pvc-a", "pvc-b", "pvc-a", "pvc-b", "pvc-a"]
    assert bench.left() == set()
    assert bench.gauge("entries_removed_total") == 3 * ENTRIES + 4


def test_a_new_one_is_found_when_it_is_told_of(bench: Bench) -> None:
    bench.turn()
    bench.add("a")

    bench.turn()

    assert bench.reaped == ["pvc-a"]


def test_a_burst_of_names_is_listed_once_and_opened_one_by_one(bench: Bench) -> None:
    """All records were read before the first was worked on."""
    names = [f"{number:02}" for number in range(30)]
    bench.add(*names)
    lists: list[None] = []
    before(bench.site.export, "trashed", lambda: lists.append(None))
    found: list[None] = []
    before(bench.site.export, "find", lambda: found.append(None))

    bench.turn(30)

    assert bench.reaped == [f"pvc-{name}" for name in names]
    assert len(lists) == 1
    assert not found


def test_what_is_in_it_is_known_while_this_replica_leads(bench: Bench) -> None:
    known = [bench.trash.content]
    bench.add("a", "b")
    bench.answer("pvc-a", Reaped(done=False, age=7.0, blocked=("immutable",)))
    bench.turn(2)
    known.append(bench.trash.content)
    bench.trash._forget()
    known.append(bench.trash.content)

    assert known == [None, TrashContent(1, 7.0, 1, "pvc-a: immutable"), None]
    assert bench.gauge("volumes") == 0


def test_advice_names_one_of_several_exports(bench: Bench) -> None:
    bench.site.export_client.name = "fast"
    bench.add("a")
    why = "not this volume's directory; run `holdfast exports accept`"
    bench.answer("pvc-a", Reaped(done=False, blocked=(why,)))

    bench.turn(2)

    assert bench.trash.content
    assert bench.trash.content.why.endswith("run `holdfast exports accept --export fast`")


def test_it_is_listed_anew_each_minute(bench: Bench) -> None:
    """A turn may have been missed, or another process have put something there."""
    bench.turn()
    bench.add("a")
    bench.trash._news.clear()

    bench.now += 59
    bench.turn()
    assert bench.reaped == []

    bench.now += 1
    bench.turn()
    assert bench.reaped == ["pvc-a"]


def test_that_of_a_volume_that_exists_is_kept(bench: Bench) -> None:
    """Rule 4: until the volume is gone, a crash must leave something that says what it was."""
    bench.add("a", "b")
    bench.exists = {"pvc-a"}

    bench.turn(3)

    assert bench.reaped == ["pvc-b"]
    assert bench.left() == {"pvc-a"}
    assert bench.gauge("volumes") == 1

    bench.exists = set()
    bench.turn()
    assert bench.left() == set()


class TestWhetherItIsGone:
    """The API server itself says so before anything is removed, not the cache alone."""

    def test_that_of_a_volume_that_the_cache_leaves_out_is_kept(self, bench: Bench) -> None:
        """Another provisioner has it, on a server name that is unknown here."""
        bench.add("a", "b")
        bench.unseen = {"pvc-a"}

        bench.turn(2)

        assert bench.left() == {"pvc-a"}
        assert bench.trash._entries["pvc-a"].due >= bench.now + 9
        assert bench.site.said() == []
        bench.unseen = set()
        bench.now += 10
        bench.turn()
        assert bench.left() == set()

    def test_it_is_asked_once_for_each(self, bench: Bench) -> None:
        bench.add("a", files=2 * ENTRIES + 1)

        bench.turn(3)

        assert bench.reaped == ["pvc-a"] * 3
        assert bench.asked == ["pvc-a"]

    def test_it_is_asked_again_once_the_volume_has_been_there(self, bench: Bench) -> None:
        """A person creates it again by hand, and deletes it."""
        bench.add("a", files=2 * ENTRIES + 1)
        bench.turn()
        bench.exists = {"pvc-a"}
        bench.trash.look()
        bench.turn()
        bench.exists, bench.unseen = set(), {"pvc-a"}

        bench.turn(2)

        assert bench.reaped == ["pvc-a"]
        assert bench.asked == ["pvc-a"] * 2

    def test_a_server_that_is_away_is_no_fault_of_a_volume(self, bench: Bench) -> None:
        """Each volume asked it, wrote a warning, and got a back-off of its own."""
        bench.add("a", "b")
        bench.api_error = kube.ServerUnavailable("no answer")

        with captured_logs() as logs, pytest.raises(kube.ServerUnavailable):
            bench.turn()

        assert bench.asked == ["pvc-a"]
        assert (logs, bench.site.said()) == ([], [])
        assert bench.gauge("volumes") == 2
        bench.api_error = None
        bench.turn(2)
        assert bench.left() == set()

    def test_an_error_of_the_server_about_one_volume_holds_up_no_other(self, bench: Bench) -> None:
        bench.add("a", "b")
        bench.api_error = kube.ServerError(500, "InternalError", "cannot decode it")
        bench.turn()
        bench.api_error = None

        bench.turn()

        assert bench.left() == {"pvc-a"}
        assert "cannot decode it" in bench.site.only("TrashNotRemoved").message
        assert bench.trash._api.available
        assert bench.trash._api._wake.is_set()

    def test_a_refusal_to_say_it_is_told_and_nothing_is_removed(self, bench: Bench) -> None:
        bench.add("a")
        bench.api_error = kube.Forbidden(403, "Forbidden", "no right to get it")

        for _ in range(2):
            bench.turn()
            bench.now += 3600

        assert bench.left() == {"pvc-a"}
        assert bench.site.only("TrashNotRemoved").message == (
            "cannot remove what is left in .holdfast/trash/pvc-a: the API server does not say "
            "whether the volume is gone: no right to get it; Holdfast retries"
        )
        assert bench.gauge("blocked_volumes", reason="other") == 1
        bench.api_error = None
        bench.turn()
        assert bench.left() == set()

    def test_each_one_that_is_not_gone_is_told_of_when_the_trash_is_listed(
        self, bench: Bench
    ) -> None:
        bench.add("a", "b")
        bench.exists = {"pvc-a"}

        bench.turn(3)

        assert bench.checked == ["pvc-a"]


def test_one_that_is_not_there_any_more_is_forgotten(bench: Bench) -> None:
    bench.add("a")
    bench.exists = {"pvc-a"}
    bench.turn()
    bench.site.export.reap(bench.site.grant, "pvc-a", ENTRIES)
    bench.trash.look()

    bench.turn()

    assert bench.gauge("volumes") == 0


class TestPace:
    def test_it_rests_for_as_long_as_a_turn_took(self, bench: Bench) -> None:
        """So that live work has the export for half of the time."""
        bench.add("a")

        def take_time() -> None:
            bench.now += 7

        before(bench.site.export, "reap", take_time)

        bench.turn()

        assert bench.rests == [7]

    def test_it_rests_for_a_moment_after_each(self, bench: Bench) -> None:
        bench.add("a")

        bench.turn()

        assert bench.rests == [0.02]

    def test_with_nothing_to_do_it_waits_until_it_lists_anew(self, bench: Bench) -> None:
        bench.turn()
        bench.now += 20
        bench.turn()

        assert bench.rests == [60, 40]

    def test_or_until_one_is_to_be_tried_again(self, bench: Bench) -> None:
        bench.add("a")
        bench.answer("pvc-a", Reaped(done=False, blocked=("EACCES",)))
        bench.turn()

        bench.turn()

        assert 9 <= bench.rests[-1] <= 10


class TestBlocked:
    def block(self, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
        """Makes the removal of every `file-0` beneath a volume of its own fail."""
        real = os.unlink

        def unlink(name: str, *, dir_fd: int | None = None) -> None:
            if name == "file-0":
                raise OSError(number, os.strerror(number))
            real(name, dir_fd=dir_fd)

        monkeypatch.setattr(os, "unlink", unlink)

    @pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EACCES, errno.EBUSY])
    def test_one_bad_file_holds_up_nobody_and_is_said_once(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        """Issue 12, no 2: it stopped the reaper, and counted as an export that is away."""
        bench.add("a")
        bench.add("b", files=0)
        self.block(monkeypatch, number)
        signs: list[None] = []
        bench.site.export_client.trouble = lambda: signs.append(None)

        bench.turn(2)
        bench.now += 3600
        bench.turn()

        reason = errno.errorcode[number]
        assert bench.left() == {"pvc-a"}
        said = bench.site.only("TrashNotRemoved")
        what = f"'file-0': {os.strerror(number)}"
        assert said.name == "pvc-a"
        assert said.message.startswith(
            f"cannot remove what is left in .holdfast/trash/pvc-a: {what}"
        )
        assert bench.gauge("blocked_volumes", reason=reason) == 1
        assert bench.gauge("oldest_age_seconds") >= 0
        assert not signs

    def test_it_is_tried_again_further_and_further_apart(self, bench: Bench) -> None:
        bench.add("a")
        bench.answer("pvc-a", Reaped(done=False, blocked=("EIO",)))
        waits = []
        for _ in range(9):
            bench.turn()
            waits.append(bench.trash._entries["pvc-a"].due - bench.now)
            bench.now = bench.trash._entries["pvc-a"].due

        longest = [10, 20, 40, 80, 160, 320, 600, 600, 600]
        assert all(0.9 * most <= wait <= most for wait, most in zip(waits, longest, strict=True))
        assert len(bench.site.said("TrashNotRemoved")) == 1

    def test_one_that_gets_on_is_not_made_to_wait(self, bench: Bench) -> None:
        bench.add("a")
        bench.answer("pvc-a", Reaped(done=False, removed=1, blocked=("EIO",)))

        bench.turn(2)

        assert bench.trash._entries["pvc-a"].due == bench.now
        assert bench.trash._entries["pvc-a"].failures == 0

    def test_another_reason_is_said_as_well(self, bench: Bench) -> None:
        bench.add("a")
        for reason in ("EIO", "EACCES"):
            bench.answer("pvc-a", Reaped(done=False, blocked=(reason,)))
            bench.turn()
            bench.now += 3600

        assert len(bench.site.said("TrashNotRemoved")) == 2

    def test_gauges_count_volumes_by_reason_and_show_the_oldest(self, bench: Bench) -> None:
        bench.add("a", "b", "c")
        bench.answer("pvc-a", Reaped(done=False, age=50.0, blocked=("EACCES", "EIO")))
        bench.answer("pvc-b", Reaped(done=False, age=70.0, blocked=("EIO",)))
        bench.answer("pvc-c", Reaped(done=False, age=60.0, blocked=("a mount beneath it",)))

        bench.turn(3)

        assert bench.gauge("volumes") == 3
        assert bench.gauge("oldest_age_seconds") == 70
        assert bench.gauge("blocked_volumes", reason="EIO") == 2
        assert bench.gauge("blocked_volumes", reason="EACCES") == 1
        assert bench.gauge("blocked_volumes", reason="other") == 1

    def test_an_error_of_one_volume_blocks_that_one(self, bench: Bench) -> None:
        bench.add("a", "b")
        before(bench.site.export, "reap", once(failing(Failed("its record is damaged"))))

        bench.turn(2)

        assert bench.left() == {"pvc-a"}
        assert "its record is damaged" in bench.site.only("TrashNotRemoved").message
        assert bench.gauge("blocked_volumes", reason="other") == 1

    def test_a_call_that_did_not_end_in_time_does_not_say_that_nothing_can_be_removed(
        self, bench: Bench
    ) -> None:
        """What it did is not known; its volume waits, as every turn could take as long."""
        bench.add("a", "b")
        before(bench.site.export, "reap", once(failing(TimedOut("no answer in 30 s"))))

        bench.turn(2)

        assert bench.left() == {"pvc-a"}
        assert bench.site.said() == []
        assert bench.trash._entries["pvc-a"].due >= bench.now + 9
        bench.now += 10
        bench.turn()
        assert bench.left() == set()

    def test_what_another_cluster_deleted_is_left_to_it(self, bench: Bench) -> None:
        """Without asking for it all the time."""
        bench.add("a")
        bench.answer("pvc-a", Reaped(done=False))

        bench.turn()

        assert bench.trash._entries["pvc-a"].due >= bench.now + 9
        assert bench.site.said() == []

    def test_an_export_that_is_away_is_no_fault_of_a_volume(self, bench: Bench) -> None:
        bench.add("a")
        before(bench.site.export, "reap", once(failing(ExportUnavailable("no answer"))))

        with pytest.raises(ExportUnavailable):
            bench.turn()

        assert bench.site.said() == []
        assert bench.gauge("volumes") == 1
        bench.turn()
        assert bench.left() == set()


class TestThread:
    """What its thread does with the ends of a turn."""

    @pytest.fixture
    def circuits(self) -> tuple[CircuitBreaker, CircuitBreaker]:
        """Those of the API server and of the export."""
        return a_circuit("API server"), a_circuit("export")

    @pytest.fixture
    def running(
        self, site: Site, circuits: tuple[CircuitBreaker, CircuitBreaker]
    ) -> Iterator[tuple[Site, Trash]]:
        site.gate._circuits = circuits
        site.made_on_export(ref(), "a")
        site.export.reclaim(site.grant, "pvc-1", "1", Action.DELETE)
        trash = Trash(
            site.export_client,
            site.gate,
            is_gone=lambda _: True,
            exists=lambda _: False,
            check=lambda _: None,
            api=circuits[0],
            export=circuits[1],
            events=site.context.events,
            metrics=site.export_metrics,
            stop=site.stop,
        )
        yield site, trash
        site.stop.set()
        trash.stop(10)
        assert not trash.thread.is_alive()

    def is_empty(self, site: Site) -> bool:
        return not list((site.root / ".holdfast" / "trash").iterdir())

    def test_it_empties_while_this_replica_leads(self, running: tuple[Site, Trash]) -> None:
        site, trash = running

        trash.start()

        eventually(lambda: self.is_empty(site))

    def test_who_does_not_lead_removes_and_knows_nothing(self, running: tuple[Site, Trash]) -> None:
        site, trash = running
        before(site.export, "reap", failing(Failed("no")))
        trash.start()
        failed = "holdfast_export_operation_failed_total"
        eventually(lambda: site.metric(failed, operation="reap") == 1)
        assert site.metric("holdfast_trash_volumes") == 1

        site.leads = False
        trash.look()
        eventually(lambda: site.metric("holdfast_trash_volumes") == 0)

        assert site.metric("holdfast_trash_blocked_volumes", reason="other") == 0
        assert site.metric(failed, operation="reap") == 1

    def test_a_later_term_ends_the_term(self, running: tuple[Site, Trash]) -> None:
        site, trash = running
        before(site.export, "reap", once(failing(Fenced("it has ended"))))

        trash.start()

        eventually(lambda: site.gate.term is None)
        assert site.said() == []

    def test_one_that_may_not_go_on_tries_when_it_leads_again(
        self, running: tuple[Site, Trash]
    ) -> None:
        site, trash = running
        before(site.export, "reap", once(failing(LeadershipLost())))

        trash.start()
        trash_is_listed_anew(site, trash)

        eventually(lambda: self.is_empty(site))

    @pytest.mark.parametrize(
        "error", [Failed("it cannot be read"), RuntimeError("a fault of ours")]
    )
    def test_an_error_does_not_end_it(
        self,
        running: tuple[Site, Trash],
        monkeypatch: pytest.MonkeyPatch,
        error: Exception,
    ) -> None:
        site, trash = running
        monkeypatch.setattr(module, "_FIRST_RETRY", 0.01)
        before(site.export, "trashed", once(failing(error)))
        with captured_logs():
            trash.start()
            trash_is_listed_anew(site, trash)

            eventually(lambda: self.is_empty(site))

    @pytest.mark.parametrize(
        ("outage", "name"),
        [
            (kube.ServerUnavailable("no answer"), "API server"),
            (ExportUnavailable("no answer"), "export"),
        ],
    )
    def test_an_outage_closes_the_gate_is_logged_once_and_work_resumes_at_its_end(
        self,
        running: tuple[Site, Trash],
        circuits: tuple[CircuitBreaker, CircuitBreaker],
        outage: ExportUnavailable | kube.ServerUnavailable,
        name: str,
    ) -> None:
        site, trash = running
        before(site.export, "reap", once(failing(outage)))
        [circuit] = [one for one in circuits if one.name == name]
        with captured_logs() as logs:
            trash.start()
            eventually(lambda: not circuit.available)

        assert [log["event"] for log in logs] == [f"{name} lost"]
        assert not self.is_empty(site)
        circuit._close()
        eventually(lambda: self.is_empty(site))


def trash_is_listed_anew(site: Site, trash: Trash) -> None:
    """Has the trash looked at again once the first attempt was made."""
    seen = threading.Event()
    before(site.export, "trashed", seen.set)
    trash.look()
    assert seen.wait(30)
