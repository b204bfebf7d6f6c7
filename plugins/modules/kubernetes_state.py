"""What a machine is already, as far as the roles of a cluster want to know."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_state
short_description: Tell what a machine is in a cluster
description:
  - Reads files and the kernel's settings and changes nothing.
  - One task in place of many, because each costs a connection.
options:
  address:
    description: The address, or a name for it, by which the other nodes reach this one.
    type: str
    default: ""
  directory:
    description: Where the programs of M(holdfast.nfs.kubernetes_programs) are. Programs that are
      elsewhere are another's.
    type: path
    default: /opt/kubernetes
  packages:
    description: Debian packages that a node needs.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Gather the node's state
  holdfast.nfs.kubernetes_state:
  register: now

- name: Initialise the control plane
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
      description: Its IPv4 addresses, but those of the loopback and of containers' networks.
      type: list
      elements: str
    address:
      description: That of them which O(address) stands for. Behind address translation none is;
        then it is the only one. Empty if there is no telling.
      type: str
    modular:
      description: Whether the kernel has modules to load; else all is built in.
      type: bool
    missing:
      description: Those of O(packages) that are not installed; not there without any.
      type: list
      elements: str
      sample: [iptables]
    forward_policy:
      description: What iptables does with what the machine forwards and no rule is for; empty
        where there is no iptables.
      type: str
      sample: ACCEPT
    environment:
      description: What kubeadm and kubectl take from the environment of the module as a proxy. The
        proxy itself, which may have a login, is not told.
      type: dict
      contains:
        https_proxy:
          description: The variable that has it, C(HTTPS_PROXY) or C(https_proxy); empty without.
          type: str
        exceptions:
          description: The variable that has what is reached without it; empty without.
          type: str
          sample: no_proxy
        no_proxy:
          description: What that variable has.
          type: str
    unset:
      description: The kernel's settings that a node needs and that are not 1, now or after a start.
      type: list
      elements: str
      sample: [net.ipv4.ip_forward]
    swap:
      description: Whether it swaps.
      type: bool
    swap_lacking:
      description: How many KiB of what is swapped out have no room in free memory.
      type: int
    swap_lines:
      description: The lines of /etc/fstab that turn swap on at boot.
      type: list
      elements: str
    enabled_swap_units:
      description: The units that somebody enabled and that turn swap on at boot.
      type: list
      elements: str
    generated_swap_units:
      description: The units of swap that are made at each boot, but not from /etc/fstab.
      type: list
      elements: str
    program:
      description: The kubelet that is in use, the link followed; empty when there is none.
      type: str
      sample: /opt/kubernetes/v1.36.3/kubelet
    kubeadm:
      description: The kubeadm that belongs to that kubelet; empty when it is not there.
      type: str
      sample: /opt/kubernetes/v1.36.3/kubeadm
    proxy:
      description: Whether the role's file is there in which the kubelet finds a proxy.
      type: bool
    unit:
      description: Whether the kubelet's unit of the role kubernetes_node is there.
      type: bool
    node:
      description: Whether it has joined a cluster.
      type: bool
    name:
      description: Its name in the cluster, from the kubelet's certificate; empty without one.
      type: str
    control_plane:
      description: Whether a control plane was started.
      type: bool
    unfinished:
      description: Whether an initialisation or a join that these roles began has not ended well.
      type: bool
    begun:
      description: Whether kubeadm began to make a node here, so that there is something to reset.
      type: bool
    etcd:
      description: Whether the cluster's etcd is here, or kubeadm began to make it.
      type: bool
    etcd_data:
      description: Whether /var/lib/etcd has files, whosever they are.
      type: bool
    pki:
      description: Whether /etc/kubernetes/pki has files, whosever they are.
      type: bool
    kubelet_files:
      description: Whether /var/lib/kubelet has files though kubeadm began nothing here.
      type: bool
    containers:
      description: Whether containers of pods run.
      type: bool
    running:
      description: Whether a kubeadm runs that changes the machine.
      type: bool
    configuration:
      description: The configuration that kubeadm made the cluster with; empty on another machine.
      type: str
    server_version:
      description: The version of the API server that the machine's manifest has; empty without.
      type: str
      sample: v1.36.3
    authority:
      description: The SHA-256 checksum of the cluster's CA certificate; empty without a cluster.
      type: str
    hosts_files:
      description: /etc/hosts, and the file that cloud-init makes it from where there is one.
      type: list
      elements: str
    hosts_entry:
      description: The line of /etc/hosts by which the node finds the API server; empty without.
      type: str
    others:
      description: Kubernetes programs and distributions that these roles did not install.
      type: list
      elements: str
    busy_ports:
      description: Ports of Kubernetes on which some program listens.
      type: list
      elements: int
"""

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node.addresses import (
    node_address,
    own_addresses,
    resolve,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node.environment import (
    proxy_of,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node.machine import machine
from ansible_collections.holdfast.nfs.plugins.module_utils.packages import missing, runner


def main() -> None:
    """Run as Ansible calls it."""
    spec = {
        "address": {"type": "str", "default": ""},
        "directory": {"type": "path", "default": "/opt/kubernetes"},
        "packages": {"type": "list", "elements": "str", "default": []},
    }
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    said = module.run_command(["ip", "-json", "-4", "address"], check_rc=True)[1]
    own = own_addresses(said)
    address = node_address(module.params["address"], own, resolve)
    state = machine(Path("/"), module.params["directory"])
    state |= {"addresses": own, "address": address, "environment": proxy_of(os.environ)}
    state["forward_policy"] = _forward_policy(module)
    if packages := module.params["packages"]:
        state["missing"] = missing(packages, runner(module))
    module.exit_json(state=state)


def _forward_policy(module: AnsibleModule) -> str:
    """The first line of `iptables --list-rules FORWARD` has it, as `-P FORWARD DROP`."""
    program, run = module.get_bin_path("iptables"), runner(module)
    words = run(program, "--wait", "--list-rules", "FORWARD")[1].split() if program else []
    return words[2] if words[:2] == ["-P", "FORWARD"] else ""


if __name__ == "__main__":
    main()
