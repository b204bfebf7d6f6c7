"""File systems for exports, made on empty devices only; see module_utils/nfs_server/disks.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nfs_filesystems
short_description: Make file systems for exports on empty devices
description:
  - Formats a device only when it is empty. A device that has the file system and the label that are
    named is used as it is, and a device that holds anything else is refused.
  - An empty device is not formatted where another file system is expected at its path, be it that
    C(/etc/fstab) has a line for the path with another source, or that no device has the file system
    any more that this module made for it. Its disk may be missing.
  - All devices are looked at before the first one is formatted.
  - Does not mount; M(ansible.posix.mount) does, with the return value RV(mounts).
options:
  filesystems:
    description: The file systems.
    type: list
    elements: dict
    required: true
    suboptions:
      device:
        description: The block device, best as C(/dev/disk/by-id/...).
        type: path
        required: true
      path:
        description: Where it is mounted.
        type: str
        required: true
      label:
        description: The label of the file system, by which it is recognised. XFS allows 12
          characters, ext4 16.
        type: str
        required: true
      fstype:
        description: The kind of file system.
        type: str
        choices: [xfs, ext4]
        default: xfs
      quota:
        description: Whether the sizes of directories can be limited, by project quota.
        type: str
        choices: [project, none]
        default: project
      mount_options:
        description: Options of the mount, returned unchanged in RV(mounts).
        type: list
        elements: str
        default: [nofail]
  state:
    description:
      - V(made) sees that the devices hold the file systems.
      - V(mounted) sees that they are mounted with their quotas enforced, and changes nothing.
      - V(wiped) destroys those that this module made. They have to be unmounted, and nothing else
        may be mounted at their paths or be in C(/etc/fstab) for them.
    type: str
    choices: [made, mounted, wiped]
    default: made
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Create a file system with project quotas
  holdfast.nfs.nfs_filesystems:
    filesystems:
      - device: /dev/disk/by-id/virtio-exports
        path: /srv/nfs
        label: exports
  register: made

- name: Mount the file system
  ansible.posix.mount:
    src: "{{ item.source }}"
    path: "{{ item.path }}"
    fstype: "{{ item.fstype }}"
    opts: defaults,prjquota
    state: mounted
  loop: "{{ made.mounts }}"

- name: Check that its quotas are enforced
  holdfast.nfs.nfs_filesystems:
    filesystems:
      - device: /dev/disk/by-id/virtio-exports
        path: /srv/nfs
        label: exports
    state: mounted
"""

RETURN = r"""
pending:
  description: Whether a file system was to be made, which C(changed_when) does not override.
  returned: when O(state=made)
  type: bool
mounts:
  description: The elements of O(filesystems), each with the source of its mount.
  returned: when O(state=made)
  type: list
  elements: dict
  contains:
    source:
      description: The UUID of the file system; in check mode the device, where there is none yet.
      type: str
      sample: UUID=f3b8c6a2-6a34-4d0e-9c3f-2b1f7c1d9a55
paths:
  description: Where those were mounted that were wiped.
  returned: when O(state=wiped)
  type: list
  elements: str
  sample: [/srv/nfs]
wiped:
  description: The same with their devices.
  returned: when O(state=wiped)
  type: list
  elements: dict
  contains:
    device:
      description: The block device.
      type: str
      sample: /dev/vdb
    path:
      description: Where it was mounted.
      type: str
      sample: /srv/nfs
"""

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


def _check(_module: AnsibleModule, wanted: list[disks.FileSystem]) -> dict[str, Any]:
    for one in wanted:
        disks.check_ready(one, run)
    return {"changed": False}


def _wipe(module: AnsibleModule, wanted: list[disks.FileSystem]) -> dict[str, Any]:
    ours = [one for one in wanted if disks.is_made_here(one, run)]
    for one in ours:
        disks.check_alone(one, run)
    if not module.check_mode:
        for one in ours:
            disks.wipe(one, run)
    wiped = [{"device": one.device, "path": one.path} for one in ours]
    return {"changed": bool(ours), "paths": [one.path for one in ours], "wiped": wiped}


STATES = {"made": _make, "mounted": _check, "wiped": _wipe}

if __name__ == "__main__":
    main()
