"""The domain of users' names in NFSv4; see module_utils/nfs_client/idmapd.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: idmap_domain
short_description: Name the domain of users' names in NFSv4
description:
  - Writes a file of its own in C(/etc/idmapd.conf.d), and leaves those of others as they are.
  - Fails where another file names another domain.
options:
  state:
    description: With V(absent), the module's own file is removed.
    type: str
    choices: [present, absent]
    default: present
  domain:
    description: The domain. An empty one leaves the machine's as it is.
    type: str
    default: ""
  path:
    description: The configuration of the machine.
    type: path
    default: /etc/idmapd.conf
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Set the NFSv4 ID mapping domain
  holdfast.nfs.idmap_domain:
    domain: example.org
"""

RETURN = r"""# It returns nothing of its own."""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_client import idmapd
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_client.errors import Refused

ARGUMENTS = {
    "state": {"choices": ["present", "absent"], "default": "present"},
    "domain": {"type": "str", "default": ""},
    "path": {"type": "path", "default": "/etc/idmapd.conf"},
}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    machines = Path(module.params["path"])
    try:
        changed = _remove(module, machines) if _is_absent(module) else _name(module, machines)
    except Refused as refused:
        module.fail_json(msg=str(refused))
    module.exit_json(changed=changed)


def _is_absent(module: AnsibleModule) -> bool:
    return bool(module.params["state"] == "absent")


def _remove(module: AnsibleModule, machines: Path) -> bool:
    file = idmapd.own(machines)
    changed = file.exists()
    if changed and not module.check_mode:
        file.unlink()
    return changed


def _name(module: AnsibleModule, machines: Path) -> bool:
    content = idmapd.pending(machines, module.params["domain"])
    if content is not None and not module.check_mode:
        idmapd.put(idmapd.own(machines), content)
    return content is not None


if __name__ == "__main__":
    main()
