"""The provisioner in its cluster: its pods, what they may do, and the classes they serve."""

from __future__ import annotations

from typing import Any

import pytest
from testinfra.host import Host

from tests.testinfra.looking import KUBECONFIG, kubectl, machines, may, settings

testinfra_hosts = ["ansible://control_plane?sudo=true"]


@pytest.fixture(scope="module")
def wanted(host: Host) -> dict[str, Any]:
    return settings(host, "provisioner")


def of_the_release(host: Host, wanted: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The objects of a kind that the release made, in its namespace."""
    selector = f"--selector=app.kubernetes.io/instance={wanted['provisioner_release']}"
    namespace = f"--namespace={wanted['provisioner_namespace']}"
    found: list[dict[str, Any]] = kubectl(host, "get", kind, namespace, selector)["items"]
    return found


@pytest.fixture(scope="module")
def pods(host: Host, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    return of_the_release(host, wanted, "pods")


@pytest.fixture(scope="module")
def containers(pods: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = [each for pod in pods for each in pod["spec"]["containers"]]
    assert found
    return found


def account(wanted: dict[str, Any]) -> str:
    """The service account of the pods."""
    name = f"{wanted['provisioner_namespace']}:{wanted['provisioner_release']}"
    return f"system:serviceaccount:{name}"


def test_as_many_pods_as_wanted_are_ready(
    wanted: dict[str, Any], pods: list[dict[str, Any]]
) -> None:
    states = [
        {each["type"]: each["status"] for each in pod["status"]["conditions"]} for pod in pods
    ]

    assert [state["Ready"] for state in states] == ["True"] * wanted["provisioner_replicas"]


def test_the_end_of_one_node_is_not_the_end_of_all_pods(
    host: Host, pods: list[dict[str, Any]]
) -> None:
    nodes = {pod["spec"]["nodeName"] for pod in pods}

    assert len(nodes) == min(len(pods), len(machines(host, "workers")))


def test_one_pod_leads(host: Host, wanted: dict[str, Any], pods: list[dict[str, Any]]) -> None:
    namespace = f"--namespace={wanted['provisioner_namespace']}"
    leases = kubectl(host, "get", "leases", namespace)["items"]
    leaders = [lease["spec"].get("holderIdentity", "") for lease in leases]

    assert len(leaders) == 1
    assert leaders[0].startswith(tuple(pod["metadata"]["name"] for pod in pods))


def test_a_container_cannot_change_itself_or_gain_rights(
    containers: list[dict[str, Any]],
) -> None:
    for container in containers:
        context = container["securityContext"]

        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert not context.get("privileged")


def test_a_pod_is_kept_within_the_runtimes_system_calls_and_off_the_node(
    pods: list[dict[str, Any]],
) -> None:
    for pod in pods:
        spec = pod["spec"]
        paths = [volume for volume in spec["volumes"] if "hostPath" in volume]

        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC"))
        assert paths == []


def test_a_container_is_watched_and_bounded(containers: list[dict[str, Any]]) -> None:
    for container in containers:
        assert {"livenessProbe", "readinessProbe"} <= set(container)
        assert "memory" in container["resources"]["limits"]
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])


def test_the_export_is_mounted_as_the_inventory_says(
    host: Host, wanted: dict[str, Any], pods: list[dict[str, Any]]
) -> None:
    claims = {
        volume["persistentVolumeClaim"]["claimName"]
        for pod in pods
        for volume in pod["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    }
    namespace = f"--namespace={wanted['provisioner_namespace']}"
    name = kubectl(host, "get", "pvc", namespace, *claims)["spec"]["volumeName"]
    volume = kubectl(host, "get", "pv", name)["spec"]

    assert volume["nfs"]["path"] == wanted["provisioner_nfs_path"]
    assert volume["mountOptions"] == wanted["provisioner_nfs_mount_options"]


def test_no_pod_of_the_provisioner_keeps_a_node_from_being_drained(
    host: Host, wanted: dict[str, Any]
) -> None:
    assert of_the_release(host, wanted, "poddisruptionbudgets") == []


@pytest.mark.parametrize(
    ("verb", "kind"), [("create", "persistentvolumes"), ("watch", "persistentvolumeclaims")]
)
def test_the_account_may_do_its_work(
    host: Host, wanted: dict[str, Any], verb: str, kind: str
) -> None:
    assert may(host, account(wanted), verb, kind, "--all-namespaces")


@pytest.mark.parametrize(
    ("verb", "kind"),
    [
        ("get", "secrets"),
        ("list", "pods"),
        ("create", "pods"),
        ("delete", "persistentvolumeclaims"),
        ("delete", "storageclasses"),
        ("delete", "namespaces"),
        ("*", "*"),
    ],
)
def test_the_account_may_do_no_more(
    host: Host, wanted: dict[str, Any], verb: str, kind: str
) -> None:
    assert not may(host, account(wanted), verb, kind, "--all-namespaces")


def test_every_class_is_there_as_the_inventory_says(host: Host, wanted: dict[str, Any]) -> None:
    items = kubectl(host, "get", "storageclasses")["items"]
    classes = {each["metadata"]["name"]: each for each in items}

    for entry in wanted["provisioner_storage_classes"]:
        found = classes[entry["name"]]

        assert found["provisioner"] == wanted["provisioner_name"]
        assert found["reclaimPolicy"] == entry.get("reclaimPolicy", "Delete")
        for key in ("onDelete", "pathPattern"):
            assert found["parameters"].get(key) == entry.get(key)


def test_a_claim_without_a_class_gets_the_one_of_the_inventory(
    host: Host, wanted: dict[str, Any]
) -> None:
    mark = "storageclass.kubernetes.io/is-default-class"
    defaults = {
        each["metadata"]["name"]
        for each in kubectl(host, "get", "storageclasses")["items"]
        if each["metadata"].get("annotations", {}).get(mark) == "true"
    }
    asked = {
        entry["name"]
        for entry in wanted["provisioner_storage_classes"]
        if entry.get("defaultClass")
    }

    assert defaults == asked


def test_every_static_volume_is_there_as_the_inventory_says(
    host: Host, wanted: dict[str, Any]
) -> None:
    items = kubectl(host, "get", "persistentvolumes")["items"]
    volumes = {each["metadata"]["name"]: each["spec"] for each in items}

    for entry in wanted["provisioner_static_volumes"]:
        found = volumes[entry["name"]]

        assert found["nfs"]["path"] == entry["path"]
        assert found["capacity"] == {"storage": entry["capacity"]}
        assert found["accessModes"] == entry.get("accessModes", ["ReadWriteMany"])
        assert found["persistentVolumeReclaimPolicy"] == "Retain"


def test_nothing_is_wrong_by_the_provisioners_own_account(
    host: Host, pods: list[dict[str, Any]]
) -> None:
    """`holdfast check` asks the API server and tries the export, from within a pod."""
    metadata = pods[0]["metadata"]
    command = "kubectl --kubeconfig=%s exec --namespace=%s %s -- holdfast check"

    assert host.run(command, KUBECONFIG, metadata["namespace"], metadata["name"]).rc == 0
