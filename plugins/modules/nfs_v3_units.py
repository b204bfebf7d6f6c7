"""Masks what only NFSv3 needs, or lets it run; see module_utils/nfs_client/units.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nfs_v3_units
short_description: Mask the systemd units that only NFSv3 needs, or let them run
description:
  - The units are C(rpcbind.socket), C(rpcbind.service) and C(rpc-statd.service).
  - Fails where they are to be masked and something needs them that these roles did not set up; a
    mount with NFSv3, an NFS server that serves it, or another program that rpcbind leads to.
options:
  state:
    description:
      - V(masked) stops and masks them, so that the machine listens on no port for NFSv3.
      - V(answering) unmasks them and starts the socket of rpcbind.
      - V(allowed) unmasks them, as the packages leave them.
    type: str
    choices: [masked, answering, allowed]
    required: true
  settings:
    description: The file of M(holdfast.nfs.nfs_settings). A server that has it is not another's.
    type: path
    default: /etc/nfs.conf.d/50-holdfast.conf
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Mask rpcbind and rpc.statd
  holdfast.nfs.nfs_v3_units:
    state: masked
"""

RETURN = r"""
pending:
  description: Whether there is something to change, which C(changed_when) does not override.
  returned: success
  type: bool
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_client.units import STATES, pending
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_client.version3 import users

ROOT = Path("/")
ARGUMENTS = {
    "state": {"choices": list(STATES), "required": True},
    "settings": {"type": "path", "default": "/etc/nfs.conf.d/50-holdfast.conf"},
}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)

    def systemctl(*arguments: str) -> str:
        return str(module.run_command(["systemctl", *arguments], check_rc=True)[1])

    calls = pending(systemctl, module.params["state"])
    if calls and module.params["state"] == "masked":
        _refuse_if_needed(module)
    for call in () if module.check_mode else calls:
        systemctl(*call)
    changed = bool(calls)
    module.exit_json(changed=changed, pending=changed)


def _refuse_if_needed(module: AnsibleModule) -> None:
    """What is masked already is in nobody's use."""
    found = users(ROOT, _registered(module), module.params["settings"])
    if found:
        module.fail_json(
            msg=f"this machine {', and '.join(found)}; that needs rpcbind and rpc.statd, which "
            "would be masked because NFSv3 is not wanted. Set nfs_client_v3 to true for it (on an "
            'NFS server, add "3" to nfs_server_versions), or end that use first.'
        )


def _registered(module: AnsibleModule) -> str:
    """What rpcbind leads to; one that does not run is not started by being asked."""
    if module.run_command(["systemctl", "is-active", "--quiet", "rpcbind.service"])[0]:
        return ""
    code, out, __ = module.run_command(["rpcinfo", "-p"])
    return "" if code else str(out)


if __name__ == "__main__":
    main()
