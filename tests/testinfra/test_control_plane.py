"""The control plane: its parts, what they let in, and what they keep to themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from testinfra.host import Host

from tests.testinfra.looking import (
    KUBECONFIG,
    answered,
    kubectl,
    listeners,
    machines,
    settings,
    tokens_in_journal,
)

testinfra_hosts = ["ansible://control_plane?sudo=true"]

ASK = """
import ssl, sys, urllib.error, urllib.request as r
context = ssl.create_default_context(cafile="/etc/kubernetes/pki/ca.crt")
try:
    direct = r.build_opener(r.ProxyHandler({}), r.HTTPSHandler(context=context))
    print(direct.open(sys.argv[1]).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""
PARTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


@pytest.fixture(scope="module")
def nodes(host: Host) -> dict[str, Any]:
    return {node["metadata"]["name"]: node for node in kubectl(host, "get", "nodes")["items"]}


def conditions(thing: dict[str, Any]) -> dict[str, str]:
    return {each["type"]: each["status"] for each in thing["status"]["conditions"]}


def names(host: Host) -> set[str]:
    """The nodes that the inventory makes."""
    return set(machines(host, "kubernetes"))


def test_the_nodes_are_those_of_the_inventory(host: Host, nodes: dict[str, Any]) -> None:
    assert set(nodes) == names(host)


def test_every_node_is_ready_and_short_of_nothing(nodes: dict[str, Any]) -> None:
    healthy = {
        "Ready": "True",
        "MemoryPressure": "False",
        "DiskPressure": "False",
        "PIDPressure": "False",
    }
    found = {name: conditions(node) for name, node in nodes.items()}

    assert [name for name, states in found.items() if not healthy.items() <= states.items()] == []


def test_every_node_runs_the_version_of_the_inventory(host: Host, nodes: dict[str, Any]) -> None:
    version = settings(host, "kubernetes_node")["kubernetes_node_version"]
    found = {node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes.values()}

    assert found == {version}


def test_the_api_server_runs_it_too(host: Host) -> None:
    version = settings(host, "kubernetes_node")["kubernetes_node_version"]

    assert kubectl(host, "version")["serverVersion"]["gitVersion"] == version


def test_every_node_is_reached_by_the_address_of_the_inventory(
    host: Host, nodes: dict[str, Any]
) -> None:
    """A machine of Vagrant has two, and the first is the same on all of them."""
    found = {
        name: {entry["type"]: entry["address"] for entry in node["status"]["addresses"]}
        for name, node in nodes.items()
    }
    internal = {name: addresses["InternalIP"] for name, addresses in found.items()}

    assert internal == machines(host, "kubernetes")


def test_only_the_control_plane_turns_pods_away(host: Host, nodes: dict[str, Any]) -> None:
    tainted = {name for name, node in nodes.items() if node["spec"].get("taints")}

    assert tainted == set(machines(host, "control_plane"))


@pytest.mark.parametrize("part", PARTS)
def test_a_part_runs_and_is_ready(host: Host, part: str) -> None:
    pods = kubectl(host, "get", "pods", "--namespace=kube-system", f"--selector=component={part}")

    assert [conditions(pod)["Ready"] for pod in pods["items"]] == ["True"]


@pytest.mark.parametrize("part", PARTS)
def test_how_a_part_is_started_is_for_root_to_read(host: Host, part: str) -> None:
    manifest = host.file(f"/etc/kubernetes/manifests/{part}.yaml")

    assert (manifest.user, manifest.mode) == ("root", 0o600)


def test_the_api_server_says_that_it_is_ready(host: Host) -> None:
    said = host.check_output("kubectl --kubeconfig=%s get --raw /readyz", KUBECONFIG)

    assert said == "ok"


def test_who_gives_no_name_sees_nothing(host: Host) -> None:
    """kubectl would ask for a name; this does not."""
    address = machines(host, "control_plane")[host.ansible.get_variables()["inventory_hostname"]]
    url = f"https://{address}:6443/api/v1/namespaces/kube-system/secrets"

    assert host.check_output("python3 -c %s %s", ASK, url) in {"401", "403"}


def test_controller_manager_and_scheduler_are_asked_from_here_only(host: Host) -> None:
    ports = {port for _, port in listeners(host, "tcp")}

    assert 6443 in ports
    assert ports & {10257, 10259} == set()


@pytest.mark.parametrize("name", ["admin.conf", "super-admin.conf", "pki/ca.key", "pki/sa.key"])
def test_what_makes_an_administrator_is_for_root_to_read(host: Host, name: str) -> None:
    file = host.file(f"/etc/kubernetes/{name}")

    assert (file.user, file.mode) == ("root", 0o600)


def test_the_data_of_etcd_is_for_root_to_read(host: Host) -> None:
    folder = host.file("/var/lib/etcd")

    assert (folder.user, folder.mode) == ("root", 0o700)


def test_a_start_was_not_left_half_made(host: Host) -> None:
    assert not host.file("/etc/kubernetes/kubeadm-unfinished.yaml").exists


def test_the_person_who_built_it_may_use_it(host: Host, nodes: dict[str, Any]) -> None:
    user = host.ansible.get_variables().get("ansible_user", "root")
    file = host.file(f"{host.user(user).home}/.kube/config")
    # A shell of that person, without what root's environment says of clusters.
    asked = "runuser --login --command='kubectl get nodes --output name' %s"
    found = host.check_output(asked, user).splitlines()

    assert (file.user, file.mode) == (user, 0o600)
    assert {line.removeprefix("node/") for line in found} == set(nodes)


def test_every_certificate_is_good_for_another_month(host: Host) -> None:
    month = 30 * 86400
    files = host.check_output("find /etc/kubernetes/pki -name '*.crt'").splitlines()
    ending = [
        path
        for path in files
        if host.run(f"openssl x509 -noout -checkend {month} -in %s", path).rc != 0
    ]

    assert len(files) > 5
    assert ending == []


@pytest.mark.parametrize("name", ["admin", "super-admin", "controller-manager", "scheduler"])
def test_every_kubeconfig_is_good_for_another_month(host: Host, name: str) -> None:
    # `kubectl config view` shows the certificate in base64.
    path = "{.users[0].user.client-certificate-data}"
    shown = "kubectl config view --raw --kubeconfig=%s --output=jsonpath=%s"
    check = f"openssl x509 -noout -checkend {30 * 86400}"

    done = host.run(f"{shown} | base64 --decode | {check}", f"/etc/kubernetes/{name}.conf", path)

    assert done.rc == 0, done.stderr


def test_etcd_is_well_by_its_own_account(host: Host) -> None:
    """False as well when an alarm is raised, as for a full disk."""
    assert '"health":"true"' in answered(host, "http://127.0.0.1:2381/health")


def test_dns_has_replicas_that_answer(host: Host) -> None:
    dns = kubectl(host, "get", "deployment", "coredns", "--namespace=kube-system")

    assert dns["status"]["readyReplicas"] == dns["spec"]["replicas"]
    assert dns["spec"]["replicas"] > 0


def test_kube_proxy_works_as_the_inventory_says(host: Host) -> None:
    mode = settings(host, "control_plane")["control_plane_proxy_mode"]
    found = kubectl(host, "get", "configmap", "kube-proxy", "--namespace=kube-system")

    assert f"\nmode: {mode}\n" in found["data"]["config.conf"]


def test_nothing_of_the_cluster_waits_for_a_signature(host: Host) -> None:
    """A node whose request nobody signs loses its certificate in a year."""
    requests = kubectl(host, "get", "certificatesigningrequests")["items"]
    signer = "kubernetes.io/kube-apiserver-client-kubelet"
    asked = [request for request in requests if request["spec"]["signerName"] == signer]

    assert [each["metadata"]["name"] for each in asked if "certificate" not in each["status"]] == []


def test_certificates_will_be_renewed_before_they_end(host: Host) -> None:
    days = settings(host, "control_plane")["control_plane_renewal_days"]
    timer, service = (
        host.service(f"holdfast-certificates.{kind}") for kind in ("timer", "service")
    )

    assert timer.is_running
    assert timer.is_enabled
    assert f"--days={days}" in host.check_output("systemctl cat %s", service.name)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_began_after_the_certificates_that_it_reads_were_written(
    host: Host, part: str
) -> None:
    """Else it would run with former ones until they end."""
    newest = "find %s -name '*.crt' -printf '%%T@\\n' | sort -n | tail -1"
    folder = "/etc/kubernetes/pki/etcd" if part == "etcd" else "/etc/kubernetes/pki"
    written = float(host.check_output(newest, folder))
    pods = kubectl(host, "get", "pods", "--namespace=kube-system", f"--selector=component={part}")
    state = pods["items"][0]["status"]["containerStatuses"][0]["state"]
    began = datetime.fromisoformat(state["running"]["startedAt"]).timestamp()

    assert began + 1 >= written


def test_no_token_to_join_with_is_in_the_journal(host: Host) -> None:
    assert tokens_in_journal(host) == []
