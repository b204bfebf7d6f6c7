"""What a machine is already, as far as the roles of a cluster want to know."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_state
short_description: Tell what a machine is in a cluster
description:
  - Reads files and the kernel's settings and changes nothing.
  - One task in place of many, because each costs a connection.
options: {}
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: linux
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Ask what the machine is already
  holdfast.nfs.kubernetes_state:
  register: now

- name: Start a control plane where there is none
  ansible.builtin.command: kubeadm init
  when: not now.state.control_plane
"""

RETURN = r"""
state:
  description: What the machine is.
  returned: always
  type: dict
  contains:
    addresses:
      description: Its IPv4 addresses, without those of the loopback interface.
      type: list
      elements: str
      sample: [192.168.41.11]
    modular:
      description: Whether the kernel has modules to load; else all is built in.
      type: bool
    unset:
      description: The kernel's settings that a node needs and that are not 1, now or after a start.
      type: list
      elements: str
      sample: [net.ipv4.ip_forward]
    swap:
      description: Whether it swaps.
      type: bool
    program:
      description: The kubelet that is in use, the link followed; empty when there is none.
      type: str
      sample: /opt/kubernetes/v1.36.3/kubelet
    node:
      description: Whether it has joined a cluster.
      type: bool
    control_plane:
      description: Whether a control plane was started.
      type: bool
    unfinished:
      description: Whether the start of a control plane was broken off.
      type: bool
    configuration:
      description: The configuration that kubeadm made the cluster with; empty on another machine.
      type: str
    authority:
      description: The SHA-256 checksum of the cluster's CA certificate; empty without a cluster.
      type: str
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

KUBERNETES = "etc/kubernetes"
SETTINGS = (
    "net.ipv4.ip_forward",
    "net.bridge.bridge-nf-call-iptables",
    "net.bridge.bridge-nf-call-ip6tables",
)
SETTINGS_FILE = "etc/sysctl.d/90-kubernetes.conf"


def addresses(said: str) -> list[str]:
    """Those that `ip -json address` tells of (ip-address(8))."""
    links = json.loads(said)
    listed = [address for link in links for address in link.get("addr_info", [])]
    return [address["local"] for address in listed if address["scope"] != "host"]


def state(root: Path) -> dict[str, Any]:
    """What the machine with these files is, see RETURN."""
    folder = root / KUBERNETES
    authority = content(folder / "pki/ca.crt")
    return {
        "modular": (root / "lib/modules" / os.uname().release).is_dir(),
        "unset": [name for name in SETTINGS if not is_set(root, name)],
        "swap": len(content(root / "proc/swaps").splitlines()) > 1,
        "program": target(root / "usr/local/bin/kubelet"),
        "node": (folder / "kubelet.conf").exists(),
        "control_plane": (folder / "admin.conf").exists(),
        "unfinished": (folder / "kubeadm-unfinished.yaml").exists(),
        "configuration": content(folder / "kubeadm.yaml").decode(),
        "authority": hashlib.sha256(authority).hexdigest() if authority else "",
    }


def is_set(root: Path, name: str) -> bool:
    """Whether a setting of the kernel is 1, and will be when the machine starts again."""
    now = content(root / "proc/sys" / name.replace(".", "/"))
    lines = content(root / SETTINGS_FILE).decode().splitlines()
    return now.strip() == b"1" and f"{name}=1" in lines


def content(path: Path) -> bytes:
    """What is in the file; nothing when it is not there."""
    return path.read_bytes() if path.exists() else b""


def target(link: Path) -> str:
    """Where the link leads; nothing when it is none."""
    return str(link.readlink()) if link.is_symlink() else ""


def main() -> None:
    """Run as Ansible calls it."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    said = module.run_command(["ip", "-json", "-4", "address"], check_rc=True)[1]
    module.exit_json(state=state(Path("/")) | {"addresses": addresses(said)})


if __name__ == "__main__":
    main()
