"""The files of a node, removed as far as the role kubernetes_node wrote them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_files_absent
short_description: Remove the files that the role kubernetes_node wrote
description:
  - Removes nothing on a machine where no link of the role leads to its programs.
  - A file that somebody added to stays, and so does a folder that has other files. Of O(directory)
    only the programs of Kubernetes in folders that are named for a version are removed.
  - May be broken off and run again; the link to the kubelet goes last.
  - C(kubeadm reset) has to come before it.
options:
  directory:
    description: Where the programs of M(holdfast.nfs.kubernetes_programs) are.
    type: path
    required: true
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Remove the files of the node
  holdfast.nfs.node_files_absent:
    directory: /opt/kubernetes
"""

RETURN = r"""
removed:
  description: The files that were there.
  returned: success
  type: list
  elements: str
  sample: [/etc/systemd/system/kubelet.service, /usr/local/bin/kubelet]
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node import removal

ROOT = Path("/")


def main() -> None:
    """Run as Ansible calls it."""
    spec = {"directory": {"type": "path", "required": True}}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    removed: list[str] = []
    try:
        removed = removal.remove(ROOT, module.params["directory"], check_mode=module.check_mode)
    except OSError as error:
        module.fail_json(msg=f"The files of the node were not all removed: {error}.")
    module.exit_json(changed=bool(removed), removed=removed)


if __name__ == "__main__":
    main()
