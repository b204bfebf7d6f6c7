"""The files and interfaces of the role's pod network, known by content and not by name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIGURATIONS = "etc/cni/net.d"
UNITS = ("pod-network.service", "pod-forwarding.service")
_SYSTEMD = "etc/systemd/system"
_MARK = "# Written by Ansible, role pod_network"


@dataclass(frozen=True, slots=True)
class Network:
    """One that the role makes."""

    provider: str  # as pod_network_provider names it
    file: str
    name: str
    kinds: tuple[str, ...]  # of its CNI plugins
    interfaces: tuple[str, ...]
    leftovers: tuple[str, ...] = ()


# Both as the role's templates have them; flannel's own manifest writes another version.
_VERSION = "1.0.0"
NETWORKS = (
    Network(
        "routes",
        "10-bridge.conflist",
        "pods",
        ("bridge", "portmap"),
        ("cni0",),
        ("var/lib/cni/networks/pods",),
    ),
    Network(
        "flannel",
        "10-flannel.conflist",
        "cbr0",
        ("flannel", "portmap"),
        ("cni0", "flannel.1"),
        ("run/flannel", "var/lib/cni/flannel", "var/lib/cni/networks/cbr0"),
    ),
)


def found(root: Path, plugins: str) -> dict[str, Any]:
    """What of the role is there, as the module `pod_network_state` returns it.

    Args:
        root: of the machine's files
        plugins: where flannel's plugin was put
    """
    own = [network for network in NETWORKS if is_own(root, network)]
    units = [unit for unit in UNITS if _text(root / _SYSTEMD / unit).startswith(_MARK)]
    there = [path for path in _paths(own, plugins, units) if (root / path).exists()]
    return {
        "providers": [network.provider for network in own],
        "units": units,
        "interfaces": sorted({name for network in own for name in network.interfaces}),
        # The configurations come last: by them the rest is known.
        "files": [f"/{path}" for path in there],
    }


def is_own(root: Path, network: Network) -> bool:
    """Whether the configuration of that name is the role's."""
    try:
        written = json.loads(_text(root / CONFIGURATIONS / network.file))
    except ValueError:
        return False
    return isinstance(written, Mapping) and _is_same(written, network)


def _is_same(written: Mapping[str, Any], network: Network) -> bool:
    plugins = written.get("plugins")
    if not isinstance(plugins, list) or not all(isinstance(one, Mapping) for one in plugins):
        return False
    kinds = tuple(one.get("type") for one in plugins)
    named = (written.get("cniVersion"), written.get("name"), kinds)
    return named == (_VERSION, network.name, network.kinds)


def _paths(own: list[Network], plugins: str, units: list[str]) -> Iterator[str]:
    yield from (f"{_SYSTEMD}/{unit}" for unit in units)
    for network in own:
        yield from network.leftovers
        if "flannel" in network.kinds:
            yield f"{plugins.lstrip('/')}/flannel"
    yield from (f"{CONFIGURATIONS}/{network.file}" for network in own)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ""
