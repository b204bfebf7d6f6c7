"""Whether this machine can mount NFS, and the exports that are named; changes nothing."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_client.mounts import (
    Refused,
    check_kernel,
    check_mount,
)

ENTRY = {
    "source": {"type": "str", "required": True},
    "options": {"type": "list", "elements": "str", "default": ["nfsvers=4.2"]},
}
ARGUMENTS = {"mounts": {"type": "list", "elements": "dict", "options": ENTRY, "required": True}}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        check_kernel()
        for mount in module.params["mounts"]:
            check_mount(mount["source"], mount["options"])
    except Refused as refused:
        module.fail_json(msg=str(refused))
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
