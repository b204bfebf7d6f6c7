"""What the role worker reads from kubeadm."""

from __future__ import annotations

import re
from collections.abc import Callable

JOIN = re.compile(
    r"kubeadm join (?P<endpoint>\S+) --token (?P<token>\S+)\s+"
    r"--discovery-token-ca-cert-hash (?P<hash>\S+)"
)


def join_discovery(command: str) -> dict[str, object]:
    """The `bootstrapToken` of a JoinConfiguration, from the command that kubeadm printed.

    Raises:
        ValueError: it printed something else.
    """
    found = JOIN.search(command)
    if found is None:
        raise ValueError("kubeadm token create printed no command to join with.")
    return {
        "apiServerEndpoint": found["endpoint"],
        "token": found["token"],
        "caCertHashes": [found["hash"]],
    }


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"join_discovery": join_discovery}
