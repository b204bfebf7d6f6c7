"""The pod network's files say what the variables say."""

from __future__ import annotations

import json
from typing import Any

import yaml

from tests.unit.roles.rendering import render

NODE = {
    "own": "10.244.0.0/24",
    "others": [{"network": "10.244.1.0/24", "address": "192.168.41.21"}],
}


def manifest(**variables: Any) -> dict[str, dict[str, Any]]:
    text = render("pod_network", "flannel.yaml.j2", **variables)
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


def network(**variables: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(manifest(**variables)["ConfigMap"]["data"]["net-conf.json"])
    return found


def test_flannel_has_the_pods_network_and_its_backend() -> None:
    found = network(pod_network_flannel_backend={"Type": "host-gw"})

    assert found["Network"] == "10.244.0.0/16"
    assert found["Backend"] == {"Type": "host-gw"}


def test_flannel_s_plugin_is_put_where_the_runtime_looks() -> None:
    pod = manifest(pod_network_cni_bin_dir="/opt/cni/bin")["DaemonSet"]["spec"]["template"]["spec"]
    folders = {volume["name"]: volume["hostPath"]["path"] for volume in pod["volumes"][:3]}

    assert folders["cni-plugin"] == "/opt/cni/bin"


def test_flannel_starts_anew_when_its_configuration_changed() -> None:
    def mark(**variables: Any) -> str:
        template = manifest(**variables)["DaemonSet"]["spec"]["template"]
        found: str = template["metadata"]["annotations"]["holdfast.io/configuration"]
        return found

    assert mark() == mark()
    assert mark() != mark(pod_network_flannel_backend={"Type": "host-gw"})


def test_flannel_may_do_no_more_than_read_pods_and_mark_nodes() -> None:
    rules = {rule["resources"][0]: rule["verbs"] for rule in manifest()["ClusterRole"]["rules"]}

    assert rules == {
        "pods": ["get"],
        "nodes": ["get", "list", "watch"],
        "nodes/status": ["patch"],
    }


def test_the_bridge_gives_pods_addresses_of_their_node() -> None:
    found = json.loads(render("pod_network", "10-bridge.conflist.j2", __pod_network=NODE))

    assert found["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "10.244.0.0/24"}]]


def test_the_unit_leads_to_every_other_node() -> None:
    unit = render("pod_network", "pod-network.service.j2", __pod_network=NODE)

    assert "ip route replace 10.244.1.0/24 via 192.168.41.21" in unit


def test_pods_keep_their_addresses_among_themselves() -> None:
    unit = render("pod_network", "pod-network.service.j2", __pod_network=NODE)

    assert (
        "--append POSTROUTING --source 10.244.0.0/24 ! --destination 10.244.0.0/16"
        " --jump MASQUERADE\n"
    ) in unit


def test_what_pods_send_and_get_is_accepted_once_and_no_more_when_the_unit_ends() -> None:
    unit = render("pod_network", "pod-forwarding.service.j2")
    rules = [f"FORWARD {way} 10.244.0.0/16 --jump ACCEPT" for way in ("--source", "--destination")]

    for rule in rules:
        lines = [line for line in unit.splitlines() if line.endswith(rule)]
        assert [line.partition("=")[0] for line in lines] == ["ExecStart", "ExecStart", "ExecStop"]
        assert ["delete" in line for line in lines] == [True, False, True]
