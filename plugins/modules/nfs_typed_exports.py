"""Exports typed with exportfs, over a restart; see module_utils/nfs_server/typed.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nfs_typed_exports
short_description: Preserve exports typed with exportfs while the NFS server restarts
description:
  - C(nfs-server.service) ends all exports when it stops, and starts with those that are in files.
    Exports that somebody typed with C(exportfs) are in none.
  - With O(state=present), before the restart, those are written to O(file). With O(state=absent),
    after it, the file is removed, and the server goes on exporting them.
  - Where a run was interrupted in between, the next one removes the file.
options:
  file:
    description: The file for that time, a file C(*.exports) in C(/etc/exports.d).
    type: path
    required: true
  state:
    description: Whether the file is written, or removed after a look at what the server exports.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - holdfast.nfs.attributes
attributes:
  check_mode:
    support: full
    details: Nothing is looked at, as nothing is restarted.
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Save exports that have no file
  holdfast.nfs.nfs_typed_exports:
    file: /etc/exports.d/typed.exports

- name: Restart the NFS server
  ansible.builtin.systemd_service:
    name: nfs-server.service
    state: restarted

- name: Remove the file of exports that had none
  holdfast.nfs.nfs_typed_exports:
    file: /etc/exports.d/typed.exports
    state: absent
"""

RETURN = r"""
exports:
  description: The exports that are in no file, as paths.
  returned: success
  type: list
  elements: str
  sample: [/srv/media]
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import server
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import run
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.table import Lines
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.typed import keep, release

ARGUMENTS = {
    "file": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    file = Path(module.params["file"])
    before = file.exists()
    try:
        found = {} if module.check_mode else _apply(file, module.params["state"])
    except Refused as refused:
        module.fail_json(msg=str(refused))
    paths = list(dict.fromkeys(path for path, __ in found))
    module.exit_json(changed=file.exists() != before, exports=paths)


def _apply(file: Path, state: str) -> Lines:
    return keep(file, server.ETAB, run) if state == "present" else release(file, server.ETAB)


if __name__ == "__main__":
    main()
