"""What versions a cluster runs, and whether it can go to another."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import yaml

Object = Mapping[str, Any]

_RELEASE = re.compile(r"v([0-9]+)[.]([0-9]+)[.]([0-9]+)")
_STATIC_PODS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")


def upgrade_refusal(wanted: str, running: str | Sequence[str]) -> str:
    """Why a cluster cannot go from one version to another; empty when it can.

    Kubernetes goes up one minor version at a time, and never down.
    https://kubernetes.io/releases/version-skew-policy/

    Args:
        wanted: the version to go to
        running: the version of the API server, or those of all its parts: an upgrade that was
            broken off leaves two
    """
    versions = [running] if isinstance(running, str) else list(running)
    for version in [wanted, *versions]:
        if not _RELEASE.fullmatch(version):
            return _no_release(version, wanted)
    newest, oldest = max(versions, key=_parts), min(versions, key=_parts)
    if _parts(wanted) < _parts(newest):
        return (
            f"The cluster runs {newest}; Kubernetes does not go back to {wanted}. Set "
            f"kubernetes_node_version: {newest} in the inventory."
        )
    major, minor, __ = _parts(oldest)
    if _parts(wanted)[0] != major or _parts(wanted)[1] > minor + 1:
        return (
            f"The cluster runs {oldest}; go to a v{major}.{minor + 1} before {wanted}, "
            "one minor version at a time."
        )
    return ""


def worker_refusal(wanted: str, running: Mapping[str, str], worker: str, control_plane: str) -> str:
    """Why a worker is not upgraded yet; empty when it may be.

    A kubelet must not be newer than the API server.

    Args:
        wanted: the version to go to
        running: that of each part of the control plane, as `control_plane_versions` tells it
        worker: its name in the inventory
        control_plane: its name in the inventory
    """
    behind = [f"{part} runs {version}" for part, version in running.items() if version != wanted]
    if not behind:
        return ""
    return (
        f"{worker} is not upgraded to {wanted} before its control plane ({', '.join(behind)}): "
        f"upgrade {control_plane} first, with playbooks/upgrade.yml and a --limit that has it, or "
        "none."
    )


def _no_release(version: str, wanted: str) -> str:
    if version == wanted:
        return f'kubernetes_node_version is "{wanted}"; write it as v1.36.3.'
    return (
        f"The cluster runs {version}, which is no release of Kubernetes but one of a distribution "
        f"or before a release; playbooks/upgrade.yml does not bring it to {wanted}. Upgrade it as "
        "it was installed."
    )


def _parts(version: str) -> tuple[int, ...]:
    found = _RELEASE.fullmatch(version)
    return tuple(map(int, found.groups())) if found else ()


def control_plane_versions(text: str, server: str, node: str) -> dict[str, str]:
    """The version of each part of a control plane that an upgrade changes.

    kubeadm changes them one after the other, and kube-proxy last.

    Args:
        text: nodes, pods, daemonsets and configmaps of kube-system, as kubectl prints them
        server: the API server's own version
        node: the name of the control plane's node
    """
    items = json.loads(text)["items"]
    found = {
        **dict(_of_static_pods(items, node)),
        **dict(_of_configuration(items)),
        **dict(_of_kube_proxy(items)),
    }
    return {"kube-apiserver, as it answers": server} | found


def _of_static_pods(items: Sequence[Object], node: str) -> Iterator[tuple[str, str]]:
    for pod in _of_kind(items, "Pod"):
        part = pod["metadata"].get("labels", {}).get("component")
        if part in _STATIC_PODS and pod["spec"].get("nodeName") == node:
            yield from _of_image(part, pod["spec"])


def _of_kube_proxy(items: Sequence[Object]) -> Iterator[tuple[str, str]]:
    for one in _of_kind(items, "DaemonSet"):
        if one["metadata"]["name"] == "kube-proxy":
            yield from _of_image("kube-proxy", one["spec"]["template"]["spec"])


def _of_configuration(items: Sequence[Object]) -> Iterator[tuple[str, str]]:
    for one in _of_kind(items, "ConfigMap"):
        if one["metadata"]["name"] == "kubeadm-config":
            configuration = yaml.safe_load(one["data"]["ClusterConfiguration"])
            yield "kubeadm's configuration", str(configuration["kubernetesVersion"])


def _of_kind(items: Sequence[Object], kind: str) -> Iterator[Object]:
    return (item for item in items if item["kind"] == kind)


def _of_image(part: str, spec: Object) -> Iterator[tuple[str, str]]:
    """The tag of a pod's image; none where a digest stands in its place."""
    name = str(spec["containers"][0]["image"]).partition("@")[0].rpartition("/")[2]
    if tag := name.partition(":")[2]:
        yield part, tag


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {
            "control_plane_versions": control_plane_versions,
            "upgrade_refusal": upgrade_refusal,
            "worker_refusal": worker_refusal,
        }
