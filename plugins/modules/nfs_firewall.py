"""The rules that let only clients in; see module_utils/nfs_server/firewall.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nfs_firewall
short_description: Load the nftables rules that let only clients of exports in
description:
  - Writes a file for C(nft --file) with a table of its own. It accepts the clients of O(exports)
    and the networks of O(clients), and drops all others at O(ports).
  - Loads it where the kernel has no such table, or one with other rules, as after C(nft flush
    ruleset). A unit of systemd has to load it with the machine.
options:
  file:
    description: The file that is written.
    type: path
    required: true
  table:
    description: The name of the table, of the family C(inet).
    type: str
    required: true
  clients:
    description: Networks that are let in beside the clients of O(exports). Needed for clients that
      are called by a name, because the rules know addresses only.
    type: list
    elements: str
    required: true
  ports:
    description: The ports, TCP and UDP.
    type: list
    elements: int
    required: true
extends_documentation_fragment:
  - holdfast.nfs.attributes
  - holdfast.nfs.exports
attributes:
  diff_mode:
    support: full
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Allow only the export's clients and an administrator's network
  holdfast.nfs.nfs_firewall:
    file: /etc/nftables.d/nfs_server.nft
    table: nfs_server
    exports:
      - path: /srv/nfs/k8s
        clients: [192.168.41.0/24]
    clients: [192.168.40.0/24]
    ports: [2049]
"""

RETURN = r"""
pending:
  description: Whether the file or the kernel's table was to be changed, which C(changed_when) does
    not override.
  returned: success
  type: bool
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import firewall, live
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import run
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.exports import (
    ENTRY,
    read_exports,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.server import write

ARGUMENTS = {
    "file": {"type": "path", "required": True},
    "table": {"type": "str", "required": True},
    "exports": {"type": "list", "elements": "dict", "options": ENTRY, "required": True},
    "clients": {"type": "list", "elements": "str", "required": True},
    "ports": {"type": "list", "elements": "int", "required": True},
}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        result = _apply(module, **module.params)
    except Refused as refused:
        module.fail_json(msg=str(refused))
    module.exit_json(**result)


def _apply(
    module: AnsibleModule,
    *,
    file: str,
    table: str,
    exports: list[dict[str, Any]],
    clients: list[str],
    ports: list[int],
) -> dict[str, Any]:
    path = Path(file)
    called = [export.client for export in read_exports(exports).exports]
    before = path.read_text() if path.exists() else ""
    after = firewall.render(table, firewall.networks(called, clients), ports)
    written, loaded = before == after, live.is_loaded(table, after, run)
    if not written and not module.check_mode:
        write(path, after)
    if not loaded and not module.check_mode:
        live.load(table, after, file, run)
    headers = {"before_header": file, "after_header": file}
    changed = not (written and loaded)
    return {
        "changed": changed,
        "pending": changed,
        "diff": {**headers, "before": before, "after": after},
    }


if __name__ == "__main__":
    main()
