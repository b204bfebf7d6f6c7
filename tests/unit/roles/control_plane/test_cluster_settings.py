"""What all nodes have to know of the cluster is as the control plane has it, whoever asks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.nfs.plugins.filter.cluster_settings import cluster_settings

from tests.unit.roles.reading import HERE, ROLES, defaults, load

CONTROL = {
    "control_plane_pod_network": "10.50.0.0/16",
    "control_plane_service_network": "10.60.0.0/16",
    "control_plane_endpoint": "api.example.com",
    "control_plane_cluster_domain": "example.local",
    "control_plane_hosts_entry": False,
}
DEFAULTS = {name: value for role in ROLES for name, value in defaults(role).items()}
ASKED = ("pod_network_addresses", "kubernetes_node_direct", "container_runtime_direct")


def seen_by_worker(folder: Path, control: dict[str, Any], **own: Any) -> dict[str, Any]:
    """What cluster.yml makes of variables of its roles, run with --limit worker3."""
    groups = {
        "control_plane": {"hosts": {"control": control}},
        # Only a machine that runs them has the roles' defaults.
        "workers": {"hosts": {"worker3": own}, "vars": DEFAULTS},
    }
    (folder / "hosts.json").write_text(json.dumps({"kubernetes": {"children": groups}}))
    (cluster,) = [play for play in load(HERE / "playbooks/cluster.yml") if "roles" in play]
    seen = ", ".join(f"'{name}': {name}" for name in ASKED)
    written = {"content": f"{{{{ {{{seen}}} | to_json }}}}", "dest": str(folder / "seen.json")}
    play = {
        "hosts": "kubernetes",
        "gather_facts": False,
        "vars": cluster["vars"],
        "tasks": [{"ansible.builtin.copy": written}],
        "connection": "local",
    }
    (folder / "play.yml").write_text(json.dumps([play]))
    run(folder)
    return dict(json.loads((folder / "seen.json").read_text()))


def run(folder: Path) -> None:
    done = subprocess.run(
        [
            Path(sys.executable).with_name("ansible-playbook"),
            *("-i", folder / "hosts.json", "--limit", "worker3"),
            *("-e", f"ansible_python_interpreter={sys.executable}", folder / "play.yml"),
        ],
        cwd=HERE,
        env={**os.environ, "ANSIBLE_REMOTE_TEMP": str(folder / "tmp")},
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_worker_sees_what_only_the_control_plane_was_told(tmp_path: Path) -> None:
    seen = seen_by_worker(tmp_path, CONTROL)

    assert seen["pod_network_addresses"] == "10.50.0.0/16"
    expected = {"10.50.0.0/16", "10.60.0.0/16", "api.example.com", ".example.local"}
    for name in ("kubernetes_node_direct", "container_runtime_direct"):
        assert expected <= set(seen[name])
        assert "control-plane.internal" not in seen[name]


def test_what_nobody_was_told_is_the_default_also_where_a_worker_says_otherwise(
    tmp_path: Path,
) -> None:
    """kubeadm reads the control plane's variables alone."""
    seen = seen_by_worker(tmp_path, {}, control_plane_pod_network="10.99.0.0/16")

    assert seen["pod_network_addresses"] == "10.244.0.0/16"
    assert "10.244.0.0/16" in seen["kubernetes_node_direct"]


def test_the_settings_that_nobody_gave_are_the_defaults_of_the_role() -> None:
    assert cluster_settings({}) == {name: DEFAULTS[name] for name in CONTROL}
    assert cluster_settings({**CONTROL, "ansible_host": "192.0.2.1"}) == CONTROL
