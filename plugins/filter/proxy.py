"""What the roles do with a proxy."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.holdfast.nfs.plugins.module_utils.proxy import proxy_environment


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"proxy_environment": proxy_environment}
