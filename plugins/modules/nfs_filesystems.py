"""File systems for exports, made on empty devices only; see module_utils/nfs_server/disks.py."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import disks
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import run
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused

ENTRY = {
    "device": {"type": "path", "required": True},
    "path": {"type": "str", "required": True},
    "label": {"type": "str", "required": True},
    "fstype": {"type": "str", "choices": list(disks.MAKE), "default": "xfs"},
    "quota": {"type": "str", "choices": ["project", "none"], "default": "project"},
    "mount_options": {"type": "list", "elements": "str", "default": ["nofail"]},
}
ARGUMENTS = {
    "filesystems": {"type": "list", "elements": "dict", "options": ENTRY, "required": True},
    # made: the devices hold them. mounted: they are in use, with their quotas. wiped: none is left
    # of those that this module made.
    "state": {"choices": ["made", "mounted", "wiped"], "default": "made"},
}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    entries = module.params["filesystems"]
    try:
        wanted = disks.read_file_systems(entries)
        result = STATES[module.params["state"]](module, wanted)
    except Refused as refused:
        module.fail_json(msg=str(refused))
    module.exit_json(**result)


def _make(module: AnsibleModule, wanted: list[disks.FileSystem]) -> dict[str, Any]:
    # All are looked at before the first is made.
    contents = [disks.inspect(one, run) for one in wanted]
    missing = [one for one, content in zip(wanted, contents, strict=True) if content is None]
    if not module.check_mode:
        contents = [
            content or disks.make(one, run) for one, content in zip(wanted, contents, strict=True)
        ]
    mounts = [
        {**entry, "source": f"UUID={content.uuid}" if content else entry["device"]}
        for entry, content in zip(module.params["filesystems"], contents, strict=True)
    ]
    return {"changed": bool(missing), "pending": bool(missing), "mounts": mounts}


def _check(_: AnsibleModule, wanted: list[disks.FileSystem]) -> dict[str, Any]:
    for one in wanted:
        disks.check_ready(one, run)
    return {"changed": False}


def _wipe(module: AnsibleModule, wanted: list[disks.FileSystem]) -> dict[str, Any]:
    ours = [one for one in wanted if disks.is_made_here(one, run)]
    if not module.check_mode:
        for one in ours:
            disks.wipe(one, run)
    return {"changed": bool(ours), "paths": [one.path for one in ours]}


STATES = {"made": _make, "mounted": _check, "wiped": _wipe}

if __name__ == "__main__":
    main()
