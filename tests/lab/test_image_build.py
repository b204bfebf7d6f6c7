"""No registry has the provisioner's image: it is built on the control plane, for every node.

What the build fetches comes from the lab: the base image from its registry, Debian's and Python's
packages from its file server. Not among what `make test` runs, and in this order.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.lab.interface import Guest, Lab, Wish
from testbed.lab.machines import chosen
from testbed.lab.services import FILES_URL, image_variables
from testbed.names import names, version
from tests.lab.site import CHECKOUT, changed, complaints, kubectl, play, standing

pytestmark = [
    pytest.mark.timeout(2400),
    pytest.mark.uml,
]  # its services have what the build fetches

NAME = f"{names()['image']}:{version()}"
NODES = ("control", "worker1")
BUILT = ("-e", json.dumps(image_variables()))
PODS = ("get", "pods", "--namespace=holdfast", "--output=json")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A server, a control plane and a worker; no image of the provisioner."""
    wish = Wish(chosen(["nfs", *NODES]), unpublished=True)
    with standing("test-image-build", wish) as made:
        yield made


def labels(guest: Guest) -> dict[str, str]:
    """The labels of the image on a node; none where it is not there."""
    listed = guest.ssh("sudo ctr --namespace k8s.io images ls")
    lines = [line.split() for line in listed.splitlines() if line.startswith(f"{NAME} ")]
    pairs = [pair.partition("=") for words in lines for pair in words[-1].split(",")]
    return {key: value for key, _, value in pairs}


def keys(lab: Lab, *nodes: str) -> set[str]:
    """What the image of each node was built from."""
    return {labels(lab.guest(name)).get("holdfast.io/built-from", "") for name in nodes}


def left(guest: Guest) -> str:
    """What a build leaves on a machine, if it does."""
    return guest.ssh(
        "sudo sh -c 'ls -d /var/tmp/holdfast-image.* /var/lib/containers/cache"
        " 2>/dev/null; grep holdfast-image /proc/mounts || :'"
    )


def pods(lab: Lab) -> set[str]:
    """The provisioner's pods that are to stay, by their uids."""
    found = [pod["metadata"] for pod in json.loads(kubectl(lab, *PODS))["items"]]
    return {pod["uid"] for pod in found if "deletionTimestamp" not in pod}


def edited(folder: Path) -> Path:
    """The sources of the image, with a line more."""
    for part in ("provisioner/holdfast", "requirements"):
        shutil.copytree(CHECKOUT / part, folder / part, ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copy(CHECKOUT / "provisioner/Containerfile", folder / "provisioner")
    with (folder / "provisioner/holdfast/__init__.py").open("a") as file:
        file.write("\n# Of another content.\n")
    return folder


def test_a_build_that_fails_names_the_step_and_leaves_nothing(lab: Lab) -> None:
    wrong = {**image_variables(), "provisioner_image_pip_index_url": f"{FILES_URL}/nowhere"}

    told = " ".join(complaints(lab, "site.yml", "-e", json.dumps(wrong)).values())

    assert f"{NAME} could not be built on control" in told
    assert "failed at the step `RUN pip install" in told
    assert "No matching distribution found" in told
    assert "provisioner_image_repository" in told
    assert [left(lab.guest(name)) for name in NODES] == ["", ""]
    assert keys(lab, *NODES) == {""}


def test_the_same_command_with_a_way_to_build_it_goes_on_to_volumes(lab: Lab) -> None:
    play(lab, "site.yml", *BUILT)

    (key,) = keys(lab, *NODES)
    assert key != ""
    assert pods(lab)


def test_the_kubelet_does_not_collect_it(lab: Lab) -> None:
    for name in NODES:
        assert labels(lab.guest(name))["io.cri-containerd.pinned"] == "pinned"


def test_nothing_is_left_of_the_build(lab: Lab) -> None:
    assert [left(lab.guest(name)) for name in NODES] == ["", ""]


@pytest.mark.parametrize("more", [(), ("--check",)])
def test_the_same_command_again_changes_nothing(lab: Lab, more: tuple[str, ...]) -> None:
    assert changed(play(lab, "site.yml", *BUILT, *more)) == {}


def test_a_node_that_is_added_gets_it_without_a_build(lab: Lab) -> None:
    lab.up(Wish(chosen(["nfs", *NODES, "worker2"]), unpublished=True))
    # A build would fail: the control plane has the image.
    without = {**image_variables(), "provisioner_image_pip_index_url": f"{FILES_URL}/nowhere"}

    play(lab, "playbooks/add_node.yml", "--limit", "worker2", "-e", json.dumps(without))

    assert keys(lab, "worker2", "control") == keys(lab, "control")


def test_an_image_of_another_content_takes_its_place_in_the_pods_too(
    lab: Lab, tmp_path: Path
) -> None:
    former, ran = keys(lab, "control"), pods(lab)
    other = json.dumps({**image_variables(), "provisioner_image_sources": str(edited(tmp_path))})

    play(lab, "playbooks/provisioner.yml", "-e", other)

    (key,) = keys(lab, *NODES, "worker2")
    assert key not in former
    assert not pods(lab) & ran
    assert changed(play(lab, "playbooks/provisioner.yml", "-e", other)) == {}


def test_a_reset_takes_it_along(lab: Lab) -> None:
    play(lab, "playbooks/reset.yml", "-e", "reset_confirm=control")

    assert keys(lab, *NODES, "worker2") == {""}
    assert labels(lab.guest("control")) == {}
