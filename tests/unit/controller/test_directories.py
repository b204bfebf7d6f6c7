"""An export as the loops use it: bounded in time, measured, and known to be stale or not."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from holdfast.controller import directories
from holdfast.controller.directories import Directories
from holdfast.controller.metrics import Metrics
from holdfast.exports.deadline import Lane
from holdfast.exports.errors import Failed, Unavailable
from holdfast.exports.export import Export


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return Export(tmp_path)


def value(metrics: Metrics, name: str, operation: str) -> float:
    return metrics.registry.get_sample_value(name, {"operation": operation}) or 0.0


def test_what_an_operation_gives_is_handed_on_and_measured(
    export: Export, metrics: Metrics
) -> None:
    export.prepare()

    recorded = Directories(export, 30, metrics).do("list", Export.recorded)

    assert recorded == set()
    assert value(metrics, "holdfast_export_operation_duration_seconds_count", "list") == 1
    assert value(metrics, "holdfast_export_operation_failed_total", "list") == 0


def test_an_error_is_raised_and_counted(export: Export, metrics: Metrics) -> None:
    def fail(_: Export) -> None:
        raise Failed("the file system says no")

    with pytest.raises(Failed, match="says no"):
        Directories(export, 30, metrics).do("create", fail)

    assert value(metrics, "holdfast_export_operation_failed_total", "create") == 1


def test_an_operation_that_hangs_is_given_up_at_its_deadline(
    export: Export, metrics: Metrics
) -> None:
    over = threading.Event()

    with pytest.raises(Unavailable, match=r"cannot create: the export did not answer in 0\.1 s"):
        Directories(export, 0.1, metrics).do("create", lambda _: over.wait(60))

    over.set()
    assert value(metrics, "holdfast_export_operation_failed_total", "create") == 1


def test_a_probe_does_not_wait_behind_operations_that_hang(
    export: Export, metrics: Metrics
) -> None:
    behind = Directories(export, 0.05, metrics)
    over = threading.Event()
    for _ in range(20):
        with pytest.raises(Unavailable):
            behind.do("create", lambda _: over.wait(60))

    behind._probe_lane = Lane(width=2, seconds=30)  # a busy machine is no hung export
    behind.probe()

    over.set()


def test_the_first_probe_prepares_the_export_and_later_ones_do_not(
    export: Export, metrics: Metrics, tmp_path: Path
) -> None:
    """What is empty later is a mount that was lost."""
    probed = Directories(export, 30, metrics)
    probed.probe()
    assert (tmp_path / ".holdfast" / "volumes").is_dir()
    (tmp_path / ".holdfast").rename(tmp_path / "elsewhere")

    with pytest.raises(Unavailable, match="mount the export"):
        probed.probe()

    assert not (tmp_path / ".holdfast").exists()


class TestStaleness:
    @pytest.fixture
    def probed(
        self, export: Export, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
    ) -> Directories:
        """An export whose handle is stale."""
        self.error: Unavailable | None = Unavailable("stale", stale=True)

        def probe() -> None:
            if self.error:
                raise self.error

        monkeypatch.setattr(export, "probe", probe)
        return Directories(export, 30, metrics)

    def test_it_is_not_believed_at_first(self, probed: Directories) -> None:
        with pytest.raises(Unavailable):
            probed.probe()

        assert not probed.is_stale

    def test_it_is_believed_once_it_lasts(
        self, probed: Directories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(directories, "_STALE_SECONDS", -1.0)

        with pytest.raises(Unavailable):
            probed.probe()

        assert probed.is_stale

    @pytest.mark.parametrize("later", [None, Unavailable("no answer")])
    def test_it_is_forgotten_when_something_else_is_seen(
        self, probed: Directories, monkeypatch: pytest.MonkeyPatch, later: Unavailable | None
    ) -> None:
        monkeypatch.setattr(directories, "_STALE_SECONDS", -1.0)
        with pytest.raises(Unavailable):
            probed.probe()

        self.error = later
        if later:
            with pytest.raises(Unavailable):
                probed.probe()
        else:
            probed.probe()

        assert not probed.is_stale
