"""How the machines are reached: an ssh configuration, and the inventory that names it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from testbed.lab import network
from testbed.lab.commands import run
from testbed.lab.layout import Layout
from testbed.lab.machines import EXPORT_DEVICE, NETWORK, USER, Machine
from testbed.lab.services import FILES_URL, REGISTRY_URL

REGISTRIES: Final = ("registry.k8s.io", "ghcr.io", "docker.io")
_GROUPS: Final = ("nfs_servers", "control_plane", "workers")


def ssh_config(layout: Layout, machines: Sequence[Machine]) -> str:
    """The configuration of ssh: through the lab's network, to machines whose keys are known."""
    addresses = NETWORK.rpartition(".")[0] + ".*"
    lines = [f"Host {machine.name}\n  HostName {machine.address}\n" for machine in machines]
    lines.append(
        f"Host {addresses} {' '.join(machine.name for machine in machines)}\n"
        f"  User {USER}\n"
        f"  IdentityFile {layout.key}\n"
        "  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {layout.run / 'known_hosts'}\n"
        "  GlobalKnownHostsFile none\n"
        "  StrictHostKeyChecking yes\n"
        f"  ProxyCommand {' '.join(network.inside(layout.namespace))} nc %h %p\n"
        # Of this lab alone: others have machines of the same addresses.
        f"  ControlPath {layout.control_path}\n"
        "  ConnectTimeout 20\n"
        # A machine whose power was cut says nothing: a kept connection to it must end.
        "  ServerAliveInterval 10\n"
        "  ServerAliveCountMax 3\n"
        "  LogLevel ERROR\n"
    )
    return "\n".join(lines)


def known_hosts(keys: dict[Machine, Path]) -> str:
    """The known_hosts of the machines; each has the private key at its path."""
    return "".join(
        f"{machine.name},{machine.address} {key.with_suffix('.pub').read_text()}"
        for machine, key in keys.items()
    )


def ssh(layout: Layout, name: str, command: str, deadline: float) -> str:
    """Run a command on a machine; what it wrote to stdout.

    Raises:
        LabError: it failed, or had not ended after `deadline` seconds.
    """
    words = ["ssh", "-F", str(layout.ssh_config), "-o", "BatchMode=yes"]
    return run([*words, name, command], deadline=deadline)


def inventory(layout: Layout, machines: Sequence[Machine]) -> str:
    """The inventory, with the lab's addresses where a user's has the official ones."""
    return render(layout, machines, _host, _variables(layout))


def render(
    layout: Layout,
    machines: Sequence[Machine],
    host: Callable[[Machine], dict[str, Any]],
    variables: dict[str, Any],
) -> str:
    """An inventory of the machines in their groups.

    Args:
        layout: of the lab.
        machines: which.
        host: the variables of one.
        variables: those of all.
    """
    groups: dict[str, Any] = {
        name: {"hosts": {one.name: host(one) for one in machines if one.group == name}}
        for name in _GROUPS
    }
    nodes = {name: groups.pop(name) for name in ("control_plane", "workers")}
    groups["kubernetes"] = {"children": nodes}
    tree = {"all": {"vars": variables, "children": groups}}
    head = (
        f"# Written by `python -m testbed.lab up` for the lab {layout.name!r}, gone with it.\n---\n"
    )
    return head + yaml.safe_dump(tree, sort_keys=False)


def _host(machine: Machine) -> dict[str, Any]:
    disk = {"export_disk": EXPORT_DEVICE} if machine.export_disk else {}
    return {"ansible_host": machine.address, **disk}


def _variables(layout: Layout) -> dict[str, Any]:
    return {
        "ansible_user": USER,
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_private_key_file": str(layout.key),
        "ansible_ssh_common_args": f"-F {layout.ssh_config}",
        # Without compression: there is no wire to spare, and few processors.
        # Ansible's own path of the connection's socket would be that of another lab's machine.
        "ansible_ssh_args": "-o ControlMaster=auto -o ControlPersist=600s"
        f" -o ControlPath={layout.control_path}",
        "ansible_pipelining": True,
        "container_runtime_mirrors": dict.fromkeys(REGISTRIES, REGISTRY_URL),
        "kubernetes_node_ignored_checks": ["NumCPU"],  # `guest.arguments` says why there is one
        "kubernetes_node_release_url": f"{FILES_URL}/release",
        "provisioner_helm_url": f"{FILES_URL}/helm",
    }
