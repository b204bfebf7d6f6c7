"""What Prometheus sees: the names, and that nobody makes it see more of them without bound."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from holdfast import __version__
from holdfast.controller.export_metrics import ExportMetrics
from holdfast.controller.metrics import Metrics

MADE = "controller_persistentvolumeclaim_provision"
DELETED = "controller_persistentvolume_delete"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def classes(metrics: Metrics) -> set[str]:
    """The values of the label `class` in all that Prometheus would keep."""
    return {
        sample.labels["class"]
        for family in metrics.registry.collect()
        for sample in family.samples
        if "class" in sample.labels
    }


def test_a_volume_that_was_made_is_counted_and_timed_for_its_class(metrics: Metrics) -> None:
    metrics.volume_made("fast", 0.25)

    labels = {"class": "fast", "source": ""}
    assert value(metrics, f"{MADE}_total", **labels) == 1
    assert value(metrics, f"{MADE}_duration_seconds_count", **labels) == 1
    assert value(metrics, f"{MADE}_duration_seconds_sum", **labels) == 0.25


def test_a_claim_that_failed_is_counted_for_its_class(metrics: Metrics) -> None:
    metrics.claim_failed("fast")

    assert value(metrics, f"{MADE}_failed_total", **{"class": "fast", "source": ""}) == 1


def test_a_volume_that_was_deleted_is_counted_and_timed_for_its_class(metrics: Metrics) -> None:
    metrics.volume_deleted("fast", 0.25)

    assert value(metrics, f"{DELETED}_total", **{"class": "fast"}) == 1
    assert value(metrics, f"{DELETED}_duration_seconds_count", **{"class": "fast"}) == 1
    assert value(metrics, f"{DELETED}_duration_seconds_sum", **{"class": "fast"}) == 0.25


def test_a_deletion_that_failed_is_counted_for_its_class(metrics: Metrics) -> None:
    metrics.deletion_failed("fast")

    assert value(metrics, f"{DELETED}_failed_total", **{"class": "fast"}) == 1


@pytest.mark.parametrize("known", [True, False])
def test_no_class_has_an_empty_label(metrics: Metrics, *, known: bool) -> None:
    assert metrics.class_label("", known=known) == ""


def test_classes_that_do_not_exist_have_one_label(metrics: Metrics) -> None:
    for number in range(1000):
        metrics.claim_failed(f"invented-{number}", known=False)

    assert classes(metrics) == {"unknown"}
    assert value(metrics, f"{MADE}_failed_total", **{"class": "unknown", "source": ""}) == 1000


@pytest.mark.parametrize(
    "count",
    [
        lambda metrics, name: metrics.volume_made(name, 1),
        lambda metrics, name: metrics.claim_failed(name),
        lambda metrics, name: metrics.volume_deleted(name, 1),
        lambda metrics, name: metrics.deletion_failed(name),
    ],
    ids=["made", "claim failed", "deleted", "deletion failed"],
)
def test_of_classes_that_come_and_go_200_have_a_label_of_their_own(
    metrics: Metrics, count: Callable[[Metrics, str], None]
) -> None:
    for number in range(1000):
        count(metrics, f"class-{number}")

    assert classes(metrics) == {f"class-{number}" for number in range(200)} | {"other"}


def test_the_bound_is_one_for_all_metrics_and_the_first_names_keep_their_label(
    metrics: Metrics,
) -> None:
    for number in range(1000):
        metrics.volume_made(f"class-{number}", 1)
        metrics.volume_deleted(f"class-{number}", 1)

    metrics.volume_made("class-0", 1)

    assert len(classes(metrics)) == 201
    assert value(metrics, f"{MADE}_total", **{"class": "class-0", "source": ""}) == 2
    assert value(metrics, f"{MADE}_total", **{"class": "other", "source": ""}) == 800


def test_a_label_that_is_given_as_a_name_stays_itself(metrics: Metrics) -> None:
    for number in range(201):
        metrics.class_label(f"class-{number}", known=True)

    for label in ("unknown", "other", "class-7"):
        assert metrics.class_label(label, known=True) == label


def test_the_trash_of_each_export_has_gauges_and_a_counter_of_what_was_removed(
    metrics: Metrics,
) -> None:
    fast, slow = ExportMetrics(metrics, "fast"), ExportMetrics(metrics, "slow")
    fast.trash_volumes.set(3)
    fast.trash_oldest_seconds.set(60)
    fast.trash_removed.inc(1000)

    assert value(metrics, "holdfast_trash_volumes", export="fast") == 3
    assert value(metrics, "holdfast_trash_oldest_age_seconds", export="fast") == 60
    assert value(metrics, "holdfast_trash_entries_removed_total", export="fast") == 1000
    slow.trash_volumes.set(1)
    assert value(metrics, "holdfast_trash_volumes", export="fast") == 3


def test_a_reason_that_blocks_no_trash_of_an_export_any_more_disappears(metrics: Metrics) -> None:
    fast, slow = ExportMetrics(metrics, "fast"), ExportMetrics(metrics, "slow")
    for export in (fast, slow):
        export.set_blocked({"EACCES": 2, "EIO": 1})

    fast.set_blocked({"EIO": 3})

    name = "holdfast_trash_blocked_volumes"
    assert value(metrics, name, export="fast", reason="EACCES") is None
    assert value(metrics, name, export="fast", reason="EIO") == 3
    assert value(metrics, name, export="slow", reason="EACCES") == 2


def test_a_gauge_is_read_for_each_export(metrics: Metrics) -> None:
    ExportMetrics(metrics, "fast").watch("a_gauge", "A gauge", lambda: 1)
    ExportMetrics(metrics, "slow").watch("a_gauge", "A gauge", lambda: 2)

    assert value(metrics, "a_gauge", export="fast") == 1
    assert value(metrics, "a_gauge", export="slow") == 2


def test_what_is_worth_an_alert_is_zero_before_it_happens(metrics: Metrics) -> None:
    """A counter that appears only with its first event shows no rise to Prometheus."""
    export = ExportMetrics(metrics, "fast")
    of_export = ("holdfast_directories_moved_back_total", "holdfast_wrong_export")

    def values() -> list[float | None]:
        failed = value(metrics, "holdfast_finalizer_update_failed_total")
        return [failed, *(value(metrics, name, export="fast") for name in of_export)]

    assert values() == [0, 0, 0]

    metrics.finalizer_failed.inc()
    export.moved_back.inc()
    export.wrong_export.set(1)

    assert values() == [1, 1, 1]


def test_requests_to_the_api_server_are_counted_by_what_they_were(metrics: Metrics) -> None:
    metrics.api_calls.labels("get", "leases", "200").inc()

    labels = {"verb": "get", "resource": "leases", "code": "200"}
    assert value(metrics, "holdfast_api_requests_total", **labels) == 1


def test_the_version_that_runs_is_shown(metrics: Metrics) -> None:
    assert value(metrics, "holdfast_build_info", version=__version__) == 1
