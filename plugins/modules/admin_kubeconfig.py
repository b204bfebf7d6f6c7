"""The administrator's kubeconfig; see module_utils/control_plane/kubeconfig.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: admin_kubeconfig
short_description: Install a cluster's kubeconfig for a user of the machine
description:
  - Copies O(source) to C(~/.kube/config) of O(user), where there is none, or one that is of the
    same cluster and has nothing else, or one that this module wrote and nobody has changed.
  - Any other is left as it is, with a warning that says where the kubeconfig is.
options:
  user:
    description: The user of the machine.
    type: str
    required: true
  source:
    description: The kubeconfig of the cluster.
    type: path
    default: /etc/kubernetes/admin.conf
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Install the administrator's kubeconfig
  holdfast.nfs.admin_kubeconfig:
    user: admin
"""

RETURN = r"""
installed:
  description: Whether the user's kubeconfig is the cluster's; V(false) where it was left alone.
  returned: success
  type: bool
"""

import json
import pwd
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.control_plane.kubeconfig import (
    MODE,
    is_same_cluster,
    is_unchanged,
    marked,
    put,
)

ARGUMENTS = {
    "user": {"type": "str", "required": True},
    "source": {"type": "path", "default": "/etc/kubernetes/admin.conf"},
}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    user, source = module.params["user"], Path(module.params["source"])
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        module.fail_json(msg=f"control_plane_admin is {user}, who is no user of this machine.")
    path = Path(entry.pw_dir, ".kube/config")
    if not _is_ours(module, path, source):
        module.warn(_left_alone(path, source, user))
        module.exit_json(changed=False, installed=False)
    text = marked(source.read_text())
    changed = _differs(path, text, entry.pw_uid)
    if changed and not module.check_mode:
        put(path, text, entry.pw_uid, entry.pw_gid)
    module.exit_json(changed=changed, installed=True)


def _is_ours(module: AnsibleModule, path: Path, source: Path) -> bool:
    if not path.exists() or is_unchanged(path.read_text(errors="replace")):
        return True
    found, own = _read(module, path), _read(module, source)
    return found is not None and own is not None and is_same_cluster(found, own)


def _read(module: AnsibleModule, path: Path) -> dict[str, Any] | None:
    """What kubectl reads there; None if it is no kubeconfig."""
    command = ["kubectl", "config", "view", "--raw", "--output", "json", "--kubeconfig", str(path)]
    code, out, __ = module.run_command(command)
    return None if code else dict(json.loads(out))


def _differs(path: Path, text: str, user: int) -> bool:
    if not path.exists() or path.read_text(errors="replace") != text:
        return True
    return (path.stat().st_uid, path.stat().st_mode & 0o777) != (user, MODE)


def _left_alone(path: Path, source: Path, user: str) -> str:
    return (
        f"{path} is another cluster's, or has more than this one, and was left as it is. This "
        f"cluster's kubeconfig is {source}: use it as root with kubectl --kubeconfig {source}, or "
        f"copy it to a file that belongs to {user} and name both files in KUBECONFIG."
    )


if __name__ == "__main__":
    main()
