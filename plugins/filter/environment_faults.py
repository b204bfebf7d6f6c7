"""A proxy in a machine's own environment that programs of the cluster would ask for its nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ansible_collections.holdfast.nfs.plugins.module_utils.no_proxy import not_covered


def environment_faults(
    environment: Mapping[str, str], direct: Sequence[str], machine: str
) -> list[str]:
    """Why kubeadm and kubectl would not reach the cluster; a sentence, or none.

    Args:
        environment: of the machine, from the module kubernetes_state
        direct: what has to be reached without a proxy
        machine: its name in the inventory
    """
    variable, exceptions = environment["https_proxy"], environment["exceptions"] or "no_proxy"
    missing = not_covered(environment["no_proxy"], direct) if variable else []
    if not missing:
        return []
    said = (
        f"{variable} is set in the environment of {machine}, and kubeadm and kubectl would ask "
        f"that proxy for the cluster itself. Remove it there (/etc/environment, or the shell "
        f"where the connection is local) and set holdfast_proxy in the inventory; or add to "
        f"{exceptions} there: {','.join(missing)}"
    )
    return [f"{said}."]


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"environment_faults": environment_faults}
