"""What the role brought of containerd; see module_utils/container_runtime/packages.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runtime_packages
short_description: Tell the packages that a role brought from those that were there
description:
  - Notes which packages are missing before they are installed, and tells later which of them may be
    removed. Installs and removes none.
options:
  packages:
    description: The packages.
    type: list
    elements: str
    required: true
  note:
    description: The file with the names of those that were not there before.
    type: path
    default: /var/lib/holdfast/container_runtime/packages
  state:
    description:
      - V(noted) adds those to the note that are not installed.
      - V(removable) changes nothing, and returns those that are noted and installed. Fails where
        apt would remove others with them.
    type: str
    choices: [noted, removable]
    default: noted
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Record which packages are missing
  holdfast.nfs.runtime_packages:
    packages: [containerd, runc]
"""

RETURN = r"""
removable:
  description: The packages that may be removed.
  returned: where O(state) is V(removable)
  type: list
  elements: str
  sample: [containernetworking-plugins]
kept:
  description: The packages that are installed and stay.
  returned: where O(state) is V(removable)
  type: list
  elements: str
  sample: [containerd, runc]
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.container_runtime.packages import (
    Refused,
    noted,
    removable,
    with_missing,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.packages import installed, runner

ARGUMENTS = {
    "packages": {"type": "list", "elements": "str", "required": True},
    "note": {"type": "path", "default": "/var/lib/holdfast/container_runtime/packages"},
    "state": {"choices": ["noted", "removable"], "default": "noted"},
}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    names, note = module.params["packages"], Path(module.params["note"])
    if module.params["state"] == "noted":
        module.exit_json(changed=_note(module, with_missing(names, note, runner(module)), note))
    try:
        found = removable(names, note, runner(module))
    except Refused as refused:
        module.fail_json(msg=str(refused))
    kept = sorted(installed(names, runner(module)) - {*found}) if names else []
    module.exit_json(changed=False, removable=found, kept=kept)


def _note(module: AnsibleModule, names: list[str], note: Path) -> bool:
    if names == noted(note):
        return False
    if not module.check_mode:
        note.parent.mkdir(parents=True, exist_ok=True)
        new = note.with_name(f".{note.name}.new")
        new.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
        new.replace(note)
    return True


if __name__ == "__main__":
    main()
