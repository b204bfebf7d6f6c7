"""The tasks of an upgrade, run with programs that only note what they are called with."""

from __future__ import annotations

import hashlib
import json
import stat
import subprocess
from pathlib import Path
from typing import Any

from tests.unit.roles.kubernetes_node.cluster import WANTED
from tests.unit.roles.stubs import Stubbed, write

PLAY = """
- hosts: MACHINE
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
HOSTS = {
    "kubernetes": {
        "hosts": {name: {"ansible_connection": "local"} for name in ("control", "worker1")}
    }
}
# What kubernetes_state tells of a node that nothing is wrong with.
STATE = {
    "program": f"/opt/kubernetes/{WANTED}/kubelet",
    "node": True,
    "name": "",
    "authority": "a" * 64,
    "unfinished": False,
    "running": False,
    "configuration": "",
    "server_version": "",
    "others": [],
}


def program(path: Path, text: str) -> None:
    write(path, text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


class Site:
    """A cluster that answers as it is told to, and whose kubelets are of the new version."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        self.collection = Stubbed(folder)
        self.state: dict[str, Any] = {}
        self.ends = "exit 0"  # how kubeadm does

    def upgrade(self, parts: dict[str, Any], server: str = WANTED) -> list[str]:
        """What was called that changes something."""
        done = self.try_to_upgrade(parts, server)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.calls.read_text().splitlines()

    def try_to_upgrade(
        self,
        parts: dict[str, Any],
        server: str = WANTED,
        machine: str = "control",
        node: str = WANTED,
    ) -> subprocess.CompletedProcess[str]:
        self._kubectl(parts, server, node)
        self._programs()
        self.collection.module("kubernetes_state", state=STATE | self.state)
        self.calls.write_text("")
        return self._play(machine)

    def _kubectl(self, parts: dict[str, Any], server: str, node: str) -> None:
        told = NODE | {"status": {"nodeInfo": {"kubeletVersion": node}}}
        (self.folder / "parts").write_text(json.dumps(parts))
        (self.folder / "node").write_text(json.dumps(told))
        text = KUBECTL.replace("VERSION", server)
        for word in ("PARTS", "NODE", "CALLS"):
            text = text.replace(word, str(self.folder / word.lower()))
        program(self.folder / "bin/kubectl", text)

    def _programs(self) -> None:
        """Fetched already, so that no server is asked."""
        for name in ("kubeadm", "kubelet", "kubectl"):
            path = self.folder / "opt" / WANTED / name
            program(path, f'#!/bin/sh\necho "{name} $*" >> "{self.calls}"\n{self.ends}\n')
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            path.with_name(f"{name}.sha256").write_text(f"{digest}\n")

    def _play(self, machine: str) -> subprocess.CompletedProcess[str]:
        return self.collection.play(
            write(self.folder / "play.yml", PLAY.replace("MACHINE", machine)),
            HOSTS,
            kubernetes_node_control_plane="control",
            kubernetes_node_directory=str(self.folder / "opt"),
            kubernetes_node_version=WANTED,
        )
