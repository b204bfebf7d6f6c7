"""examples/job: one that ends well, and one that gives up."""

from __future__ import annotations

import pytest

from tests.lab.examples.cluster import EXAMPLES, PATIENCE, Space, until

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module", autouse=True)
def applied(space: Space) -> None:
    space.apply(EXAMPLES / "job")


def conditions(space: Space, name: str) -> dict[str, str]:
    found = space.get("job", name)["status"].get("conditions", [])
    return {one["type"]: one.get("reason", "") for one in found if one["status"] == "True"}


def test_pi_is_computed_to_2000_digits(space: Space) -> None:
    until(lambda: "Complete" in conditions(space, "pi"), PATIENCE)

    said = space.kubectl("logs", "job/pi").strip()
    assert said.startswith("3.14159265358979323846264338327950288419716939937510")
    assert len(said) == len("3.") + 1999


def test_a_job_that_fails_stops_at_its_limit_and_says_so(space: Space) -> None:
    until(lambda: "Failed" in conditions(space, "busybox"), PATIENCE)

    assert conditions(space, "busybox")["Failed"] == "BackoffLimitExceeded"
    phases = [pod["status"]["phase"] for pod in space.pods("job-name=busybox").values()]
    assert phases == ["Failed"] * 3
    assert "BackoffLimitExceeded" in space.kubectl("describe", "job", "busybox")
