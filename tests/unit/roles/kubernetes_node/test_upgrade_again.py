"""The tasks of an upgrade, run with programs that only note what they are called with."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.roles.kubernetes_node.cluster import OLD, WANTED, cluster
from tests.unit.roles.reading import HERE

PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: holdfast.nfs.kubernetes_node, tasks_from: upgrade}
"""
KUBECTL = """#!/bin/sh
case "$*" in
*/version) echo '{"gitVersion": "VERSION"}' ;;
*"get nodes,pods"*) cat "PARTS" ;;
*"get node "*) cat "NODE" ;;
*) echo "kubectl $*" >> "CALLS" ;;
esac
"""
NODE: dict[str, Any] = {"metadata": {"annotations": {}}, "spec": {}, "status": {"nodeInfo": {}}}


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


class Site:
    """A control plane that answers as it is told to, and whose kubelet is of the new version."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"

    def upgrade(self, parts: dict[str, Any], server: str = WANTED) -> list[str]:
        """What was called that changes something."""
        self._kubectl(parts, server)
        self._programs()
        (self.folder / "play.yml").write_text(PLAY)
        (self.folder / "hosts").write_text("[control_plane]\nlocalhost\n")
        self.calls.write_text("")
        self._play()
        return self.calls.read_text().splitlines()

    def _kubectl(self, parts: dict[str, Any], server: str) -> None:
        node = NODE | {"status": {"nodeInfo": {"kubeletVersion": WANTED}}}
        (self.folder / "parts").write_text(json.dumps(parts))
        (self.folder / "node").write_text(json.dumps(node))
        text = KUBECTL.replace("VERSION", server)
        for word in ("PARTS", "NODE", "CALLS"):
            text = text.replace(word, str(self.folder / word.lower()))
        program(self.folder / "bin/kubectl", text)

    def _programs(self) -> None:
        """Fetched already, so that no server is asked."""
        for name in ("kubeadm", "kubelet", "kubectl"):
            path = self.folder / "opt" / WANTED / name
            program(path, f'#!/bin/sh\necho "{name} $*" >> "{self.calls}"\n')
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            path.with_name(f"{name}.sha256").write_text(f"{digest}\n")

    def _play(self) -> None:
        variables = {
            "kubernetes_node_control_plane": "localhost",
            "kubernetes_node_name": "control",
            "kubernetes_node_directory": str(self.folder / "opt"),
            "kubernetes_node_version": WANTED,
            "ansible_python_interpreter": sys.executable,
        }
        done = subprocess.run(
            [
                Path(sys.executable).with_name("ansible-playbook"),
                *("-i", self.folder / "hosts", "-e", json.dumps(variables)),
                self.folder / "play.yml",
            ],
            cwd=HERE,
            env={
                **os.environ,
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "ANSIBLE_REMOTE_TEMP": str(self.folder / "tmp"),
            },
            capture_output=True,
            text=True,
            timeout=55,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_an_upgrade_broken_off_after_the_api_server_is_gone_on_with(site: Site) -> None:
    scheduler = {"kube-scheduler": f"registry.k8s.io/kube-scheduler:{OLD}"}

    (called,) = site.upgrade(cluster(**scheduler))

    assert called.startswith(f"kubeadm upgrade apply {WANTED} --yes")


def test_a_control_plane_that_is_upgraded_is_left_alone(site: Site) -> None:
    assert site.upgrade(cluster()) == []
