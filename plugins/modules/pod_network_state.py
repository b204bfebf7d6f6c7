"""What the role pod_network left on a machine; see module_utils/pod_network/found.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pod_network_state
short_description: Tell which files and interfaces are those of the role pod_network
description:
  - Reads files and changes nothing. A configuration of CNI is known by its content, so that
    another's of the same name is not told.
options:
  cni_bin_dir:
    description: Where the container runtime looks for CNI plugins.
    type: path
    required: true
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Gather the pod network's state
  holdfast.nfs.pod_network_state:
    cni_bin_dir: /usr/lib/cni
  register: now

- name: Remove the files of the pod network
  ansible.builtin.file:
    path: "{{ item }}"
    state: absent
  loop: "{{ now.state.files }}"
"""

RETURN = r"""
state:
  description: What is there.
  returned: always
  type: dict
  contains:
    providers:
      description: Those of C(pod_network_provider) whose configuration of CNI is there.
      type: list
      elements: str
      sample: [flannel]
    units:
      description: The units of the role, which set routes and rules of iptables.
      type: list
      elements: str
      sample: [pod-network.service]
    interfaces:
      description: The interfaces of the pods' network, whether they are up or not.
      type: list
      elements: str
      sample: [cni0, flannel.1]
    files:
      description: Files and folders, the configurations of CNI last, as by them the rest is known.
      type: list
      elements: str
      sample: [/run/flannel, /etc/cni/net.d/10-flannel.conflist]
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.pod_network.found import found

ROOT = Path("/")


def main() -> None:
    """Run as Ansible calls it."""
    spec = {"cni_bin_dir": {"type": "path", "required": True}}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    module.exit_json(state=found(ROOT, module.params["cni_bin_dir"]))


if __name__ == "__main__":
    main()
