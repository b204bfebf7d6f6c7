"""The role's module applies an example to a real API server, waits for it, and takes it away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.modules.workload import Workload, WorkloadError

from testbed.controlplane import ControlPlane
from testbed.errors import KubectlError
from testbed.kubelet import Kubelet

EXAMPLES = Path(__file__).parents[2] / "examples"


def workload(plane: ControlPlane, namespace: str, name: str, seconds: int = 20) -> Workload:
    def kubectl(*arguments: str) -> str:
        try:
            return plane.kubectl(*arguments)
        except KubectlError as error:
            raise WorkloadError(str(error)) from error

    wanted = {"name": name, "namespace": f"{namespace}-{name}", "seconds": seconds}
    return Workload(wanted, EXAMPLES, kubectl)


@pytest.fixture
def web(control_plane: ControlPlane, namespace: str) -> Iterator[Workload]:
    made = workload(control_plane, namespace, "stateful-web")
    with Kubelet(control_plane.client, made.namespace):
        yield made


def test_what_it_would_do_it_says_and_then_does_it_once(web: Workload) -> None:
    assert web.changes(present=True) == [f"namespace {web.namespace}"]

    made = web.make()

    assert [line.split()[0] for line in made] == [
        f"namespace/{web.namespace}",
        "service/nginx",
        "statefulset.apps/web",
    ]
    assert web.make() == web.changes(present=True) == []


def test_it_goes_with_its_namespace_once(web: Workload) -> None:
    web.make()
    assert web.changes(present=False) == [f"namespace {web.namespace}"]

    gone = web.remove()

    assert f'namespace "{web.namespace}" deleted' in gone
    assert web.remove() == web.changes(present=False) == []


def test_what_is_not_ready_is_named(control_plane: ControlPlane, namespace: str) -> None:
    nobody_runs_it = workload(control_plane, namespace, "stateful-web", seconds=2)

    with pytest.raises(WorkloadError, match=r"^statefulset\.apps/web is not ready: "):
        nobody_runs_it.make()


def test_an_example_with_a_namespace_of_its_own_is_not_given_another(
    control_plane: ControlPlane, namespace: str
) -> None:
    own = workload(control_plane, namespace, "httpd-own-namespace", seconds=20)

    assert own.namespace == "xgp-lll"
