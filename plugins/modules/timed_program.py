"""A program of module_utils/care that a timer runs, with what it needs, on the machine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: timed_program
short_description: Install a program that takes care of a cluster, and the timer that runs it
description:
  - Copies the programs of this collection that need nothing but Python to
    C(/usr/local/lib/holdfast_machine), and writes a service and a timer of systemd for one of them.
  - One task in place of many, because each costs a connection.
  - Units of these names that something else wrote are refused and left as they are.
options:
  name:
    description: The name of both units, without their ends.
    type: str
    required: true
  state:
    description: With V(absent) the timer is stopped and both units are removed, and the programs
      with the last of them. What a program has made stays.
    type: str
    choices: [present, absent]
    default: present
  program:
    description: The program, for V(present).
    type: str
    choices: [take_snapshot, renew_certificates]
  arguments:
    description: Its command line.
    type: list
    elements: str
    default: []
  description:
    description: What it does, for C(systemctl status).
    type: str
    default: ""
  calendar:
    description: When it is run, as in systemd.time(7).
    type: str
    default: daily
  seconds:
    description: After how many seconds it is ended.
    type: int
    default: 1800
  writes:
    description: The folders in which alone it may write, beside C(/run). Those that are missing are
      made for root alone. Without any, it may write where root may.
    type: list
    elements: path
    default: []
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Create a snapshot of etcd each night
  holdfast.nfs.timed_program:
    name: holdfast-etcd-snapshot
    description: Take a snapshot of etcd
    program: take_snapshot
    arguments: [--directory, /var/backups/etcd, --keep, "7"]
    calendar: "*-*-* 03:15:00"
"""

RETURN = r"""
command:
  description: The command line that the service has; it is run in C(/usr/local/lib).
  returned: when O(state=present)
  type: list
  elements: str
"""

import pkgutil
import shutil
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils import care, control_plane
from ansible_collections.holdfast.nfs.plugins.module_utils.care import (
    certificates,
    copy_snapshot,
    errors,
    etcd,
    files,
    kubeadm,
    notes,
    renew_certificates,
    shelf,
    snapshot_file,
    static_pods,
    take_snapshot,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.control_plane import kubeconfig
from ansible_collections.holdfast.nfs.plugins.module_utils.systemd.timer import (
    HEADER,
    LIBRARY,
    PACKAGE,
    Timed,
)

UNITS = Path("/etc/systemd/system")
FOLDER = Path(LIBRARY, PACKAGE)
# What the programs consist of. Named one by one, so that Ansible sends them with the module.
PARTS = {
    "care": (
        care,
        certificates,
        copy_snapshot,
        errors,
        etcd,
        files,
        kubeadm,
        notes,
        renew_certificates,
        shelf,
        snapshot_file,
        static_pods,
        take_snapshot,
    ),
    "control_plane": (control_plane, kubeconfig),
}
OWN = "holdfast-*.service"
ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "program": {"type": "str", "choices": ["take_snapshot", "renew_certificates"]},
    "arguments": {"type": "list", "elements": "str", "default": []},
    "description": {"type": "str", "default": ""},
    "calendar": {"type": "str", "default": "daily"},
    "seconds": {"type": "int", "default": 1800},
    "writes": {"type": "list", "elements": "path", "default": []},
}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(
        ARGUMENTS, supports_check_mode=True, required_if=[("state", "present", ["program"])]
    )
    name = module.params["name"]
    paths = [UNITS / f"{name}.{kind}" for kind in ("service", "timer")]
    for path in paths:
        if path.exists() and not path.read_text().startswith(HEADER):
            module.fail_json(
                msg=f"{path} was not written by these roles and is left as it is; rename that unit."
            )
    if module.params["state"] == "absent":
        module.exit_json(changed=_remove(module, paths))
    _present(module, paths)


def _present(module: AnsibleModule, paths: list[Path]) -> None:
    chosen = {key: value for key, value in module.params.items() if key != "state"}
    timed = Timed(**chosen)
    _check_calendar(module, timed.calendar)
    units = dict(zip(paths, (timed.service(), timed.timer()), strict=True))
    wanted = _programs() | units
    changed = [path for path, text in wanted.items() if _differs(path, text)]
    runs = _runs(module, paths[1].name)
    missing = [path for path in map(Path, timed.writes) if not path.exists()]
    if not module.check_mode:
        for path in missing:
            path.mkdir(mode=0o700, parents=True)
        for path in changed:
            _write(path, wanted[path])
        _start(module, paths[1].name, changed=bool(units.keys() & {*changed}), runs=runs)
    module.exit_json(changed=bool(changed or missing) or not runs, command=timed.command())


def _programs() -> dict[Path, str]:
    """The text of each file; from the archive in which Ansible sends a module's parts."""
    texts = {FOLDER / "__init__.py": f"{HEADER}\n"}
    for folder, (package, *modules) in PARTS.items():
        for name in ("__init__", *(module.__name__.rpartition(".")[2] for module in modules)):
            found = pkgutil.get_data(package.__name__, f"{name}.py")
            if found is None:
                raise FileNotFoundError(name)
            texts[FOLDER / folder / f"{name}.py"] = found.decode()
    return texts


def _check_calendar(module: AnsibleModule, calendar: str) -> None:
    code, __, err = _run(module, "systemd-analyze", "calendar", calendar)
    if code:
        module.fail_json(
            msg=f'"{calendar}" is no time for a timer; write it as in systemd.time(7), such as '
            f'"*-*-* 03:15:00" or "daily". {err.strip()}'
        )


def _differs(path: Path, text: str) -> bool:
    return not path.exists() or path.read_text(errors="replace") != text


def _write(path: Path, text: str) -> None:
    """Replace the file as a whole; others may read it."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(text)
    new = Path(file.name)
    new.chmod(0o644)
    new.replace(path)


def _runs(module: AnsibleModule, timer: str) -> bool:
    """Whether the timer is active as its files are, also where a run was cut before a reload."""
    asked = [_run(module, "systemctl", verb, timer)[0] for verb in ("is-active", "is-enabled")]
    service = timer.replace(".timer", ".service")
    shown = _run(module, "systemctl", "show", "--property=NeedDaemonReload", timer, service)[1]
    return not any(asked) and "NeedDaemonReload=yes" not in shown


def _start(module: AnsibleModule, timer: str, *, changed: bool, runs: bool) -> None:
    if changed or not runs:
        _must(module, "systemctl", "daemon-reload")
        _must(module, "systemctl", "enable", timer)
        _must(module, "systemctl", "restart", timer)


def _remove(module: AnsibleModule, paths: list[Path]) -> bool:
    there = [path for path in paths if path.exists()]
    if there and not module.check_mode:
        _must(module, "systemctl", "disable", "--now", paths[1].name)
        for path in there:
            path.unlink()
        _must(module, "systemctl", "daemon-reload")
        _run(module, "systemctl", "reset-failed", paths[0].name)  # a failure of former days
        if not any(path.read_text().startswith(HEADER) for path in UNITS.glob(OWN)):
            shutil.rmtree(FOLDER, ignore_errors=True)
    return bool(there)


def _must(module: AnsibleModule, *words: str) -> None:
    code, out, err = _run(module, *words)
    if code:
        module.fail_json(msg=f"{' '.join(words)} failed: {err.strip() or out.strip()}")


def _run(module: AnsibleModule, *words: str) -> tuple[int, str, str]:
    result: Any = module.run_command(list(words))
    code, out, err = result
    return int(code), str(out), str(err)


if __name__ == "__main__":
    main()
