"""etcd, set back to a snapshot; see module_utils/care/restore.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_restore
short_description: Set a kubeadm control plane's etcd back to a snapshot
description:
  - Makes a data directory of the snapshot with C(etcdutl) of etcd's own image, or of the machine;
    then stops the control plane's static pods, puts the data in place, starts them again and waits
    until etcd answers. Where it does not, the failure has the commands that lead back.
  - A snapshot of a later etcd than the machine runs is refused.
  - The former data stays beside it. After a run that was broken off, the next one does the whole
    again, with the same snapshot or another one. Two at once are refused.
  - With check mode, it says what would happen and changes nothing.
options:
  snapshot:
    description: The file on the machine.
    type: path
    required: true
  machine:
    description: The machine's name in the inventory, for sentences.
    type: str
    default: this machine
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Set etcd back to a snapshot
  holdfast.nfs.etcd_restore:
    snapshot: /var/backups/etcd/etcd-control-20261128T031500Z.db
"""

RETURN = r"""
plan:
  description: What would happen, or has happened, a sentence each.
  returned: success
  type: list
  elements: str
steps:
  description: What was done, a part of a sentence each.
  returned: when not in check mode
  type: list
  elements: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.care.errors import Trouble
from ansible_collections.holdfast.nfs.plugins.module_utils.care.restore import Busy, Restore

ARGUMENTS = {
    "snapshot": {"type": "path", "required": True},
    "machine": {"type": "str", "default": "this machine"},
}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    restore = Restore(Path(module.params["snapshot"]))
    done: list[str] = []
    try:
        plan = restore.plan(module.params["machine"])
        if not module.check_mode:
            done.extend(restore.steps())
    except (Trouble, OSError) as error:
        told = _failure(module.params["machine"], done, error)
        on = "" if isinstance(error, Busy) else restore.way_on()
        on = on or ("" if done else "Nothing was changed.")
        module.fail_json(msg=f"{told} {on}".strip(), steps=done)
    module.exit_json(changed=True, plan=plan, steps=done)


def _failure(machine: str, done: list[str], error: Exception) -> str:
    so_far = f" So far it {', '.join(done)}." if done else ""
    return f"etcd of {machine} was not restored. {str(error).rstrip('.')}.{so_far}"


if __name__ == "__main__":
    main()
