"""The role's module releases the chart to a real API server, and knows when that is done."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.lookup.chart_files import LookupModule
from ansible_collections.holdfast.nfs.plugins.modules.helm_release import HelmError, Release

from testbed.chart import CHART
from testbed.client import Json
from testbed.controlplane import ControlPlane
from testbed.supplies import find_helm


class Module:
    """What the release asks of Ansible: its parameters, and to run a program."""

    def __init__(self, **params: Any) -> None:
        self.params = params

    def run_command(
        self, command: list[str], environ_update: dict[str, str]
    ) -> tuple[int, str, str]:
        environment = os.environ | environ_update
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=30, check=False
        )
        return done.returncode, done.stdout, done.stderr


class Site:
    """A release in a namespace of one test."""

    def __init__(self, plane: ControlPlane, namespace: str, folder: Path) -> None:
        self.plane = plane
        self.namespace = namespace
        self.folder = folder
        self.values: Json = {
            "nfs": {"server": "nfs.example", "path": "/srv"},
            "storageClass": {"name": namespace, "provisionerName": f"{namespace}/nfs"},
            "fullnameOverride": namespace,  # what is the cluster's is the test's own
        }

    def release(self, **values: Any) -> Release:
        [chart] = LookupModule().run([str(CHART)])
        module: Any = Module(
            name="it",
            namespace=self.namespace,
            chart=chart,
            values={**self.values, **values},
            secret_values={},
            helm=str(find_helm()),
            kubectl=str(self.plane.programs.kubectl),
            kubeconfig=str(self.plane.kubeconfig),
        )
        return Release(module, self.folder)

    def get(self, *what: str) -> str:
        return self.plane.kubectl("get", "--namespace", self.namespace, *what)


@pytest.fixture
def site(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Site:
    return Site(control_plane, namespace, tmp_path)


def test_what_was_released_is_what_is_rendered_the_next_time(site: Site) -> None:
    assert site.release().current() == ("", "")

    site.release().apply()

    assert site.release().current() == ("deployed", site.release().rendered())
    assert site.get("deployment", "--output=name") == f"deployment.apps/{site.namespace}\n"


def test_another_value_is_another_manifest_and_rendering_changes_nothing(site: Site) -> None:
    site.release().apply()
    before = site.release().current()

    assert site.release(replicaCount=3).rendered() != before[1]
    assert site.release().current() == before


def test_a_class_that_is_changed_is_made_anew(site: Site) -> None:
    site.release().apply()
    given = {**site.values["storageClass"], "onDelete": "retain"}

    assert site.release(storageClass=given).apply() == [site.namespace]

    on_delete = "--output=jsonpath={.parameters.onDelete}"
    assert site.get("storageclass", site.namespace, on_delete) == "retain"
    assert site.release(storageClass=given).apply() == []


def test_what_is_removed_is_all_that_was_released_and_no_volume(site: Site) -> None:
    site.release().apply()
    volume = {
        "metadata": {"name": site.namespace},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteMany"],
            "storageClassName": site.namespace,
            "nfs": {"server": "nfs.example", "path": "/srv/it"},
        },
    }
    site.plane.client.send("POST", "/api/v1/persistentvolumes", volume)

    site.release().remove()

    assert site.release().current() == ("", "")
    assert site.get("deployment,serviceaccount,secret", "--output=name").split() == [
        "serviceaccount/default"
    ]
    assert site.get("storageclass,clusterrole", "--output=name").count(f"/{site.namespace}\n") == 0
    assert site.get("persistentvolume", site.namespace, "--output=name")


def test_what_helm_says_of_a_wrong_value_is_in_the_error(site: Site) -> None:
    with pytest.raises(HelmError, match=r"at '/replicaCount': got string, want integer"):
        site.release(replicaCount="two").rendered()


def test_a_release_that_failed_is_not_taken_for_done(site: Site) -> None:
    site.release().apply()
    with pytest.raises(HelmError):
        site.release(podAnnotations={"not a name": "x"}).apply()

    status, manifest = site.release().current()

    assert status == "failed"
    assert "not a name" in manifest
    site.release().apply()
    assert site.release().current() == ("deployed", site.release().rendered())


@pytest.mark.parametrize("was_there", [False, True], ids=["first", "later"])
def test_after_a_helm_that_was_killed_the_next_run_goes_on(
    site: Site,
    was_there: bool,  # noqa: FBT001
) -> None:
    if was_there:
        site.release().apply()
    site.release(replicaCount=3).apply()
    number = 2 if was_there else 1
    half_done = "pending-upgrade" if was_there else "pending-install"
    pretend(site, number, half_done)
    with pytest.raises(HelmError, match="another operation"):
        site.release().apply()

    site.release().forget_half_done(site.release().current()[0])
    site.release().apply()

    assert site.release().current()[0] == "deployed"


def pretend(site: Site, number: int, status: str) -> None:
    """Makes a release that is done look like one whose helm was killed."""

    name = f"sh.helm.release.v1.it.v{number}"
    secret = json.loads(site.get("secret", name, "--output=json"))
    packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
    release = json.loads(gzip.decompress(packed))
    release["info"]["status"] = status
    packed = base64.b64encode(gzip.compress(json.dumps(release).encode()))
    secret["data"]["release"] = base64.b64encode(packed).decode()
    secret["metadata"]["labels"]["status"] = status
    site.plane.kubectl("replace", "-f", "-", input=json.dumps(secret))
