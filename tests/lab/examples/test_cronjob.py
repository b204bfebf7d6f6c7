"""examples/cronjob: a job each minute, of which the last is kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.lab.examples.cluster import EXAMPLES, PATIENCE, Space, until

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module", autouse=True)
def applied(space: Space) -> None:
    space.apply(EXAMPLES / "cronjob")


def finished(space: Space) -> dict[str, Any]:
    return {
        job["metadata"]["name"]: job
        for job in space.get("jobs")["items"]
        if job["status"].get("succeeded")
    }


def last_schedule(space: Space) -> datetime:
    return datetime.fromisoformat(space.get("cronjob", "hello")["status"]["lastScheduleTime"])


def test_within_a_minute_it_says_hello(space: Space) -> None:
    until(lambda: bool(finished(space)), PATIENCE)

    [job] = finished(space)
    assert "Hello from the Kubernetes cluster" in space.kubectl("logs", f"job/{job}")


def test_a_minute_later_again_and_the_earlier_job_is_gone(space: Space) -> None:
    [first] = finished(space)

    until(lambda: bool(finished(space)) and first not in finished(space), PATIENCE)

    assert len(finished(space)) == 1
    assert first not in {job["metadata"]["name"] for job in space.get("jobs")["items"]}


def test_suspended_it_lets_a_minute_pass(space: Space) -> None:
    space.kubectl("patch", "cronjob", "hello", '--patch={"spec":{"suspend":true}}')
    last = last_schedule(space)
    over = last + timedelta(seconds=75)

    until(lambda: datetime.fromisoformat(space.cluster.now()) > over, PATIENCE)

    assert last_schedule(space) == last
