"""When the certificates of a node end; see module_utils/care/certificates.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_ends
short_description: See that no certificate of a Kubernetes node ends soon
description:
  - Reads the certificates that kubeadm and the kubelet keep on the machine, and fails with a
    sentence for each that has fewer than O(days) left. A machine without any has nothing to see.
options:
  days:
    description: How many days each has to have left. With V(0) only those that have ended count.
    type: int
    default: 30
  machine:
    description: The machine's name in the inventory, for sentences.
    type: str
    default: this machine
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Check that no certificate expires within a month
  holdfast.nfs.certificate_ends:
    days: 30
"""

RETURN = r"""
ends:
  description: The day on which each ends, by its file.
  returned: success
  type: dict
  sample: {"/etc/kubernetes/pki/apiserver.crt": "2027-11-28"}
"""

from datetime import UTC, datetime
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.care import certificates
from ansible_collections.holdfast.nfs.plugins.module_utils.care.errors import Trouble

ARGUMENTS = {
    "days": {"type": "int", "default": 30},
    "machine": {"type": "str", "default": "this machine"},
}
ROOT = Path("/")


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    days, machine, now = module.params["days"], module.params["machine"], datetime.now(tz=UTC)
    try:
        found = certificates.found(ROOT)
    except Trouble as trouble:
        module.fail_json(msg=str(trouble))
    soon = certificates.ending(found, days, now)
    if soon:
        module.fail_json(msg=" ".join(certificates.sentence(one, machine, now) for one in soon))
    module.exit_json(changed=False, ends={one.path: f"{one.end:%Y-%m-%d}" for one in found})


if __name__ == "__main__":
    main()
