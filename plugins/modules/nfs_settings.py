"""The NFS server's settings in /etc/nfs.conf.d; see module_utils/nfs_server/settings.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import settings
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import run
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.server import write

ARGUMENTS = {
    "file": {"type": "path", "required": True},
    "versions": {"type": "list", "elements": "str", "required": True},
    "threads": {"type": "int", "required": True},
    "grace_time": {"type": "int", "required": True},
    "lease_time": {"type": "int", "required": True},
    "manage_gids": {"type": "bool", "required": True},
    "mountd_port": {"type": "int", "required": True},
    "statd_port": {"type": "int", "required": True},
    "statd_outgoing_port": {"type": "int", "required": True},
    "lockd_port": {"type": "int", "required": True},
}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    values = dict(module.params)
    file = Path(values.pop("file"))
    try:
        result = _apply(module, settings.Settings(**values), file)
    except Refused as refused:
        module.fail_json(msg=str(refused))
    module.exit_json(**result)


def _apply(module: AnsibleModule, wanted: settings.Settings, file: Path) -> dict[str, Any]:
    wanted.check()
    settings.check_kernel(run)
    before = file.read_text() if file.exists() else ""
    after = settings.render(wanted.sections())
    if before == after:
        settings.check_effect(wanted.sections(), run)
    elif not module.check_mode:
        _replace(file, before, wanted.sections())
    headers = {"before_header": str(file), "after_header": str(file)}
    changed = before != after
    return {
        "changed": changed,
        "pending": changed,
        "diff": {**headers, "before": before, "after": after},
    }


def _replace(file: Path, before: str, sections: settings.Sections) -> None:
    """Write the file; if it has not the effect, the one from before is put back."""
    write(file, settings.render(sections))
    try:
        settings.check_effect(sections, run)
    except Refused:
        write(file, before or None)
        raise


if __name__ == "__main__":
    main()
