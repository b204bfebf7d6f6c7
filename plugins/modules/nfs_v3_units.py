"""Masks what only NFSv3 needs, or lets it run; see module_utils/nfs_client/units.py."""

from __future__ import annotations

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
