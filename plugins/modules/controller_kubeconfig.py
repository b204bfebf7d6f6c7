"""The administrator's kubeconfig on the controller; see module_utils/control_plane."""

from __future__ import annotations

DOCUMENTATION = r"""
module: controller_kubeconfig
short_description: Write the administrator's kubeconfig on the controller
description:
  - To be run on the controller. Writes the file for its owner alone, where there is none or one of
    the same cluster.
  - Fails where the file is another cluster's, or has others beside this one. Leaves a file of this
    cluster that somebody has changed as it is, with a warning.
options:
  path:
    description: The file on the controller, as a whole path; C(~) is the home of whoever runs
      Ansible.
    type: path
    required: true
  content:
    description: The kubeconfig. Empty before there is a cluster; then it only refuses a file that
      is there.
    type: str
    default: ""
  machine:
    description: The control plane's name in the inventory, for sentences.
    type: str
    required: true
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Write the administrator's kubeconfig on the controller
  holdfast.nfs.controller_kubeconfig:
    path: ~/.kube/holdfast.yaml
    content: "{{ found.content | b64decode | holdfast.nfs.reachable_kubeconfig('192.168.41.11') }}"
    machine: "{{ inventory_hostname }}"
  delegate_to: localhost
  become: false
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /home/me/.kube/holdfast.yaml
"""

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.control_plane.controller import Found
from ansible_collections.holdfast.nfs.plugins.module_utils.control_plane.kubeconfig import (
    marked,
    put,
)

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str", "default": "", "no_log": True},
    "machine": {"type": "str", "required": True},
}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    path = Path(module.params["path"])
    if not path.is_absolute():
        module.fail_json(
            msg=f"control_plane_controller_kubeconfig is {path}; write a whole path, as "
            "~/.kube/holdfast.yaml."
        )
    try:
        changed = _write(module, path)
    except OSError as error:
        module.fail_json(
            msg=f"control_plane_controller_kubeconfig is {path}, which the controller cannot write "
            f"({error.strerror}); name a file in a directory that is there."
        )
    module.exit_json(changed=changed, path=str(path))


def _write(module: AnsibleModule, path: Path) -> bool:
    """Whether the file was, or would be, changed."""
    found, content = Found.at(path), module.params["content"]
    if fault := found.fault(content, module.params["machine"]):
        module.fail_json(msg=fault)
    if not content:
        return False
    if found.is_of_a_person:
        module.warn(f"{path} on the controller was changed by somebody, and left as it is.")
        return False
    text = marked(content)
    if found.differs(text) and not module.check_mode:
        put(path, text, os.getuid(), os.getgid())
    return found.differs(text)


if __name__ == "__main__":
    main()
