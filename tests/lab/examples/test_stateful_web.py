"""examples/stateful-web: pods that start in order and keep their names."""

from __future__ import annotations

import pytest

from tests.lab.examples.cluster import (
    EXAMPLES,
    PATIENCE,
    Space,
    address,
    one_after_the_other,
    until,
)

pytestmark = pytest.mark.timeout(900)
WEB = ("web-0", "web-1")


@pytest.fixture(scope="module", autouse=True)
def applied(space: Space) -> None:
    space.apply(EXAMPLES / "stateful-web")
    space.roll_out("statefulset/web")
    space.asker()


def addresses(space: Space) -> dict[str, set[str]]:
    return {name: {address(pod)} for name, pod in space.pods("app=nginx").items()}


def resolved(space: Space) -> dict[str, set[str]]:
    return {name: space.resolve(f"{name}.nginx.{space.name}.svc.cluster.local") for name in WEB}


def test_the_second_pod_starts_when_the_first_is_ready(space: Space) -> None:
    pods = space.pods("app=nginx")

    assert tuple(pods) == WEB
    assert one_after_the_other(list(pods.values()))


def test_each_pod_is_called_as_it_calls_itself(space: Space) -> None:
    assert [space.run(name, "hostname").strip() for name in WEB] == list(WEB)


def test_each_name_resolves_to_its_pod(space: Space) -> None:
    until(lambda: resolved(space) == addresses(space), 60)


def test_deleted_pods_come_again_in_order_with_their_names_and_resolve(space: Space) -> None:
    before = {pod["metadata"]["uid"] for pod in space.pods("app=nginx").values()}

    space.replace(*WEB)

    pods = space.pods("app=nginx")
    assert tuple(pods) == WEB
    assert before.isdisjoint({pod["metadata"]["uid"] for pod in pods.values()})
    assert one_after_the_other(list(pods.values()))
    # CoreDNS keeps an answer for up to 30 s.
    until(lambda: resolved(space) == addresses(space), PATIENCE)
