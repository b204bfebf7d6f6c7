"""The program helm on a machine; see module_utils/provisioner/helm.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_program
short_description: Install the program helm, or remove it
description:
  - Fetches the archive of a release, checks it, and puts the program in place as a whole, so that a
    run that is cut leaves none that is half there.
  - The checksums of the program and of its archive are kept beside it. A program that is damaged,
    or is from an archive with another checksum than the one that is pinned, is fetched again; one
    that these roles did not install is refused and left as it is.
options:
  version:
    description: The version, as V(v3.22.0).
    type: str
    required: true
  directory:
    description: The folder that has a folder for each version.
    type: path
    required: true
  url:
    description: The server, in the layout of the default.
    type: str
    default: https://get.helm.sh
  checksums:
    description: The SHA-256 checksum of the archive by the architecture (V(amd64), V(arm64)). Where
      there are any, the one that the server publishes is not trusted.
    type: dict
    default: {}
  state:
    description: With V(absent) the program is removed, and its folder where nothing else is in it.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Install helm as /opt/helm-v3.22.0/helm
  holdfast.nfs.helm_program:
    version: v3.22.0
    directory: /opt
"""

RETURN = r"""
program:
  description: The program.
  returned: success
  type: str
  sample: /opt/helm-v3.22.0/helm
"""

import platform
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.provisioner.helm import Helm, HelmError

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
ARGUMENTS = {
    "version": {"type": "str", "required": True},
    "directory": {"type": "path", "required": True},
    "url": {"type": "str", "default": "https://get.helm.sh"},
    "checksums": {"type": "dict", "default": {}},
    "state": {"choices": ["present", "absent"], "default": "present"},
}
REMEDY = (
    "let provisioner_helm_url name a server that has the archive and its .sha256sum, "
    "provisioner_helm_folder a folder that may be written to, or provisioner_helm a program that "
    "is there"
)


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        helm = _wanted(module)
        change = _absent if module.params["state"] == "absent" else _present
        changed = change(helm, check=module.check_mode)
    except (HelmError, OSError) as error:
        version, machine = module.params["version"], platform.node()
        module.fail_json(msg=f"helm {version} cannot be installed on {machine}: {error}; {REMEDY}.")
    module.exit_json(changed=changed, program=str(helm.program))


def _wanted(module: AnsibleModule) -> Helm:
    given = module.params
    kind = ARCHITECTURES.get(platform.machine(), platform.machine())
    pins = given["checksums"] or {}
    if pins and not pins.get(kind):
        raise HelmError(f"provisioner_helm_checksums has none for {kind}")
    pin = str(pins.get(kind, "")).lower()
    return Helm(given["url"], given["version"], kind, Path(given["directory"]), pin)


def _present(helm: Helm, *, check: bool) -> bool:
    if helm.is_installed():
        return False
    if helm.is_others():
        raise HelmError(
            f"{helm.program} is one that these roles did not install, and is left as it is"
        )
    if not check:
        helm.install()
    return True


def _absent(helm: Helm, *, check: bool) -> bool:
    found = bool(helm.left())
    if found and not check:
        helm.remove()
    return found


if __name__ == "__main__":
    main()
