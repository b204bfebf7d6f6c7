"""examples/deployment: versions that are rolled out, remembered, and rolled back to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.examples.cluster import EXAMPLES, Space, until

pytestmark = pytest.mark.timeout(900)
NAME = "deployment/nginx-deployment"
NEWER = "nginx:1.26.3"


@pytest.fixture(scope="module", autouse=True)
def applied(space: Space) -> None:
    space.apply(EXAMPLES / "deployment")
    space.roll_out(NAME)


def change(space: Space, image: str, cause: str) -> None:
    space.kubectl("set", "image", NAME, f"nginx={image}")
    space.kubectl("annotate", NAME, "--overwrite", f"kubernetes.io/change-cause={cause}")


def history(space: Space) -> dict[int, str]:
    lines = space.kubectl("rollout", "history", NAME).splitlines()[2:]
    pairs = [line.split(maxsplit=1) for line in lines if line.strip()]
    return {int(revision): cause.strip() for revision, cause in pairs}


def images(space: Space) -> set[str]:
    return {
        pod["spec"]["containers"][0]["image"]
        for pod in space.pods("app=nginx").values()
        if "deletionTimestamp" not in pod["metadata"]
    }


def deployment(space: Space) -> Any:
    return space.get(NAME)


def test_as_many_pods_are_ready_as_were_asked_for(space: Space) -> None:
    assert deployment(space)["status"]["readyReplicas"] == 3
    assert images(space) == {"nginx:1.26"}


def test_each_revision_is_remembered_with_its_cause(space: Space) -> None:
    assert history(space) == {1: "nginx 1.26"}

    change(space, NEWER, "nginx 1.26.3")
    space.roll_out(NAME)

    until(lambda: history(space) == {1: "nginx 1.26", 2: "nginx 1.26.3"}, 30)
    assert images(space) == {NEWER}


def test_undo_to_a_revision_makes_it_the_newest(space: Space) -> None:
    space.kubectl("rollout", "undo", NAME, "--to-revision=1")
    space.roll_out(NAME)

    until(lambda: history(space) == {2: "nginx 1.26.3", 3: "nginx 1.26"}, 30)
    assert images(space) == {"nginx:1.26"}


def test_while_it_is_paused_a_change_waits_and_resumed_it_is_rolled_out(space: Space) -> None:
    space.kubectl("rollout", "pause", NAME)
    change(space, NEWER, "nginx 1.26.3 again")
    seen = deployment(space)["metadata"]["generation"]
    until(lambda: deployment(space)["status"]["observedGeneration"] >= seen, 30)

    assert images(space) == {"nginx:1.26"}
    assert deployment(space)["status"].get("updatedReplicas", 0) == 0

    space.kubectl("rollout", "resume", NAME)
    space.roll_out(NAME)

    assert images(space) == {NEWER}
    assert history(space)[4] == "nginx 1.26.3 again"
