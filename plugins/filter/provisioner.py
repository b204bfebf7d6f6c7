"""What the provisioner could not do, and whether its pods run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.exports import read_exports

Object = Mapping[str, Any]

_NOT_PULLED = ("ErrImagePull", "ImagePullBackOff")


def rule_faults(rules: Sequence[Object], machine: str) -> list[str]:
    """The rules that do not hold; a sentence each.

    Args:
        rules: the `variable` that a rule is about, whether it `holds`, and what is `allowed`
        machine: its name in the inventory
    """
    return [
        f"{rule['variable']} on {machine} must be {rule['allowed']}."
        for rule in rules
        if not rule["holds"]
    ]


def export_faults(
    settings: Object, groups: Mapping[str, Sequence[str]], machines: Mapping[str, Object]
) -> list[str]:
    """What the provisioner is to use and the NFS servers of the inventory do not export.

    Args:
        settings: the provisioner's `server` and `path`, its `exports` and its `static_volumes`
        groups: the names of each group's machines
        machines: the variables of each machine, `hostvars`
    """
    names = {
        str(address): name
        for name in groups.get("nfs_servers", ())
        for address in (name, machines[name].get("ansible_host", name))
    }
    return [
        _not_exported(said, path, names[server], exported)
        for said, server, path in _used(settings)
        if server in names
        and (exported := _exported(machines[names[server]])) is not None
        and not any(PurePosixPath(path).is_relative_to(one) for one in exported)
    ]


def _used(settings: Object) -> Iterator[tuple[str, str, str]]:
    """How it is said, the server and the path of each export that is used."""
    server, exports = str(settings["server"]), settings["exports"]
    if not exports:
        yield "provisioner_nfs_path is", server, str(settings["path"])
    for export in exports:
        yield "provisioner_exports has", str(export["server"]), str(export["path"])
    first = str(exports[0]["server"]) if exports else server
    for volume in settings["static_volumes"]:
        of_volume = str(volume.get("server", first))
        yield "provisioner_static_volumes has", of_volume, str(volume["path"])


def _exported(variables: Object) -> list[str] | None:
    """The paths; None where the role nfs_server will refuse them anyway."""
    entries = variables.get("nfs_server_exports", [])
    try:
        return [directory.path for directory in read_exports(entries).directories]
    except (Refused, TypeError, KeyError, AttributeError):
        return None


def _not_exported(said: str, path: str, server: str, exported: Sequence[str]) -> str:
    return (
        f"{said} {path}, which {server} does not export; it exports "
        f"{', '.join(exported) or 'nothing'}. Name one of these, or add it to nfs_server_exports "
        f"of {server}."
    )


def rollout_is_done(text: str, nodes: str) -> bool:
    """Whether a deployment's pods are of its present version, and ready where their node is.

    A pod on a node that is down is not waited for, as long as another one is ready.

    Args:
        text: the deployment and its pods in one list, as `kubectl get --output json` prints them;
            empty where it could not ask
        nodes: the nodes, likewise
    """
    items = json.loads(text or "{}").get("items", [])
    down = {node["metadata"]["name"] for node in json.loads(nodes)["items"] if not _is_ready(node)}
    pods = [item for item in items if item["kind"] == "Pod" and _is_on(item, down)]
    deployments = [item for item in items if item["kind"] == "Deployment"]
    return bool(deployments) and all(_is_rolled_out(one, len(pods)) for one in deployments)


def rollout_advice(text: str) -> str:
    """What to do about pods that are not ready, as a sentence; empty where nothing is known.

    Args:
        text: the deployment and its pods in one list, as `kubectl get --output json` prints them;
            empty where it could not ask
    """
    pods = [item for item in json.loads(text or "{}").get("items", []) if item["kind"] == "Pod"]
    images = sorted({image for pod in pods for image in _not_pulled(pod)})
    if not images:
        return ""
    return (
        f"A node cannot pull {', '.join(images)}: build it with make image, which prints how to "
        "load it into the nodes, or name one that a registry has (provisioner_image_repository, "
        "provisioner_image_tag)."
    )


def _not_pulled(pod: Object) -> Iterator[str]:
    for one in pod.get("status", {}).get("containerStatuses", []):
        if one.get("state", {}).get("waiting", {}).get("reason") in _NOT_PULLED:
            yield str(one["image"])


def _is_rolled_out(deployment: Object, excused: int) -> bool:
    status, wanted = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    available = status.get("availableReplicas", 0)
    is_seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    is_current = status.get("updatedReplicas", 0) == status.get("replicas", 0) == wanted
    return bool(is_seen and is_current and available >= max(min(1, wanted), wanted - excused))


def _is_on(pod: Object, nodes: Iterable[str]) -> bool:
    return pod["spec"].get("nodeName") in nodes and not pod["metadata"].get("deletionTimestamp")


def _is_ready(node: Object) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {
            "export_faults": export_faults,
            "rollout_advice": rollout_advice,
            "rollout_is_done": rollout_is_done,
            "rule_faults": rule_faults,
        }
