"""The rules that let only clients in; see module_utils/nfs_server/firewall.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import firewall
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
    if before != after and not module.check_mode:
        write(path, after)
    headers = {"before_header": file, "after_header": file}
    changed = before != after
    return {
        "changed": changed,
        "pending": changed,
        "diff": {**headers, "before": before, "after": after},
    }


if __name__ == "__main__":
    main()
