"""What the role has on an NFS server, and who uses it; see module_utils/nfs_server/state.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nfs_server_state
short_description: Get what a removal of the NFS server's exports would end
description:
  - Reads the file of exports, the clients that are connected, and what others export. Changes
    nothing.
  - Refuses where data is to be destroyed that others export, or where something is mounted in it.
options:
  file:
    description: The file in C(/etc/exports.d) that M(holdfast.nfs.nfs_exports) wrote.
    type: path
    required: true
  wipe:
    description: Whether the data is to be destroyed.
    type: bool
    default: false
  wiped:
    description: The file systems that would be, as M(holdfast.nfs.nfs_filesystems) returns them.
    type: list
    elements: dict
    default: []
    suboptions:
      device:
        description: The block device.
        type: path
        required: true
      path:
        description: Where it is mounted.
        type: path
        required: true
extends_documentation_fragment:
  - holdfast.nfs.attributes
  - holdfast.nfs.exports
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Get what a removal of the exports would end
  holdfast.nfs.nfs_server_state:
    file: /etc/exports.d/nfs_server.exports
    exports:
      - path: /srv/nfs/k8s
        clients: [192.168.41.0/24]
"""

RETURN = r"""
exported:
  description: The exports in O(file), which may be others than O(exports).
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The directory.
      type: str
      sample: /srv/nfs/k8s
    client:
      description: Whom it is exported to.
      type: str
      sample: 192.168.41.0/24
connected:
  description: The addresses of the clients of NFSv4 that are connected.
  returned: success
  type: list
  elements: str
  sample: [192.168.41.21]
others:
  description: The paths that others export, from files or typed with exportfs.
  returned: success
  type: list
  elements: str
  sample: [/srv/media]
paths:
  description: The directories of O(exports), ranges expanded.
  returned: success
  type: list
  elements: str
  sample: [/srv/nfs/k8s]
destroyed:
  description: With O(wipe), the devices and directories whose data goes.
  returned: success
  type: list
  elements: str
  sample: [/dev/vdb, /srv/nfs/k8s]
"""

from dataclasses import asdict
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import run
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.exports import (
    ENTRY,
    read_exports,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.state import WIPED, state

ARGUMENTS = {
    "exports": {"type": "list", "elements": "dict", "options": ENTRY, "required": True},
    "file": {"type": "path", "required": True},
    "wipe": {"type": "bool", "default": False},
    "wiped": {"type": "list", "elements": "dict", "options": WIPED, "default": []},
}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    wiped = module.params["wiped"] if module.params["wipe"] else None
    try:
        wanted = read_exports(module.params["exports"])
        found = state(wanted, Path(module.params["file"]), wiped, run)
    except Refused as refused:
        module.fail_json(msg=str(refused))
    module.exit_json(changed=False, **asdict(found))


if __name__ == "__main__":
    main()
