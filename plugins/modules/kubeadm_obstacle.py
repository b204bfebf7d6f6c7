"""Why a kubeadm that failed is not reset; see module_utils/kubernetes_node/mark.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeadm_obstacle
short_description: Tell why what kubeadm left must not be reset any more
description:
  - Looks at the machine anew, after kubeadm has failed. The mark of M(holdfast.nfs.kubeadm_mark)
    has to be that of this run, no kubeadm may run, and no API server may listen.
  - Changes nothing.
options:
  run:
    description: The id of this run in the mark, as M(holdfast.nfs.kubeadm_mark) returned it.
    type: str
    required: true
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Check whether the machine is still as this run left it
  holdfast.nfs.kubeadm_obstacle:
    run: "{{ mark.run }}"
  register: asked

- name: Reset the node
  ansible.builtin.command: kubeadm reset --force
  when: asked.obstacle == ''
"""

RETURN = r"""
obstacle:
  description: The reason, without a full stop; empty where it may be reset.
  returned: success
  type: str
  sample: an API server listens there (port 6443), so that its cluster may live
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node import mark

ROOT = Path("/")


def main() -> None:
    """Run as Ansible calls it."""
    spec = {"run": {"type": "str", "required": True}}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    module.exit_json(obstacle=mark.obstacle(ROOT, module.params["run"]))


if __name__ == "__main__":
    main()
