"""Whether this machine can mount NFS, and the exports that are named; changes nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nfs_mounts
short_description: See that a machine can mount NFS exports
description:
  - Fails where the kernel has no NFSv4 client, or where one of O(mounts) cannot be mounted.
  - Each export is mounted for a moment in a mount namespace of its own, so that nothing is left.
options:
  mounts:
    description: The exports that are tried. With none, only the kernel is looked at.
    type: list
    elements: dict
    required: true
    suboptions:
      source:
        description: Server and path, as V(192.168.41.10:/srv/nfs/k8s).
        type: str
        required: true
      options:
        description: Options of the mount, as in nfs(5).
        type: list
        elements: str
        default: [nfsvers=4.2]
  packages:
    description: Debian packages that mounting needs.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Test that the export can be mounted
  holdfast.nfs.nfs_mounts:
    mounts:
      - source: 192.168.41.10:/srv/nfs/k8s
        options: [nfsvers=4.2, hard]
"""

RETURN = r"""
missing:
  description: Those of O(packages) that are not installed.
  returned: success
  type: list
  elements: str
  sample: [nfs-common]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_client.mounts import (
    Refused,
    check_kernel,
    check_mount,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.packages import missing, runner

ENTRY = {
    "source": {"type": "str", "required": True},
    "options": {"type": "list", "elements": "str", "default": ["nfsvers=4.2"]},
}
ARGUMENTS = {
    "mounts": {"type": "list", "elements": "dict", "options": ENTRY, "required": True},
    "packages": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        check_kernel()
        for mount in module.params["mounts"]:
            check_mount(mount["source"], mount["options"])
    except Refused as refused:
        module.fail_json(msg=str(refused))
    module.exit_json(changed=False, missing=missing(module.params["packages"], runner(module)))


if __name__ == "__main__":
    main()
