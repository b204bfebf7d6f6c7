"""An image in a node's containerd; see module_utils/provisioner/containerd.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_image
short_description: Load an image into the containerd of a node, or remove it
description:
  - Loads an image from an archive where the kubelet finds it, in place of any of that name, and
    pins it, so that the garbage collection of the kubelet leaves it. containerd before 1.7.3 does
    not know pinned images.
  - It is loaded under another name, which the archive of M(holdfast.nfs.image_archive) has, and
    gets its own with its labels, so that what a run that was cut has left is not taken for pulled.
  - Of the versions that were loaded before, the last stays, as pods may start it until the release
    is upgraded.
  - With O(state=absent) all images go that this module loaded; those that were pulled stay.
options:
  name:
    description: The whole name of the image, with its registry and its tag.
    type: str
    required: true
  state:
    description: Whether the image is to be there.
    type: str
    choices: [present, absent]
    default: present
  archive:
    description: The archive on the machine, of M(holdfast.nfs.image_archive). Needed with
      O(state=present).
    type: path
  key:
    description: What the image was built from, as the filter P(holdfast.nfs.image_key#filter) names
      it. Needed with O(state=present).
    type: str
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Load the image
  holdfast.nfs.node_image:
    name: registry.example.com/holdfast:0.1.0
    archive: /var/tmp/image.tar
    key: "{{ sources | holdfast.nfs.image_key('docker.io/library/debian:trixie-slim') }}"

- name: Remove it
  holdfast.nfs.node_image:
    name: registry.example.com/holdfast:0.1.0
    state: absent
"""

RETURN = r"""# It returns nothing of its own."""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.provisioner.containerd import (
    Containerd,
    ImageError,
    is_built_from,
    left,
    runner,
)

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "state": {"choices": ["present", "absent"], "default": "present"},
    "archive": {"type": "path"},
    "key": {"type": "str", "no_log": False},
}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(
        ARGUMENTS,
        supports_check_mode=True,
        required_if=[("state", "present", ("archive", "key"))],
    )
    containerd = Containerd(runner(module))
    change = _remove if module.params["state"] == "absent" else _load
    try:
        module.exit_json(changed=change(module, containerd))
    except ImageError as error:
        module.fail_json(msg=f"{error}. Mend that, then run this again.")


def _load(module: AnsibleModule, containerd: Containerd) -> bool:
    wanted = module.params
    if is_built_from(containerd.images().get(wanted["name"]), wanted["key"]):
        return False
    if not module.check_mode:
        containerd.load(wanted["name"], wanted["archive"], wanted["key"])
    return True


def _remove(module: AnsibleModule, containerd: Containerd) -> bool:
    found = left(containerd.known_images(), module.params["name"])
    for name in [] if module.check_mode else found:
        containerd.remove(name)
    return bool(found)


if __name__ == "__main__":
    main()
