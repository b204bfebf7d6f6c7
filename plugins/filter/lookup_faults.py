"""Why a machine cannot do what variables name: a user, a time or a name that it does not know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

_REMEDIES = {
    "users": "who is no user of this machine; create the user, or name another.",
    "calendars": (
        "which is no time that comes again for a timer; write it as in systemd.time(7), such as "
        '"*-*-* 03:15:00" or "daily".'
    ),
    "names": (
        "which has no address there, and control_plane_hosts_entry is off; let the machine's name "
        "servers or its /etc/hosts know the name, or leave control_plane_hosts_entry on."
    ),
}


def lookup_faults(
    unknown: Mapping[str, Sequence[str]], wanted: Mapping[str, Mapping[str, str]], machine: str
) -> list[str]:
    """Why the machine cannot do what these variables name; a sentence each.

    Args:
        unknown: what it does not know, from the module machine_lookup
        wanted: the `users`, `calendars` and `names` that were looked up, each by its variable
        machine: its name in the inventory
    """
    return [
        f'{variable} is "{value}" on {machine}, {_REMEDIES[kind]}'
        for kind, variables in wanted.items()
        for variable, value in variables.items()
        if value in unknown[kind]
    ]


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"lookup_faults": lookup_faults}
