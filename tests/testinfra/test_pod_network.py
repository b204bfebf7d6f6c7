"""The pods' network, asked from pods: one on each worker, gone again afterwards."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from typing import Any

import pytest
from testinfra.host import Host

from tests.testinfra.looking import KUBECONFIG, kubectl, machines, settings

testinfra_hosts = ["ansible://control_plane?sudo=true"]

NAMESPACE = "testinfra-pod-network"
PORT = 8080
SERVE = f"mkdir /tmp/www && hostname > /tmp/www/index.html && httpd -f -p {PORT} -h /tmp/www"


def pod(node: str, image: str) -> dict[str, Any]:
    """A pod on that node, of the same name, which tells its name over HTTP."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": node, "namespace": NAMESPACE},
        "spec": {
            "nodeName": node,
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "web", "image": image, "command": ["sh", "-c", SERVE]}],
        },
    }


def run(host: Host, words: str, *arguments: str) -> str:
    return str(host.check_output(f"kubectl --kubeconfig={KUBECONFIG} {words}", *arguments))


def within(host: Host, name: str, *command: str) -> str:
    """What a command in the pod wrote."""
    words = " ".join(["exec --namespace=%s %s --", *["%s"] * len(command)])
    return run(host, words, NAMESPACE, name, *command)


@pytest.fixture(scope="module")
def addresses(host: Host) -> Iterator[dict[str, str]]:
    """The address of the pod on each worker, by the worker's name."""
    image = settings(host, "verify")["verify_image"]
    pods = [pod(node, image) for node in machines(host, "workers")]
    objects = json.dumps({"apiVersion": "v1", "kind": "List", "items": pods})
    run(host, "create namespace %s", NAMESPACE)
    try:
        create = f"printf %%s %s | kubectl --kubeconfig={KUBECONFIG} create --filename=-"
        host.check_output(create, objects)
        run(host, "wait --namespace=%s --for=condition=Ready pods --all --timeout=50s", NAMESPACE)
        found = kubectl(host, "get", "pods", f"--namespace={NAMESPACE}")["items"]
        yield {each["metadata"]["name"]: each["status"]["podIP"] for each in found}
    finally:
        run(host, "delete namespace %s --wait=false", NAMESPACE)


def test_every_pod_has_an_address_of_the_pods_network(
    host: Host, addresses: dict[str, str]
) -> None:
    network = ipaddress.ip_network(settings(host, "control_plane")["control_plane_pod_network"])
    outside = {each for each in addresses.values() if ipaddress.ip_address(each) not in network}

    assert len(set(addresses.values())) == len(machines(host, "workers"))
    assert outside == set()


def test_pods_on_all_nodes_reach_each_other(host: Host, addresses: dict[str, str]) -> None:
    reached = {
        (one, other): within(host, one, "wget", "-qO-", "-T", "5", f"http://{address}:{PORT}")
        for one in addresses
        for other, address in addresses.items()
    }

    assert {pair: name for pair, name in reached.items() if name != pair[1]} == {}


def test_a_pod_on_each_node_is_told_where_the_api_server_is(
    host: Host, addresses: dict[str, str]
) -> None:
    domain = settings(host, "control_plane")["control_plane_cluster_domain"]
    service = kubectl(host, "get", "service", "kubernetes")["spec"]["clusterIP"]
    answers = {
        node: within(host, node, "nslookup", f"kubernetes.default.svc.{domain}")
        for node in addresses
    }

    assert [node for node, answer in answers.items() if service not in answer] == []


def test_a_pod_on_each_node_reaches_a_service(host: Host, addresses: dict[str, str]) -> None:
    """That of DNS over TCP: connected and closed again is enough, and shows its rules work."""
    service = kubectl(host, "get", "service", "kube-dns", "--namespace=kube-system")
    address = service["spec"]["clusterIP"]

    for node in addresses:
        within(host, node, "nc", "-w", "5", address, "53")
