"""A unit of systemd that runs with its files as they are; see module_utils/systemd/current.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: unit_current
short_description: Restart a systemd unit that runs with other files than there are
description:
  - Compares the time at which the unit started with the times of the files that it reads then, and
    asks systemd whether it has read the unit's own. So it does not matter which run changed them,
    or whether that run came to its end.
  - Has systemd read its files again where it has to, and restarts the unit if it runs. One that
    does not run is left so, unless O(started) is set.
options:
  name:
    description: The unit. A path stands for the mount there.
    type: str
    required: true
  files:
    description: What the unit reads when it starts, and its own file. Those that are not there do
      not count.
    type: list
    elements: path
    default: []
  outdated:
    description: Whether to restart a unit that runs, whatever the files' times are. For a check,
      which changes no file, and for what other modules found.
    type: bool
    default: false
  restart:
    description: Whether the unit is restarted. With V(false) only systemd reads its files again.
    type: bool
    default: true
  started:
    description: Whether the unit is started and enabled as well, where it is not.
    type: bool
    default: false
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Write the configuration
  ansible.builtin.template:
    src: config.toml.j2
    dest: /etc/containerd/config.toml
    mode: "0644"
  register: written

- name: Run containerd with that configuration
  holdfast.nfs.unit_current:
    name: containerd
    files: [/etc/containerd/config.toml]
    outdated: "{{ written is changed }}"
    started: true
"""

RETURN = r"""
reasons:
  description: Why the unit was not current.
  returned: success
  type: list
  elements: str
  sample: [/etc/containerd/config.toml is newer]
"""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.systemd.current import (
    PROPERTIES,
    Clock,
    Verdict,
    properties,
    verdict,
)

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "files": {"type": "list", "elements": "path", "default": []},
    "outdated": {"type": "bool", "default": False},
    "restart": {"type": "bool", "default": True},
    "started": {"type": "bool", "default": False},
}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    name = module.params["name"]
    found = _look(module, name)
    restart = module.params["restart"] and bool(found.reasons)
    calls = [*_calls(name, found, restart=restart, started=module.params["started"])]
    if not module.check_mode:
        _settle(found.ahead if restart else ())
        for words in calls:
            _systemctl(module, *words)
    module.exit_json(changed=bool(calls), reasons=list(found.reasons))


def _look(module: AnsibleModule, name: str) -> Verdict:
    shown = _systemctl(
        module, "show", "--timestamp=us+utc", f"--property={','.join(PROPERTIES)}", name
    )
    files = [Path(path) for path in module.params["files"]]
    clock = Clock(time.time(), time.clock_gettime(time.CLOCK_MONOTONIC))
    known = properties(shown)
    return verdict(name, known, files, clock, outdated=module.params["outdated"])


def _calls(name: str, found: Verdict, *, restart: bool, started: bool) -> Iterator[tuple[str, ...]]:
    """The words after `systemctl`."""
    if found.unread or restart:
        yield ("daemon-reload",)
    if restart:
        yield "restart", name
    if started and found.disabled:
        yield "enable", name
    if started and found.stopped:
        yield "start", name


def _settle(ahead: Sequence[Path]) -> None:
    """A file from a time to come would be newer than the process until then; its time is now."""
    for path in ahead:
        times = path.stat()
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _systemctl(module: AnsibleModule, *words: str) -> str:
    result: Any = module.run_command(["systemctl", *words])
    code, out, err = result
    if code:
        module.fail_json(
            msg=f"systemctl {' '.join(words)} failed: {err.strip() or out.strip()} "
            f"See journalctl --unit {words[-1]} on this machine."
        )
    return str(out)


if __name__ == "__main__":
    main()
