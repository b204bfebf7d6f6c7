"""Whether a machine needs what only NFSv3 needs: one decision, whichever roles it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean


def needs_nfs_v3(variables: Mapping[str, Any], groups: Sequence[str]) -> bool:
    """Whether rpcbind and rpc.statd stay on the machine.

    Args:
        variables: of the machine, as the inventory has them
        groups: that it is in
    """
    versions = variables.get("nfs_server_versions", ())
    named = versions.split(",") if isinstance(versions, str) else map(str, versions)
    serves = "nfs_servers" in groups and "3" in [version.strip() for version in named]
    mounts = "kubernetes" in groups and boolean(variables.get("nfs_client_v3", False))
    return serves or bool(mounts)


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"needs_nfs_v3": needs_nfs_v3}
