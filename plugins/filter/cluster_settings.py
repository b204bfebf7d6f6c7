"""What every node has to know of its cluster, as the control plane has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.common.yaml import yaml_load

DEFAULTS = Path(__file__).parents[2] / "roles/control_plane/defaults/main.yml"
NAMES = (
    "control_plane_pod_network",
    "control_plane_service_network",
    "control_plane_endpoint",
    "control_plane_cluster_domain",
    "control_plane_hosts_entry",
)


def cluster_settings(control_plane: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of the cluster that every node has to know, by their names.

    The inventory may give them to the control plane alone; and a role's defaults are not among the
    variables of a machine that another one sees.

    Args:
        control_plane: the variables of the control plane, of `hostvars`
    """
    defaults = yaml_load(DEFAULTS.read_text(encoding="utf-8"))
    return {name: control_plane.get(name, defaults[name]) for name in NAMES}


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"cluster_settings": cluster_settings}
