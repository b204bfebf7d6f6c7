"""The NFS server's settings in /etc/nfs.conf.d; see module_utils/nfs_server/settings.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nfs_settings
short_description: Write the NFS server's settings of an NFS server
description:
  - Writes a file in C(/etc/nfs.conf.d), and sees that the settings of all files together are those;
    where they are not, the file from before is put back.
  - Fails where there is no such file yet, the server has exports of others, and would no longer do
    for them what it does. The sentence has the options that keep it as it is.
  - Fails where the kernel cannot serve NFS. Does not restart the server, but tells what the one
    that runs does otherwise.
options:
  state:
    description:
      - V(written) writes the file.
      - V(running) changes nothing, and fails where the server that runs does otherwise.
    type: str
    choices: [written, running]
    default: written
  file:
    description: The file that is written.
    type: path
    required: true
  versions:
    description: The protocol versions that are served, of V(3), V(4.0), V(4.1) and V(4.2).
    type: list
    elements: str
    required: true
  threads:
    description: The number of the server's threads, 1 to 4096.
    type: int
    required: true
  grace_time:
    description: Seconds after a start in which clients reclaim their locks, 10 to 3600.
    type: int
    required: true
  lease_time:
    description: Seconds after which a silent client loses its locks, 10 to 3600.
    type: int
    required: true
  manage_gids:
    description: Whether the server looks up the groups of a user itself.
    type: bool
    required: true
  mountd_port:
    description: The port of rpc.mountd. Used with NFSv3 only, like the ports that follow.
    type: int
    required: true
  statd_port:
    description: The port of rpc.statd.
    type: int
    required: true
  statd_outgoing_port:
    description: The port from which rpc.statd calls.
    type: int
    required: true
  lockd_port:
    description: The port of the kernel's lock manager.
    type: int
    required: true
extends_documentation_fragment:
  - holdfast.nfs.attributes
attributes:
  diff_mode:
    support: full
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Serve NFSv4 alone
  holdfast.nfs.nfs_settings:
    file: /etc/nfs.conf.d/nfs_server.conf
    versions: ["4.1", "4.2"]
    threads: 16
    grace_time: 90
    lease_time: 90
    manage_gids: false
    mountd_port: 20048
    statd_port: 32765
    statd_outgoing_port: 32766
    lockd_port: 32803
"""

RETURN = r"""
pending:
  description: Whether the file was to be changed, which C(changed_when) does not override.
  returned: success
  type: bool
outdated:
  description: What the server that runs does otherwise than the options say.
  returned: success
  type: dict
  contains:
    server:
      description: The settings that a restart of C(nfs-server.service) applies.
      type: list
      elements: str
      sample: [/proc/fs/nfsd/threads is 8 and not 16]
    statd:
      description: The settings that a restart of C(rpc-statd.service) applies, before one of the
        server.
      type: list
      elements: str
      sample: [the port of rpc.statd is 40001 and not 32765]
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import settings
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.already import check_others
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import run
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.running import (
    Differences,
    differences,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.server import write

ARGUMENTS = {
    "state": {"choices": ["written", "running"], "default": "written"},
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
    file, state = Path(values.pop("file")), values.pop("state")
    wanted = settings.Settings(**values)
    try:
        wanted.check()
        settings.check_kernel(run)
        result = _write(module, wanted, file) if state == "written" else {"changed": False}
        found = differences(wanted, run)
        if state == "running":
            _check_running(found)
    except Refused as refused:
        module.fail_json(msg=str(refused))
    module.exit_json(**result, outdated=asdict(found))


def _check_running(found: Differences) -> None:
    if found.server or found.statd:
        raise Refused(
            "the NFS server was restarted and still does otherwise than its settings say: "
            f"{'; '.join([*found.server, *found.statd])}; see nfs.conf(5), and journalctl --unit "
            "nfs-server on this machine"
        )


def _write(module: AnsibleModule, wanted: settings.Settings, file: Path) -> dict[str, Any]:
    if not file.exists():
        check_others(wanted, run)
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
