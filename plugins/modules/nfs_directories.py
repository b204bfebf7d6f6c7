"""Exported directories that the role made, removed; see module_utils/nfs_server/directories.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nfs_directories
short_description: Remove exported directories, with what is in them
description:
  - Removes those directories that M(holdfast.nfs.nfs_exports) made, and their data. Others stay,
    and so do those of which it cannot be told, as on a file system that does not keep the time at
    which a directory was made.
  - All are looked at before the first is removed; where something is mounted in one, none is.
options:
  paths:
    description: The directories.
    type: list
    elements: str
    required: true
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Remove a directory with all data in it, if the role made it
  holdfast.nfs.nfs_directories:
    paths: [/srv/nfs/k8s]
"""

RETURN = r"""
removed:
  description: The directories that were removed.
  returned: success
  type: list
  elements: str
kept:
  description: The directories that stay, because the role did not make them.
  returned: success
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import directories
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import run
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused

ARGUMENTS = {"paths": {"type": "list", "elements": "str", "required": True}}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        result = _remove(module.params["paths"], check_mode=module.check_mode)
    except Refused as refused:
        module.fail_json(msg=str(refused))
    module.exit_json(**result)


def _remove(paths: list[str], *, check_mode: bool) -> dict[str, Any]:
    removed = directories.made(paths, run)
    for path in removed:
        directories.check_removable(path)
    for path in () if check_mode else removed:
        directories.remove(path)
    kept = [path for path in paths if path not in removed and Path(path).exists()]
    return {"changed": bool(removed), "removed": removed, "kept": kept}


if __name__ == "__main__":
    main()
