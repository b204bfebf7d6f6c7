"""Masks what only NFSv3 needs, or lets it run; see module_utils/nfs_client/units.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nfs_v3_units
short_description: Mask the systemd units that only NFSv3 needs, or let them run
description:
  - The units are C(rpcbind.socket), C(rpcbind.service) and C(rpc-statd.service).
options:
  state:
    description:
      - V(masked) stops and masks them, so that the machine listens on no port for NFSv3.
      - V(answering) unmasks them and starts the socket of rpcbind.
      - V(allowed) unmasks them, as the packages leave them.
    type: str
    choices: [masked, answering, allowed]
    required: true
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: linux
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Do without NFSv3
  holdfast.nfs.nfs_v3_units:
    state: masked
"""

RETURN = r"""# It returns nothing of its own."""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_client.units import STATES, pending

ARGUMENTS = {"state": {"choices": list(STATES), "required": True}}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)

    def systemctl(*arguments: str) -> str:
        return str(module.run_command(["systemctl", *arguments], check_rc=True)[1])

    calls = pending(systemctl, module.params["state"])
    for call in () if module.check_mode else calls:
        systemctl(*call)
    module.exit_json(changed=bool(calls))


if __name__ == "__main__":
    main()
