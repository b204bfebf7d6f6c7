"""An export as the loops use it: every call bounded in time, fenced, and measured."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.controller.export_client import ExportClient
from holdfast.controller.export_metrics import ExportMetrics
from holdfast.controller.metrics import Metrics
from holdfast.controller.requeue import LeadershipLost
from holdfast.exports.deadline import Lane
from holdfast.exports.errors import (
    ExportError,
    ExportUnavailable,
    Failed,
    TimedOut,
    WrongExport,
    explained,
)
from holdfast.exports.export import Export
from holdfast.exports.interface import ExportInfo, ExportInterface, Grant, Leader, Term
from tests.support import eventually
from tests.unit.controller.given import ID
from tests.unit.controller.site import failing

TERM = Term(Leader("cluster", "lease"), 1)


EXPORT = {"export": "default"}


class Bench:
    """A prepared export; `refusal` is what whoever asks for leave to change it is told."""

    def __init__(self, root: Path) -> None:
        self.export = Export(root)
        self.export.initialise(ID)
        self.metrics = Metrics()
        self.export_metrics = ExportMetrics(self.metrics, "default")
        self.refusal: Exception | None = None
        self.busy_when_asked: list[bool] = []
        self.over = threading.Event()
        self.signs = 0
        self.export_client = self.behind(30)

    def behind(self, seconds: float) -> ExportClient:
        """The export with another deadline."""
        made = ExportClient(self.export, seconds, self.export_metrics, grant=self._grant)
        made.trouble = self._note
        self.export_client = made
        return made

    def _note(self) -> None:
        self.signs += 1

    def _grant(self, seconds: float) -> Grant:
        self.busy_when_asked.append(self.export_client.is_busy())
        if self.refusal:
            raise self.refusal
        return Grant(TERM, seconds)

    def hang(self, *_: object) -> None:
        self.over.wait(60)

    def metric(self, name: str, operation: str) -> float:
        return (
            self.metrics.registry.get_sample_value(
                name, {"export": "default", "operation": operation}
            )
            or 0.0
        )


@pytest.fixture
def bench(root: Path) -> Iterator[Bench]:
    made = Bench(root)
    yield made
    made.over.set()
    made.export_client.close()


def test_what_an_operation_gives_is_handed_on_and_measured(bench: Bench) -> None:
    found = bench.export_client.read("find orphan", lambda exports: exports.has_orphan("team/data"))

    assert found is False
    assert bench.metric("holdfast_export_operation_duration_seconds_count", "find orphan") == 1
    assert bench.metric("holdfast_export_operation_failed_total", "find orphan") == 0


def test_nothing_is_kept_of_a_call_that_has_ended(bench: Bench) -> None:
    """Volumes come and go for as long as the process lives."""
    bench.export_client.read("look", lambda _: None, "pvc-1")
    with pytest.raises(Failed):
        bench.export_client.change("create", lambda *_: failing(Failed("no"))(), "pvc-2")

    assert bench.export_client._begun == {}


def test_a_change_is_given_the_leave_to_make_it_and_for_how_long(bench: Bench) -> None:
    granted = bench.export_client.change("create", lambda _, grant: grant)

    assert granted == Grant(TERM, 30)
    assert not bench.export_client.is_busy()


def test_a_change_is_outstanding_before_the_lease_is_asked(bench: Bench) -> None:
    """Else the lease could be given up between the answer and the count."""
    bench.export_client.change("create", lambda *_: None)

    assert bench.busy_when_asked == [True]


def test_nothing_is_changed_without_leave(bench: Bench) -> None:
    bench.refusal = LeadershipLost()
    made: list[bool] = []

    with pytest.raises(LeadershipLost):
        bench.export_client.change("create", lambda *_: made.append(True))

    assert not made
    assert not bench.export_client.is_busy()


def test_a_term_begins_without_one_and_is_outstanding_meanwhile(bench: Bench) -> None:
    bench.refusal = LeadershipLost()

    assert bench.export_client.begin(lambda _: bench.export_client.is_busy()) is True
    assert not bench.export_client.is_busy()


def test_an_error_is_raised_and_counted(bench: Bench) -> None:
    with pytest.raises(Failed, match="says no"):
        bench.export_client.read("create", lambda _: failing(Failed("it says no"))())

    assert bench.metric("holdfast_export_operation_failed_total", "create") == 1
    assert bench.metric("holdfast_export_operation_duration_seconds_count", "create") == 1


def test_its_idle_threads_end_with_it(bench: Bench) -> None:
    before = set(threading.enumerate())
    bench.export_client.read("look", lambda _: None)
    bench.export_client.probe()
    threads = set(threading.enumerate()) - before
    assert len(threads) == 2

    bench.export_client.close()

    for thread in threads:
        thread.join(9)  # of the ten seconds that it would wait for more to do
        assert not thread.is_alive()


class TestHanging:
    def test_an_operation_is_given_up_at_its_deadline(self, bench: Bench) -> None:
        with pytest.raises(TimedOut, match=r"cannot create: the export did not answer in 0\.1 s"):
            bench.behind(0.1).read("create", bench.hang)

        assert bench.metric("holdfast_export_operation_failed_total", "create") == 1

    def test_a_change_that_was_given_up_is_outstanding_until_it_ends(self, bench: Bench) -> None:
        directories = bench.behind(2)  # in which the call is begun, however busy the machine
        with pytest.raises(TimedOut):
            directories.change("create", bench.hang)
        assert directories.is_busy()

        bench.over.set()

        eventually(lambda: not directories.is_busy())

    def test_what_only_reads_is_not_outstanding(self, bench: Bench) -> None:
        directories = bench.behind(0.05)

        with pytest.raises(TimedOut):
            directories.read("find", bench.hang)

        assert not directories.is_busy()

    def test_another_call_about_the_same_volume_takes_no_place_of_its_own(
        self, bench: Bench
    ) -> None:
        directories = bench.behind(0.05)
        for _ in range(20):  # a lane is 16 wide
            with pytest.raises(TimedOut):
                directories.change("create", bench.hang, "pvc-1")

        with pytest.raises(TimedOut, match="cannot find: the export hangs in an earlier call"):
            directories.read("find", lambda _: None, "pvc-1")

        directories.seconds, directories._lane = 30, Lane(seconds=30)
        assert directories.read("find", lambda _: "another's", "pvc-2") == "another's"

    def test_it_goes_on_as_soon_as_the_earlier_call_has_ended(self, bench: Bench) -> None:
        directories = bench.behind(0.05)
        with pytest.raises(TimedOut):
            directories.change("create", bench.hang, "pvc-1")

        directories.seconds, directories._lane = 30, Lane(seconds=30)
        bench.over.set()

        assert directories.read("find", lambda _: "found", "pvc-1") == "found"

    def test_a_probe_does_not_wait_behind_operations(self, bench: Bench) -> None:
        directories = bench.behind(0.05)
        for number in range(20):
            with pytest.raises(TimedOut):
                directories.read("create", bench.hang, f"pvc-{number}")

        directories._probe_lane = Lane(width=2, seconds=30)  # a busy machine is no hung export
        directories.probe()

    def test_a_probe_that_hangs_is_given_up_as_well(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bench.export, "probe", bench.hang)

        with pytest.raises(TimedOut, match="cannot probe the export"):
            bench.behind(0.05).probe()

    def test_a_probe_has_ten_seconds_at_most(self, bench: Bench) -> None:
        assert bench.behind(30)._probe_lane._seconds == 10
        assert bench.behind(3)._probe_lane._seconds == 3


class TestSignsOfTrouble:
    """One volume's error may be the first sign of the export's: it is probed, not condemned."""

    @pytest.mark.parametrize(
        "number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENODEV, errno.ENOTCONN]
    )
    def test_it_is_probed_after_an_error_that_a_lost_server_gives(
        self, bench: Bench, number: int
    ) -> None:
        def fail(_: ExportInterface) -> None:
            with explained("cannot make it"):
                raise OSError(number, "")

        with pytest.raises(Failed):
            bench.export_client.read("create", fail)

        assert bench.signs == 1

    def test_it_is_probed_after_a_call_that_hung(self, bench: Bench) -> None:
        with pytest.raises(TimedOut):
            bench.behind(0.05).read("create", bench.hang)

        assert bench.signs == 1

    def test_it_is_not_after_an_error_of_the_volume_s_own(self, bench: Bench) -> None:
        def fail(_: ExportInterface) -> None:
            with explained("cannot make it"):
                raise OSError(errno.EACCES, "")

        with pytest.raises(Failed):
            bench.export_client.read("create", fail)
        with pytest.raises(ExportError):
            bench.export_client.read("create", lambda _: failing(ExportError("no"))())

        assert bench.signs == 0


@pytest.mark.parametrize("call", ["probe", "read"])
def test_advice_names_one_of_several_exports(bench: Bench, root: Path, call: str) -> None:
    named = ExportClient(bench.export, 30, bench.export_metrics, grant=bench._grant, name="fast")
    (root / ".holdfast/export").write_text("damaged")

    with pytest.raises(ExportUnavailable, match="run `holdfast exports accept --export fast`"):
        named.probe() if call == "probe" else named.read("look", lambda one: one.inspect())

    named.close()


class TestWrongExport:
    def test_what_is_mounted_is_checked_with_each_probe(self, bench: Bench) -> None:
        seen: list[ExportInfo] = []
        directories = ExportClient(
            bench.export, 30, bench.export_metrics, grant=bench._grant, check=seen.append
        )

        directories.probe()

        assert seen == [ExportInfo(ID, 2)] * 2  # before anything is written, and then
        directories.close()

    def test_a_gauge_shows_another_export_until_it_is_the_right_one_again(
        self, bench: Bench
    ) -> None:
        wrong: list[Exception] = [
            WrongExport("another"),
            ExportUnavailable("no answer"),
            WrongExport(""),
        ]

        def check(_: ExportInfo) -> None:
            if wrong:
                raise wrong.pop(0)

        directories = ExportClient(
            bench.export, 30, bench.export_metrics, grant=bench._grant, check=check
        )
        shown = []
        for _ in range(3):
            with pytest.raises(ExportUnavailable):
                directories.probe()
            shown.append(bench.metrics.registry.get_sample_value("holdfast_wrong_export", EXPORT))
        directories.probe()

        assert shown == [1, 0, 1]
        assert bench.metrics.registry.get_sample_value("holdfast_wrong_export", EXPORT) == 0
        directories.close()


class TestStaleness:
    @pytest.fixture(autouse=True)
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("holdfast.controller.export_client.time.monotonic", lambda: self.now)

    def probe(self, bench: Bench, error: ExportError | None) -> None:
        """Probes the export while that answers so."""
        with pytest.MonkeyPatch.context() as patch:
            if error is None:
                bench.export_client.probe()
                return
            patch.setattr(bench.export, "probe", failing(error))
            with pytest.raises(type(error)):
                bench.export_client.probe()

    def test_it_is_not_believed_at_first(self, bench: Bench) -> None:
        self.probe(bench, ExportUnavailable("stale", stale=True))

        self.now += 60
        assert not bench.export_client.is_stale

    def test_it_is_believed_once_it_lasts(self, bench: Bench) -> None:
        self.probe(bench, ExportUnavailable("stale", stale=True))
        self.now += 30
        self.probe(bench, ExportUnavailable("stale", stale=True))

        self.now += 31
        assert bench.export_client.is_stale

    @pytest.mark.parametrize("later", [None, ExportUnavailable("no answer"), TimedOut("it hangs")])
    def test_it_is_forgotten_when_something_else_is_seen(
        self, bench: Bench, later: ExportError | None
    ) -> None:
        self.probe(bench, ExportUnavailable("stale", stale=True))
        self.now += 61

        self.probe(bench, later)

        assert not bench.export_client.is_stale

    def test_an_export_that_was_never_stale_is_not(self, bench: Bench) -> None:
        self.probe(bench, ExportUnavailable("no answer"))

        self.now += 1000
        assert not bench.export_client.is_stale
