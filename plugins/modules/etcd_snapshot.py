"""A first snapshot of etcd; the timer takes the others."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot
short_description: Take a snapshot of etcd where there is none, or the last run of the timer failed
description:
  - Looks at what the timer's unit has made, and how it ended the last time. It does not matter
    which run of Ansible installed or changed it.
  - Starts the unit where the cluster has no snapshot in O(directory), where none was copied to
    O(copy_to), and where the unit failed. Fails if that run of it fails.
options:
  directory:
    description: Where the snapshots are.
    type: path
    required: true
  copy_to:
    description: The export to which they are copied; empty where they are not.
    type: str
    default: ""
  machine:
    description: The machine's name in the inventory, for sentences.
    type: str
    default: this machine
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Create a first snapshot
  holdfast.nfs.etcd_snapshot:
    directory: /var/backups/etcd
"""

RETURN = r"""
reasons:
  description: Why one was taken.
  returned: success
  type: list
  elements: str
  sample: [there is none of this cluster in /var/backups/etcd]
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.care import copy_snapshot, etcd
from ansible_collections.holdfast.nfs.plugins.module_utils.care.errors import Trouble
from ansible_collections.holdfast.nfs.plugins.module_utils.care.shelf import Shelf

UNIT = "holdfast-etcd-snapshot.service"
ARGUMENTS = {
    "directory": {"type": "path", "required": True},
    "copy_to": {"type": "str", "default": ""},
    "machine": {"type": "str", "default": "this machine"},
}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    reasons = [*_missing(module.params["directory"], module.params["copy_to"]), *_failure(module)]
    if reasons and not module.check_mode:
        _take(module)
    module.exit_json(changed=bool(reasons), reasons=reasons)


def _missing(directory: str, copy_to: str) -> Iterator[str]:
    folder = Path(directory)
    try:
        own = etcd.read_manifest()
        shelf = Shelf(folder, own.name, 1, own.cluster)
    except Trouble as trouble:  # which the unit will say as well
        yield str(trouble)
        return
    if shelf.newest() is None:
        yield f"there is none of this cluster in {folder}"
    copies = Shelf(folder, own.name, 1, own.cluster, copy_snapshot.notes(folder, copy_to))
    if copy_to and not copies.noted():
        yield f"none was copied to {copy_to}"


def _failure(module: AnsibleModule) -> Iterator[str]:
    shown = _run(module, "show", "--property=Result", "--value")[1].strip()
    if shown not in {"", "success"}:
        yield f"the last run of {UNIT} ended with {shown}"


def _take(module: AnsibleModule) -> None:
    if _run(module, "start")[0]:
        module.fail_json(
            msg="A snapshot of etcd was not taken, or not copied, on "
            f"{module.params['machine']}; see there journalctl --unit holdfast-etcd-snapshot, mend "
            "what it says, then run this again. The export of etcd_snapshots_copy_to needs rw and "
            "no_root_squash, as root writes there. To go on without, set etcd_snapshots_enabled to "
            "false."
        )


def _run(module: AnsibleModule, *words: str) -> tuple[int, str, str]:
    result: Any = module.run_command(["systemctl", *words, UNIT])
    code, out, err = result
    return int(code), str(out), str(err)


if __name__ == "__main__":
    main()
