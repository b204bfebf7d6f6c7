"""Exports as data, put in force as a whole or refused as a whole; see module_utils/nfs_server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nfs_exports
short_description: Export directories over NFS, all of them or none
description:
  - Puts O(exports) in force as a whole, or refuses them as a whole and leaves the server as it was.
  - Exports are read, then tried in a dry run of C(exportfs) in a mount namespace of its own, then
    written and compared with what the server does. Where that differs, the exports from before are
    put back.
  - Directories are created where they are missing, and are never removed.
options:
  file:
    description: The file that is written, a file C(*.exports) in C(/etc/exports.d).
    type: path
    required: true
  withdraw:
    description:
      - The paths whose exports may end, or get another C(fsid), although clients are connected, or
        may end although O(exports) is empty. V(*) stands for all.
      - Without, an export with connected clients is not ended, and neither are all. A client that
        is connected is served by another export if that names its address, a network, a name that
        resolves to it, or V(*).
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - holdfast.nfs.attributes
  - holdfast.nfs.exports
attributes:
  check_mode:
    support: full
    details: The dry run is done as well, where the server is installed.
  diff_mode:
    support: full
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Export a directory to a network, and five to one machine
  holdfast.nfs.nfs_exports:
    file: /etc/exports.d/nfs_server.exports
    exports:
      - path: /srv/nfs/k8s
        clients: [192.168.41.0/24]
        options: [rw, no_root_squash]
      - path: /data/volumes/v{1..5}
        clients: [192.168.41.20]
        mode: "0770"

- name: Unexport all directories
  holdfast.nfs.nfs_exports:
    file: /etc/exports.d/nfs_server.exports
    exports: []
    withdraw: ["*"]
"""

RETURN = r"""
pending:
  description: Whether something was to be changed, which C(changed_when) does not override.
  returned: success
  type: bool
paths:
  description: The directories that are exported, ranges expanded.
  returned: success
  type: list
  elements: str
  sample: [/srv/nfs/k8s, /data/volumes/v1]
others:
  description: What others export on the machine, from other files, also while the server is
    stopped, or typed by somebody.
  returned: success
  type: list
  elements: str
  sample: [/srv/media]
"""

import shutil
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import directories, server
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import PATH, run
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.ending import former
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.exports import (
    ENTRY,
    Exports,
    read_exports,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.trial import rehearse
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.withdrawal import (
    check_withdrawal,
    connected_clients,
)

ARGUMENTS = {
    "exports": {"type": "list", "elements": "dict", "options": ENTRY, "required": True},
    "file": {"type": "path", "required": True},
    "withdraw": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    file = Path(module.params["file"])
    try:
        wanted = read_exports(module.params["exports"])
        server.check_directories(wanted, run)
        result = _apply(module, wanted, file)
    except Refused as refused:
        module.fail_json(msg=str(refused))
    module.exit_json(**result)


def _apply(module: AnsibleModule, wanted: Exports, file: Path) -> dict[str, Any]:
    before = file.read_text() if file.exists() else ""
    check_withdrawal(wanted, former(file), module.params["withdraw"], connected_clients())
    others = server.others_exports(wanted, file)
    askable = not module.check_mode or _is_installed(file)
    done = askable and server.is_in_force(wanted, file)
    if askable and not done:
        rehearse(wanted, file, run)
    made = _make_directories(module, wanted)
    if not done and not module.check_mode:
        server.put_in_force(wanted, file, run)
    after = wanted.text() if wanted.exports else ""
    paths = [directory.path for directory in wanted.directories]
    changed = made or not done
    return {
        "changed": changed,
        "pending": changed,
        "diff": _diff(file, before, after),
        "paths": paths,
        "others": others,
    }


def _is_installed(file: Path) -> bool:
    """Whether there is a server that can be asked; a check on a fresh machine finds none."""
    return file.parent.is_dir() and shutil.which("exportfs", path=PATH) is not None


def _make_directories(module: AnsibleModule, wanted: Exports) -> bool:
    changed = False
    for directory in wanted.directories:
        path = Path(directory.path)
        if not path.is_dir():
            changed = True
            if module.check_mode:
                continue
            directories.make(path, run)
        rights = {"owner": directory.owner, "group": directory.group, "mode": directory.mode}
        arguments = module.load_file_common_arguments({"path": directory.path, **rights})
        changed = module.set_fs_attributes_if_different(arguments, changed)
    return changed


def _diff(file: Path, before: str, after: str) -> dict[str, str]:
    return {
        "before_header": str(file),
        "after_header": str(file),
        "before": before,
        "after": after,
    }


if __name__ == "__main__":
    main()
