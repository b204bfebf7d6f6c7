"""What a machine does not know of users, times and names; it changes nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: machine_lookup
short_description: Tell which users, times and names a machine does not know
description:
  - Looks them up and changes nothing, so that a variable that names one can be refused before
    anything is changed.
  - One task in place of many, because each costs a connection.
options:
  users:
    description: Users of the machine.
    type: list
    elements: str
    default: []
  calendars:
    description: Times at which a timer is to run, as in systemd.time(7).
    type: list
    elements: str
    default: []
  names:
    description: Names of other machines. The line of C(/etc/hosts) in which these roles write the
      name of the API server does not count.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Check a user and a time
  holdfast.nfs.machine_lookup:
    users: [admin]
    calendars: ["*-*-* 03:15:00"]
  register: looked
"""

RETURN = r"""
unknown:
  description: Those of O(users), O(calendars) and O(names) that the machine does not know.
  returned: always
  type: dict
  contains:
    users:
      description: Who is no user of the machine.
      type: list
      elements: str
    calendars:
      description: What is no time, or one that never comes.
      type: list
      elements: str
    names:
      description: What has no address.
      type: list
      elements: str
"""

import pwd
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node.names import is_known
from ansible_collections.holdfast.nfs.plugins.module_utils.packages import Run, runner

ROOT = Path("/")


def main() -> None:
    """Run as Ansible calls it."""
    some = {"type": "list", "elements": "str", "default": []}
    spec = {"users": some, "calendars": some, "names": some}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    run, asked = runner(module), module.params
    timed = bool(module.get_bin_path("systemd-analyze"))
    unknown = {
        "users": [user for user in asked["users"] if not _is_user(user)],
        "calendars": [time for time in asked["calendars"] if timed and not _comes(time, run)],
        "names": [name for name in asked["names"] if not is_known(name, ROOT, run)],
    }
    module.exit_json(unknown=unknown)


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _comes(calendar: str, run: Run) -> bool:
    """Whether it is a time, and one that is not over."""
    code, said = run("systemd-analyze", "calendar", "--", calendar)
    return code == 0 and "Next elapse: never" not in said


if __name__ == "__main__":
    main()
