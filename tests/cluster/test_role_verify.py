"""The role's trial leaves nothing behind, and says what is wrong; with a real provisioner."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.verify.proxy import (
    Api,
    ApiError,
    proxied,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.verify.trial import (
    Trial,
    TrialError,
    cleared_after,
)

from testbed.client import MERGE_PATCH, Json
from testbed.controlplane import ControlPlane
from testbed.errors import RequestError
from tests.cluster.site import Site
from tests.support import eventually


class Pods:
    """In place of nodes: each pod whose claim is bound has done its work, or failed at it."""

    def __init__(self, plane: ControlPlane, namespace: str, *, code: int) -> None:
        self._client = plane.client
        self._namespace = f"/api/v1/namespaces/{namespace}"
        self._code = code
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.1):
            try:
                self._look()
            except RequestError as error:
                if error.status != 404:  # else the trial is over
                    raise

    def _look(self) -> None:
        claim = self._client.get(f"{self._namespace}/persistentvolumeclaims/verify")
        if claim["status"]["phase"] == "Bound":
            for found in self._client.get(f"{self._namespace}/pods")["items"]:
                self._end(f"{self._namespace}/pods/{found['metadata']['name']}/status")

    def _end(self, path: str) -> None:
        container = {"name": "main", "image": "none", "imageID": "", "ready": False}
        ended = {"state": {"terminated": {"exitCode": self._code}}, "restartCount": 0}
        phase = "Failed" if self._code else "Succeeded"
        status = {"phase": phase, "containerStatuses": [container | ended]}
        self._client.send("PATCH", path, {"status": status}, MERGE_PATCH)


@pytest.fixture
def api(site: Site) -> Iterator[Api]:
    with proxied(str(site.plane.programs.kubectl), str(site.plane.kubeconfig)) as proxy:
        yield proxy


def trial_of(site: Site, api: Api, storage_class: str, seconds: int = 20) -> Trial:
    wanted = {
        "namespace": f"{site.namespace}-trial",
        "storage_class": storage_class,
        "image": "none",
        "size": "1Mi",
        "user": 65534,
        "seconds": seconds,
    }
    return Trial(wanted, api)


def is_gone(site: Site) -> bool:
    namespace = f"{site.namespace}-trial"
    return not site.plane.kubectl("get", "namespace", namespace, "--ignore-not-found")


@pytest.mark.parametrize(
    ("reclaim", "parameters"),
    [("Delete", {"onDelete": "archive"}), ("Delete", {"onDelete": "retain"}), ("Retain", {})],
    ids=["archive", "retain", "reclaim policy Retain"],
)
def test_whatever_the_class_keeps_nothing_of_a_trial_is_left(
    site: Site, api: Api, reclaim: str, parameters: Json
) -> None:
    site.serve()
    name = site.make_class(reclaim=reclaim, parameters=parameters)
    trial = trial_of(site, api, name)
    trial.begin()

    with Pods(site.plane, f"{site.namespace}-trial", code=0):
        seen = cleared_after(trial)

    assert seen.keys() == {"writer", "reader"}
    assert site.volumes() == []
    assert site.tree() == set()
    eventually(lambda: is_gone(site))


def test_a_claim_that_waits_for_its_first_pod_is_tried_too(site: Site, api: Api) -> None:
    site.serve()
    trial = trial_of(site, api, site.make_class(binding="WaitForFirstConsumer"), 5)
    trial.begin()

    with pytest.raises(TrialError, match="pod writer is Pending"):  # nothing here schedules it
        cleared_after(trial)

    eventually(lambda: is_gone(site))


def test_a_class_that_is_not_there_is_said_at_once(site: Site, api: Api) -> None:
    trial = trial_of(site, api, "no-such-class", 0)
    trial.begin()

    with pytest.raises(TrialError, match="there is no class of that name"):
        cleared_after(trial)

    assert is_gone(site)


def test_a_pod_that_fails_is_named_and_nothing_is_left(site: Site, api: Api) -> None:
    site.serve()
    trial = trial_of(site, api, site.make_class())
    trial.begin()

    with (
        Pods(site.plane, f"{site.namespace}-trial", code=1),
        pytest.raises(TrialError, match="pod writer is Failed: it ended with 1"),
    ):
        cleared_after(trial)

    assert site.tree() == set()
    eventually(lambda: is_gone(site))


def test_a_claim_that_is_refused_is_explained_by_its_event(site: Site, api: Api) -> None:
    site.serve()
    trial = trial_of(site, api, site.make_class(parameters={"ondelete": "delete"}), seconds=10)
    trial.begin()

    with pytest.raises(TrialError, match=r"claim verify is Pending: .*'ondelete' is unknown"):
        cleared_after(trial)

    eventually(lambda: is_gone(site))


def test_what_a_killed_trial_left_is_removed_by_the_next(site: Site, api: Api) -> None:
    site.serve()
    name = site.make_class()
    with pytest.raises(TrialError, match="pod writer is Pending"):
        trial_of(site, api, name, seconds=5).run()
    assert not is_gone(site)

    trial_of(site, api, name).begin()

    assert is_gone(site)
    assert site.volumes() == []


def test_a_namespace_that_is_somebodys_own_is_left_alone(site: Site, api: Api) -> None:
    trial = Trial({"namespace": site.namespace, "seconds": 10}, api)

    with pytest.raises(TrialError, match=f"{site.namespace} is somebody's own; let verify_names"):
        trial.begin()


def test_it_says_when_it_may_not(site: Site) -> None:
    kubeconfig = site.plane.kubeconfig_for(f"nobody-{site.namespace}")

    with (
        proxied(str(site.plane.programs.kubectl), str(kubeconfig)) as api,
        pytest.raises(
            ApiError, match=f'"nobody-{site.namespace}" cannot get resource "namespaces"'
        ),
    ):
        trial_of(site, api, "any").begin()


def test_it_says_when_the_api_server_is_not_there(site: Site, tmp_path: Path) -> None:
    elsewhere = tmp_path / "kubeconfig"
    known = site.plane.kubeconfig.read_text()
    elsewhere.write_text(re.sub(r"https://[^\s\"]+", "https://127.0.0.1:9", known))

    with (
        proxied(str(site.plane.programs.kubectl), str(elsewhere)) as api,
        pytest.raises(ApiError, match="connection refused"),
    ):
        trial_of(site, api, "any").begin()
