"""How the checks look at a machine, and what they take from the inventory and the roles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import yaml
from testinfra.host import Host

ROLES: Final = Path(__file__).parents[2] / "roles"
KUBECONFIG: Final = "/etc/kubernetes/admin.conf"


def settings(host: Host, role: str, machine: str = "") -> dict[str, Any]:
    """The role's variables on a machine (this one): the inventory's, else its defaults.

    They are not rendered; what is a template stays one.
    """
    defaults = yaml.safe_load((ROLES / role / "defaults/main.yml").read_text(encoding="utf-8"))
    name = machine or host.ansible.get_variables()["inventory_hostname"]
    return {**defaults, **host.backend.ansible_runner.get_variables(name)}


def machines(host: Host, group: str) -> dict[str, str]:
    """The address of each machine of a group of the inventory, by its name."""
    runner = host.backend.ansible_runner
    names = host.ansible.get_variables()["groups"].get(group, [])
    return {name: runner.get_variables(name).get("ansible_host", name) for name in names}


def kubectl(host: Host, *words: str) -> Any:
    """What the API server answers to kubectl on this machine, which is a control plane's."""
    command = " ".join(["kubectl --kubeconfig=%s --output=json", *["%s"] * len(words)])
    return json.loads(host.check_output(command, KUBECONFIG, *words))


def listeners(host: Host, protocol: str) -> set[tuple[str, int]]:
    """Address and port of everything that listens for `tcp` or `udp` from other machines."""
    lines = host.check_output("ss --no-header --numeric --listening --%s", protocol).splitlines()
    found = {tuple(line.split()[3].rsplit(":", 1)) for line in lines}
    return {
        (address, int(port))
        for address, port in found
        if not address.startswith(("127.", "[::1]")) and "%lo" not in address
    }
