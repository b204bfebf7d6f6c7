"""A removal takes the pod network that the role made, and not another's of the same names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.nfs.plugins.modules import pod_network_state

from tests.unit.roles.reading import HERE, load
from tests.unit.roles.rendering import evaluate, render
from tests.unit.roles.running import run

NODE = {"own": "10.244.0.0/24", "others": []}
BRIDGE = "etc/cni/net.d/10-bridge.conflist"
FLANNEL = "etc/cni/net.d/10-flannel.conflist"
UNIT = "etc/systemd/system/pod-network.service"
TABLES = "Remove the nftables tables of services and pods"
LEFT_BY_FLANNEL = ["/run/flannel", "/var/lib/cni/flannel", "/var/lib/cni/networks/cbr0"]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pod_network_state, "ROOT", tmp_path)
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def state() -> dict[str, Any]:
    found: dict[str, Any] = run(pod_network_state.main, cni_bin_dir="/usr/lib/cni")["state"]
    return found


def flannels() -> str:
    """What flannel writes, from the role's manifest."""
    for document in yaml.safe_load_all(render("pod_network", "flannel.yaml.j2")):
        if document["kind"] == "ConfigMap":
            return str(document["data"]["cni-conf.json"])
    raise AssertionError


def leave(root: Path) -> None:
    """What either network leaves, whoever made it."""
    for path in (*LEFT_BY_FLANNEL, "/var/lib/cni/networks/pods"):
        (root / path[1:]).mkdir(parents=True)
    write(root, "usr/lib/cni/flannel", "")


@pytest.mark.usefixtures("root")
def test_a_bare_machine_has_none() -> None:
    assert state() == {"providers": [], "units": [], "interfaces": [], "files": []}


def test_the_bridge_of_the_role_goes_with_its_unit(root: Path) -> None:
    leave(root)
    write(root, BRIDGE, render("pod_network", "10-bridge.conflist.j2", __pod_network=NODE))
    write(root, UNIT, render("pod_network", "pod-network.service.j2", __pod_network=NODE))

    assert state() == {
        "providers": ["routes"],
        "units": ["pod-network.service"],
        "interfaces": ["cni0"],
        "files": [f"/{UNIT}", "/var/lib/cni/networks/pods", f"/{BRIDGE}"],
    }


def test_the_unit_that_accepts_the_pods_traffic_goes_too(root: Path) -> None:
    name = "pod-forwarding.service"
    write(root, f"etc/systemd/system/{name}", render("pod_network", f"{name}.j2"))

    assert state() == {
        "providers": [],
        "units": [name],
        "interfaces": [],
        "files": [f"/etc/systemd/system/{name}"],
    }


def test_flannel_of_the_role_goes_and_its_configuration_is_the_last(root: Path) -> None:
    leave(root)
    write(root, FLANNEL, flannels())

    assert state() == {
        "providers": ["flannel"],
        "units": [],
        "interfaces": ["cni0", "flannel.1"],
        "files": [*LEFT_BY_FLANNEL, "/usr/lib/cni/flannel", f"/{FLANNEL}"],
    }


@pytest.mark.parametrize("name", [BRIDGE, FLANNEL])
@pytest.mark.parametrize(
    "change",
    [
        {"cniVersion": "0.3.1"},  # as flannel's own manifest has it
        {"name": "mine"},
        {"plugins": [{"type": "bridge"}]},
        {"plugins": {}},
        {"plugins": ["bridge", "portmap"]},
    ],
)
def test_what_another_has_by_the_same_name_stays(
    root: Path, name: str, change: dict[str, Any]
) -> None:
    """Seen: a reset deleted them from a machine that preflight had refused."""
    leave(root)
    bridge = render("pod_network", "10-bridge.conflist.j2", __pod_network=NODE)
    write(root, name, json.dumps(json.loads(bridge if name == BRIDGE else flannels()) | change))
    write(root, UNIT, "[Service]\nExecStart=/usr/local/bin/mine\n")

    assert state() == {"providers": [], "units": [], "interfaces": [], "files": []}


@pytest.mark.parametrize("text", ["", "{", "[]", "1"])
def test_a_file_that_is_no_configuration_is_nobodys(root: Path, text: str) -> None:
    write(root, BRIDGE, text)

    assert state()["files"] == []


@pytest.mark.parametrize(
    ("files", "node", "removed"),
    [
        (["/run/flannel"], {}, True),
        ([], {"kubernetes_node_now": {"state": {"program": "/opt/k/v1.36.3/kubelet"}}}, True),
        ([], {"kubernetes_node_now": {"state": {"program": ""}}}, False),
        ([], {}, False),
    ],
)
def test_rules_go_only_where_the_roles_had_a_node(
    files: list[str], node: dict[str, Any], *, removed: bool
) -> None:
    """kube-proxy's are the node's, also where somebody else set the pod network up."""
    tasks = {task["name"]: task for task in load(HERE / "roles/pod_network/tasks/remove.yml")}
    condition = f"{{{{ {tasks[TABLES]['when']} }}}}"
    now = {"state": {"files": files}}

    assert evaluate("pod_network", condition, __pod_network_now=now, **node) is removed
