"""Whatever somebody writes into a Lease, an export is led again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.kube.api import Api
from holdfast.kube.config import load_configuration
from holdfast.kube.lease import LeaderElector
from holdfast.kube.resources import LEASES, Json
from testbed.controlplane import ControlPlane
from testbed.waiting import until

_MOST = 256 * 1024  # bytes of all annotations of an object


class Bench:
    """An elector, and the Lease that it holds."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.api, self.namespace, self.state = api, namespace, "short"
        self.elector = LeaderElector(
            api,
            name="export",
            namespace=namespace,
            identity="one",
            describe=lambda: {"holdfast.io/state": self.state},
        )

    @property
    def lease(self) -> Json:
        return self.api.get(LEASES, "export", self.namespace)

    def edit(self, change: Json) -> None:
        self.api.patch(LEASES, "export", change, self.namespace)

    def renewed(self) -> None:
        """Waits until the elector has written the lease again."""
        before = self.lease["spec"]["renewTime"]
        until(lambda: self.lease["spec"]["renewTime"] != before, 60.0)


@pytest.fixture
def bench(control_plane: ControlPlane, namespace: str) -> Iterator[Bench]:
    made = Bench(Api(load_configuration(str(control_plane.kubeconfig))), namespace)
    made.elector.start()
    until(made.elector.leading, 60.0)
    yield made
    made.elector.stop()


def test_one_that_is_full_of_others_annotations_is_renewed(bench: Bench) -> None:
    held = bench.lease["metadata"]["annotations"]
    name = "other.example/blob"
    used = sum(len(key) + len(text) for key, text in held.items()) + len(name)
    bench.edit({"metadata": {"annotations": {name: "y" * (_MOST - used)}}})

    bench.state = "longer"

    until(lambda: list(bench.lease["metadata"]["annotations"]) == [name], 60.0)
    bench.renewed()
    assert bench.elector.leading()


def test_one_whose_terms_are_used_up_is_taken_again(bench: Bench) -> None:
    last = 2**31 - 1
    bench.edit({"spec": {"leaseTransitions": last, "holderIdentity": ""}})

    until(lambda: bench.lease["spec"]["leaseTransitions"] < last, 60.0)
    bench.renewed()
    assert bench.elector.leading()
