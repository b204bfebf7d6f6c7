"""The mark that kubeadm is at work; see module_utils/kubernetes_node/mark.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeadm_mark
short_description: Mark a machine as one on which kubeadm is at work for this run
description:
  - Writes /etc/kubernetes/kubeadm-unfinished.yaml, with an id of the run in its first line. Of two
    runs at once, one fails.
  - Fails as well while a kubeadm runs that changes the machine, and where it became a node after
    this run had looked at it.
options:
  content:
    description: The configuration for kubeadm, or what stands for one. Needed without O(resume).
    type: str
  resume:
    description: Whether this run completes what an earlier one began. The mark keeps its content,
      and is this run's from now on.
    type: bool
    default: false
  machine:
    description: The machine's name in the inventory, for sentences.
    type: str
    default: this machine
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Mark the join as unfinished
  holdfast.nfs.kubeadm_mark:
    content: "kind: JoinConfiguration\n"
  register: mark
"""

RETURN = r"""
run:
  description: The id of this run in the mark, for M(holdfast.nfs.kubeadm_obstacle).
  returned: when not in check mode
  type: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node import mark

ROOT = Path("/")
NEEDED = ("resume", False, ["content"])


def main() -> None:
    """Run as Ansible calls it."""
    spec = {
        "content": {"type": "str"},
        "resume": {"type": "bool", "default": False},
        "machine": {"type": "str", "default": "this machine"},
    }
    module = AnsibleModule(spec, supports_check_mode=True, required_if=[NEEDED])
    if module.check_mode:
        module.exit_json(changed=True)
    given = module.params
    run = ""
    try:
        run = mark.take_over(ROOT) if given["resume"] else mark.begin(ROOT, given["content"])
    except (mark.Refused, OSError) as error:
        module.fail_json(
            msg=f"kubeadm was not started on {given['machine']}, and nothing was reset: {error}. "
            "Run the playbook again when no other run is at work."
        )
    module.exit_json(changed=True, run=run)


if __name__ == "__main__":
    main()
