"""What of containerd on a machine is another's; see module_utils/container_runtime/found.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_runtime_state
short_description: Refuse to take containerd from others on a machine
description:
  - Changes nothing. Fails where apt would remove other packages for O(packages), such as
    C(containerd.io) of Docker, and where somebody else wrote O(configuration).
  - A configuration that is as a package brought it is nobody's.
options:
  packages:
    description: The packages that are to be installed.
    type: list
    elements: str
    required: true
  proxy_files:
    description: The files in which containerd finds a proxy, where there is one.
    type: list
    elements: path
    default: []
  configuration:
    description: The configuration of containerd that is to be written.
    type: path
    default: /etc/containerd/config.toml
  replace_configuration:
    description: Whether a configuration that somebody else wrote may be replaced.
    type: bool
    default: false
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Inspect the installed containerd
  holdfast.nfs.container_runtime_state:
    packages: [containerd, runc]
  register: look
"""

RETURN = r"""
missing:
  description: Those of O(packages) that are not installed.
  returned: success
  type: list
  elements: str
  sample: [containerd, runc]
proxy_files:
  description: Those of O(proxy_files) that are there.
  returned: success
  type: list
  elements: str
foreign:
  description: Whether somebody else wrote the configuration, of which a copy should be kept.
  returned: success
  type: bool
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.container_runtime.found import (
    Wanted,
    faults,
    is_foreign,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.packages import missing, runner

ARGUMENTS = {
    "packages": {"type": "list", "elements": "str", "required": True},
    "proxy_files": {"type": "list", "elements": "path", "default": []},
    "configuration": {"type": "path", "default": "/etc/containerd/config.toml"},
    "replace_configuration": {"type": "bool", "default": False},
}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    file = Path(module.params["configuration"])
    wanted = Wanted(module.params["packages"], file, module.params["replace_configuration"])
    run = runner(module)
    found = faults(wanted, run)
    if found:
        module.fail_json(msg="; ".join(found))
    module.exit_json(
        changed=False,
        missing=missing(wanted.packages, run),
        proxy_files=[path for path in module.params["proxy_files"] if Path(path).exists()],
        foreign=is_foreign(file, run),
    )


if __name__ == "__main__":
    main()
