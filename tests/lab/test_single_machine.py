"""One machine for everything, as docs/install.md has it: Docker in use, no way out but a proxy.

Its inventory is in INI format. Not among what `make test` runs: `make test-single-machine`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from testbed.lab.interface import Guest, Lab, Wish
from testbed.lab.machines import GATEWAY, NETWORK, chosen
from testbed.waiting import until
from tests.lab.site import changed, complaints, play, standing

pytestmark = [pytest.mark.timeout(2400), pytest.mark.uml]

EXPORT: Final = "/srv/nfs/k8s"
PROXY: Final = "nfs"  # the other machine of this lab is the network's proxy, and no more
REGISTRY: Final = f"{GATEWAY}:5000"
LOG: Final = "/var/log/tinyproxy/tinyproxy.log"
RESET: Final = ("playbooks/reset.yml", "-e", "reset_confirm=server")
# Of the lab's inventory: how the machine is reached, and what a blank lab needs.
OF_THE_LAB: Final = (
    "ansible_user",
    "ansible_ssh_private_key_file",
    "ansible_ssh_common_args",
    "kubernetes_node_release_url",
    "provisioner_helm_url",
)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """The single machine, and one with a proxy."""
    with standing("test-single-machine", Wish(chosen([PROXY, "control"]))) as made:
        yield made


@pytest.fixture(scope="module")
def machine(lab: Lab) -> Guest:
    """The machine, with a container of Docker, and no way to what the lab serves."""
    found, proxy = lab.guest("control"), lab.guest(PROXY)
    _install(proxy, "tinyproxy")
    proxy.ssh(
        f"echo 'Allow {NETWORK}' | sudo tee -a /etc/tinyproxy/tinyproxy.conf >/dev/null && "
        "sudo systemctl restart tinyproxy"
    )
    _install(found, "docker.io", "docker-cli", "nftables")
    registries = json.dumps({"insecure-registries": [REGISTRY]})
    found.ssh(
        f"echo '{registries}' | sudo tee /etc/docker/daemon.json >/dev/null && "
        "sudo systemctl restart docker"
    )
    found.ssh(
        "sudo docker run --detach --name precious --restart unless-stopped --network none "
        f"{REGISTRY}/library/busybox:1.37 "
        "sh -c 'while :; do date >> /kept; sleep 1; done'",
        deadline=300,
    )
    found.ssh(
        "sudo nft add table inet closed && "
        "sudo nft add chain inet closed out '{ type filter hook output priority 0; }' && "
        f"sudo nft add rule inet closed out ip daddr {GATEWAY} tcp dport '{{ 5000, 8000 }}' reject"
    )
    return found


@pytest.fixture(scope="module")
def inventory(lab: Lab, machine: Guest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inventory, with what is no string in a file beside it."""
    folder = tmp_path_factory.mktemp("inventory")
    of_lab: dict[str, Any] = yaml.safe_load(lab.layout.inventory.read_text())["all"]["vars"]
    strings = "".join(f"{name}={json.dumps(of_lab[name])}\n" for name in OF_THE_LAB)
    proxy = lab.guest(PROXY).machine.address
    lists = {
        "container_runtime_mirrors": of_lab["container_runtime_mirrors"],
        "kubernetes_node_ignored_checks": of_lab["kubernetes_node_ignored_checks"],
        "provisioner_values": {"replicaCount": 1},  # its one processor has no room for a second
        "holdfast_proxy": {"http": f"http://{proxy}:8888"},
        "nfs_server_exports": [
            {
                "path": EXPORT,
                "clients": [machine.machine.address],
                "options": ["rw", "no_root_squash"],
            }
        ],
    }
    (folder / "group_vars").mkdir()
    (folder / "group_vars/all.yml").write_text(yaml.safe_dump(lists))
    found = folder / "hosts.ini"
    found.write_text(
        f"[nfs_servers]\nserver ansible_host={machine.machine.address}\n\n"
        "[control_plane]\nserver kubernetes_node_takes_pods=yes\n\n"
        "[workers]\n\n"
        "[kubernetes:children]\ncontrol_plane\nworkers\n\n"
        f"[all:vars]\n{strings}"
    )
    return found


def test_it_becomes_a_server_and_a_cluster(lab: Lab, machine: Guest, inventory: Path) -> None:
    """The last play of site.yml has a claim bound, written to and read."""
    before = _kept(machine)

    counted = play(lab, "site.yml", inventory=inventory)

    assert set(counted) >= {"server"}
    assert machine.ssh("kubectl get nodes --output=name") == "node/server\n"
    _goes_on(machine, before)


def test_pods_reach_each_other_beside_docker_s_rules(machine: Guest) -> None:
    """Seen: Docker lets iptables drop what is forwarded, and no pod could resolve a name."""
    assert machine.ssh("sudo iptables --list-rules FORWARD").startswith("-P FORWARD DROP\n")
    _resolve(machine, "first")

    machine.ssh("sudo systemctl restart docker", deadline=120)

    _resolve(machine, "second")


def test_a_firewall_that_cuts_the_pod_network_is_told(
    lab: Lab, machine: Guest, inventory: Path
) -> None:
    """The volumes work all the same: it is the node that mounts them."""
    chain = "add chain inet cut forward { type filter hook forward priority 0; policy drop; }"
    machine.ssh(f"sudo nft 'add table inet cut; {chain}'")
    try:
        said = complaints(lab, "playbooks/verify.yml", inventory=inventory)
    finally:
        machine.ssh("sudo nft delete table inet cut")

    assert "kubernetes.default.svc.cluster.local does not resolve on this node" in said["server"]


def test_all_that_was_fetched_came_through_the_proxy(lab: Lab) -> None:
    asked = lab.guest(PROXY).ssh(f"sudo cat {LOG}")

    for fetched in (
        f"{GATEWAY}:8000/debian/trixie/",
        f"{GATEWAY}:8000/release/",
        f"{GATEWAY}:8000/helm/",
        f"{REGISTRY}/v2/",
    ):
        assert fetched in asked


def test_the_same_command_again_changes_nothing(lab: Lab, inventory: Path) -> None:
    assert changed(play(lab, "site.yml", inventory=inventory)) == {}


def test_a_reset_leaves_docker_and_the_data(lab: Lab, machine: Guest, inventory: Path) -> None:
    machine.ssh(f"sudo touch {EXPORT}/file")
    before = _kept(machine)

    play(lab, *RESET, inventory=inventory)

    _goes_on(machine, before)
    assert machine.ssh(f"ls {EXPORT}/file")
    assert (
        machine.ssh("ls /usr/local/bin/kubelet /etc/kubernetes/admin.conf 2>/dev/null || :") == ""
    )
    assert changed(play(lab, *RESET, inventory=inventory)) == {}


def _resolve(machine: Guest, name: str) -> None:
    """Have a pod ask the cluster's DNS, which is a pod as well."""
    asked = "nslookup kubernetes.default.svc.cluster.local"
    machine.ssh(
        f"kubectl run {name} --image=docker.io/library/busybox:1.37 --restart=Never -- {asked}"
    )
    wait = f"kubectl wait pod/{name} --for=jsonpath={{.status.phase}}=Succeeded --timeout=60s"
    machine.ssh(f"{wait} || {{ kubectl logs {name} >&2; exit 1; }}", deadline=90)


def _install(guest: Guest, *packages: str) -> None:
    command = f"apt-get install --yes --no-install-recommends {' '.join(packages)}"
    quiet = "sudo DEBIAN_FRONTEND=noninteractive"
    guest.ssh(f"{quiet} apt-get update && {quiet} {command}", deadline=600)


def _kept(machine: Guest) -> tuple[str, int]:
    """When Docker's container started, and how much it has written."""
    shown = "{{.State.Running}} {{.State.StartedAt}} {{.RestartCount}}"
    state = machine.ssh(f"sudo docker inspect --format '{shown}' precious")
    return state, int(machine.ssh("sudo docker exec precious sh -c 'wc -l < /kept'"))


def _goes_on(machine: Guest, before: tuple[str, int]) -> None:
    """It was never started anew, and writes on."""
    state, lines = before
    assert state.startswith("true ")
    until(lambda: _kept(machine)[1] > lines, 60, "the container writes on")
    assert _kept(machine)[0] == state
