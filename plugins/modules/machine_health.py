"""What an administrator looks at on a machine, in one connection; see module_utils/health."""

from __future__ import annotations

DOCUMENTATION = r"""
module: machine_health
short_description: Look at everything on a machine that an administrator would look at
description:
  - Looks at disks, failed units, the clock and NFS mounts; on a node at its certificates; on an NFS
    server at its exports; on a control plane at etcd and its snapshots; and where O(kubeconfig) is
    given at the cluster's nodes, the system's pods and the provisioner.
  - Changes nothing, and does not fail where it finds something wrong, so that all machines are
    looked at.
options:
  asked:
    description: The time on the machine that asks, in seconds since 1970. Without it clocks are not
      compared.
    type: float
  clock_seconds:
    description: By how much the clocks may differ.
    type: int
    default: 10
  disk_percent:
    description: How full a file system may be.
    type: int
    default: 90
  certificate_days:
    description: How many days each certificate has to have left.
    type: int
    default: 30
  snapshots:
    description: Where the snapshots of etcd are, on a machine that has the timer for them.
    type: path
    default: /var/backups/etcd
  snapshot_hours:
    description: How old the last one may be.
    type: int
    default: 26
  exports:
    description: What an NFS server exports, as the variable C(nfs_server_exports). Without it the
      machine is no NFS server.
    type: list
    elements: raw
  kubeconfig:
    description: The file with which to look at the cluster. Empty where that is not to be done.
    type: path
    default: ""
  kubectl:
    description: The program.
    type: str
    default: kubectl
  nodes:
    description: The names of the nodes that the cluster should have.
    type: list
    elements: str
    default: []
  namespace:
    description: The namespace of the provisioner.
    type: str
    default: holdfast
  machine:
    description: The machine's name in the inventory, for sentences.
    type: str
    default: this machine
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Check the machine
  holdfast.nfs.machine_health:
    asked: "{{ now().timestamp() }}"
  register: found

- name: Report what is wrong with it
  ansible.builtin.debug:
    msg: "{{ found.faults }}"
"""

RETURN = r"""
faults:
  description: What is wrong, a sentence each.
  returned: success
  type: list
  elements: str
  sample: ["The unit nfs-server.service has failed; see journalctl --unit nfs-server.service."]
looked_at:
  description: What was looked at.
  returned: success
  type: list
  elements: str
  sample: [disks, units, clock, mounts, certificates]
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.care import certificates, etcd
from ansible_collections.holdfast.nfs.plugins.module_utils.care.errors import Trouble
from ansible_collections.holdfast.nfs.plugins.module_utils.care.shelf import Shelf
from ansible_collections.holdfast.nfs.plugins.module_utils.health import (
    cluster,
    control_plane,
    machine,
    server,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.exports import read_exports

ARGUMENTS = {
    "asked": {"type": "float"},
    "clock_seconds": {"type": "int", "default": 10},
    "disk_percent": {"type": "int", "default": 90},
    "certificate_days": {"type": "int", "default": 30},
    "snapshots": {"type": "path", "default": "/var/backups/etcd"},
    "snapshot_hours": {"type": "int", "default": 26},
    "exports": {"type": "list", "elements": "raw"},
    "kubeconfig": {"type": "path", "default": ""},
    "kubectl": {"type": "str", "default": "kubectl"},
    "nodes": {"type": "list", "elements": "str", "default": []},
    "namespace": {"type": "str", "default": "holdfast"},
    "machine": {"type": "str", "default": "this machine"},
}
ROOT = Path("/")
TIMER = Path("/etc/systemd/system/holdfast-etcd-snapshot.timer")
MOUNTS = "/proc/self/mountinfo"
FAILED = ("systemctl", "list-units", "--state=failed", "--plain", "--no-legend", "--full")

Look = Callable[[], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Looks:
    """What there is to look at on the machine."""

    module: AnsibleModule
    params: dict[str, Any]

    def all(self) -> dict[str, Look]:
        """By name; those that the machine has nothing for are left out."""
        looks: dict[str, Look | None] = {
            "disks": self.disks,
            "units": self.units,
            "clock": self.clock if self.params["asked"] is not None else None,
            "mounts": self.mounts,
            "certificates": self.certificates if (ROOT / "etc/kubernetes").exists() else None,
            "exports": self.exports if self.params["exports"] is not None else None,
            "etcd": self.etcd if etcd.MANIFEST.exists() else None,
            "snapshots": self.snapshots if TIMER.exists() else None,
            "cluster": self.cluster if self.params["kubeconfig"] else None,
        }
        return {name: look for name, look in looks.items() if look is not None}

    def disks(self) -> Iterable[str]:
        """File systems that are nearly full."""
        return machine.full_disks(machine.read(MOUNTS), self.params["disk_percent"])

    def units(self) -> Iterable[str]:
        """Units that have failed."""
        return machine.failed_units(self.said(*FAILED))

    def clock(self) -> Iterable[str]:
        """The clock."""
        seconds = self.params["clock_seconds"]
        return machine.clock_faults(self.params["asked"], time.time(), seconds, self.time_shown())

    def mounts(self) -> Iterable[str]:
        """NFS mounts that do not answer."""
        return machine.silent_mounts(machine.read(MOUNTS))

    def certificates(self) -> Iterable[str]:
        """Those that end soon."""
        now, name = datetime.now(tz=UTC), self.params["machine"]
        soon = certificates.ending(certificates.found(ROOT), self.params["certificate_days"], now)
        return [certificates.sentence(one, name, now) for one in soon]

    def exports(self) -> Iterable[str]:
        """What the NFS server serves."""
        wanted = [entry.path for entry in read_exports(self.params["exports"]).directories]
        table = Path("/var/lib/nfs/etab")
        served = table.read_text() if table.exists() else ""
        return [*server.silence(), *server.missing_exports(wanted, served)]

    def etcd(self) -> Iterable[str]:
        """How etcd is."""
        return control_plane.etcd_faults(etcd.status(etcd.read_manifest()))

    def snapshots(self) -> Iterable[str]:
        """How old the last one is."""
        own = etcd.read_manifest()
        shelf = Shelf(Path(self.params["snapshots"]), own.name, 1, own.cluster)
        hours = self.params["snapshot_hours"]
        return control_plane.snapshot_faults(shelf, hours, datetime.now(tz=UTC))

    def cluster(self) -> Iterable[str]:
        """Nodes, the system's pods and the provisioner."""
        kinds = "nodes,pods,deployments"
        said = self.said(
            self.params["kubectl"],
            f"--kubeconfig={self.params['kubeconfig']}",
            *("get", kinds, "--all-namespaces", "--output=json", "--request-timeout=60s"),
        )
        return cluster.cluster_faults(said, self.params["nodes"], self.params["namespace"])

    def time_shown(self) -> str:
        """What systemd knows of the time service; empty where it cannot be asked."""
        try:
            return self.run("timedatectl", "show")[1]
        except Trouble:
            return ""

    def said(self, *command: str) -> str:
        """What a command wrote.

        Raises:
            Trouble: it failed.
        """
        code, out, err = self.run(*command)
        if code:
            lines = err.strip().splitlines() or [f"it ended with {code}"]
            raise Trouble(f"{command[0]} does not tell how things are: {lines[-1]}.")
        return out

    def run(self, *command: str) -> tuple[int, str, str]:
        """How a command ended, and what it wrote.

        Raises:
            Trouble: there is no such program. It must not end the module, as run_command would.
        """
        try:
            result: Any = self.module.run_command(list(command), handle_exceptions=False)
        except OSError as error:
            name = self.params["machine"]
            raise Trouble(f"{command[0]} cannot be run on {name}: {error.strerror}.") from error
        code, out, err = result
        return int(code), str(out), str(err)


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    looks = Looks(module, module.params).all()
    faults = [fault for look in looks.values() for fault in _faults(look)]
    module.exit_json(changed=False, faults=faults, looked_at=list(looks))


def _faults(look: Look) -> list[str]:
    """One look that fails hides nothing that another sees."""
    try:
        return list(look())
    except Trouble as trouble:
        return [str(trouble)]
    except (OSError, Refused, ValueError, KeyError) as error:
        return [f"It cannot be looked at ({error!r})."]


if __name__ == "__main__":
    main()
