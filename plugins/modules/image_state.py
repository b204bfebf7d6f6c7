"""Whether a node has the provisioner's image; see module_utils/provisioner/containerd.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_state
short_description: Tell whether a node has an image, and pull it where it has not
description:
  - Looks for an image in containerd, where the kubelet finds it.
  - With O(build=auto) an image that is there and was pulled stays as it is. One that is not there
    is pulled; where that fails it is needed.
  - An image that M(holdfast.nfs.node_image) loaded is needed again when it was built from something
    else than O(key) says.
options:
  name:
    description: The whole name of the image, with its registry and its tag.
    type: str
    required: true
  key:
    description: What the image has to be built from, as the filter P(holdfast.nfs.image_key#filter)
      names it.
    type: str
    required: true
  build:
    description: Whether the image is built in any case, or only where it cannot be pulled.
    type: str
    choices: [auto, always]
    default: auto
  seconds:
    description: How long pulling may take.
    type: int
    default: 180
  hosts:
    description: The folder of containerd's mirrors, where there is one.
    type: path
    default: /etc/containerd/certs.d
extends_documentation_fragment:
  - holdfast.nfs.attributes
attributes:
  check_mode:
    support: full
    details: Pulls nothing, and reports a change where the image is not there.
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Pull the image
  holdfast.nfs.image_state:
    name: registry.example.com/holdfast:0.1.0
    key: "{{ sources | holdfast.nfs.image_key('docker.io/library/debian:trixie-slim') }}"
  register: look
"""

RETURN = r"""
built:
  description: Whether the image of the node is one that was built, or has to be.
  returned: success
  type: bool
needed:
  description: Whether the image has to be built and loaded.
  returned: success
  type: bool
said:
  description: What ctr said where the image could not be pulled.
  returned: success
  type: str
"""

import shutil
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.provisioner.containerd import (
    Containerd,
    ImageError,
    Images,
    is_built_from,
    is_ours,
    loading_name,
    runner,
)

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "key": {"type": "str", "required": True, "no_log": False},
    "build": {"choices": ["auto", "always"], "default": "auto"},
    "seconds": {"type": "int", "default": 180},
    "hosts": {"type": "path", "default": "/etc/containerd/certs.d"},
}

Result = dict[str, Any]


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    if module.check_mode and not shutil.which("ctr"):  # a machine without containerd yet
        module.exit_json(**_result(changed=True))
    try:
        module.exit_json(**_looked(module, Containerd(runner(module))))
    except ImageError as error:
        module.fail_json(
            msg=f"Whether this node has {module.params['name']} cannot be told: {error}. Run "
            "playbooks/cluster.yml, which sets containerd up, or set provisioner_image_build to "
            "never."
        )


def _looked(module: AnsibleModule, containerd: Containerd) -> Result:
    wanted = module.params
    images = containerd.images()
    labels = images.get(wanted["name"])
    if is_built_from(labels, wanted["key"]):
        return _result(built=True)
    if labels is None and wanted["build"] == "auto":
        return _pulled(module, containerd, images)
    if not is_ours(wanted["name"], images) and wanted["build"] == "auto":
        return _result()
    return _result(built=True, needed=True, changed=module.check_mode)


def _pulled(module: AnsibleModule, containerd: Containerd, images: Images) -> Result:
    if module.check_mode:
        return _result(changed=True)
    wanted = module.params
    said = containerd.pull(wanted["name"], wanted["hosts"], wanted["seconds"])
    unfinished = loading_name(wanted["name"])
    if not said and unfinished in images:  # of a build, which is not needed any more
        containerd.remove(unfinished)
    return _result(built=bool(said), needed=bool(said), changed=not said, said=said)


def _result(
    *, built: bool = False, needed: bool = False, changed: bool = False, said: str = ""
) -> Result:
    return {"built": built, "needed": needed, "changed": changed, "said": said}


if __name__ == "__main__":
    main()
