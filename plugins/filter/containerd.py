"""What a machine's containerd can be told, and which versions of Kubernetes it can run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Object = Mapping[str, Any]

# The first kubelet that asks the runtime which cgroup driver it uses, and has no other way to know;
# containerd 1 does not answer. https://github.com/kubernetes/enhancements/issues/4033
WITHOUT_CONTAINERD_1 = (1, 38)
_IMAGE = re.compile(r"[\w.:/@-]+", re.ASCII)
_PATH = re.compile(r"(/[\w.+@:=,~-]+)+/?", re.ASCII)
_FORMS = {
    "container_runtime_sandbox_image": (_IMAGE, "an image, as registry.k8s.io/pause:3.10.2"),
    "container_runtime_program": (_PATH, "the whole path of a program, as /usr/bin/crun"),
    "container_runtime_cni_bin_dir": (_PATH, "the whole path of a directory, as /opt/cni/bin"),
}


def container_runtime_faults(wanted: Mapping[str, Any], machine: str) -> list[str]:
    """Why containerd could not use what its configuration would say; a sentence each.

    Args:
        wanted: the values, by their variables
        machine: its name in the inventory
    """
    return [
        f'{name} is "{value}" on {machine}; write {form}.'
        for name, value in wanted.items()
        for pattern, form in [_FORMS[name]]
        if not pattern.fullmatch(str(value))
    ]


def containerd_refusal(text: str, wanted: str) -> str:
    """Why a cluster's nodes cannot run a version with the containerd that they have; else empty.

    Args:
        text: a list with the nodes, as kubectl prints it
        wanted: the version of Kubernetes
    """
    nodes = [item for item in json.loads(text)["items"] if item["kind"] == "Node"]
    old = {
        node["metadata"]["name"]: version
        for node in nodes
        if (version := _of_node(node)).startswith("1.")
    }
    then = "exchange the packages on one node after the other as it says there, then upgrade"
    return _sentence(old, wanted, then)


def package_refusal(said: str, wanted: str, machine: str) -> str:
    """Why a machine cannot run a version with the containerd that apt has for it; else empty.

    Empty as well where there is no telling: apt may not have fetched its lists yet.

    Args:
        said: the output of `apt-cache policy` for the packages of the container runtime
        wanted: the version of Kubernetes
        machine: its name in the inventory
    """
    old = [version for version in _of_packages(said) if version.startswith("1.")]
    return _sentence({machine: old[0]} if old else {}, wanted, "then run this again")


def _of_node(node: Object) -> str:
    name, __, version = str(node["status"]["nodeInfo"]["containerRuntimeVersion"]).partition("://")
    return version if name == "containerd" else ""


def _of_packages(said: str) -> Iterator[str]:
    """The version of each package of containerd that is installed, or else would be."""
    for section in re.findall(r"(?m)^containerd\S*:\n((?:[ ].*\n?)+)", said):
        found = dict(re.findall(r"(?m)^  (Installed|Candidate): (?:\d+:)?(\S+)$", section))
        versions = [found.get("Installed", "(none)"), found.get("Candidate", "(none)")]
        yield next((version for version in versions if version != "(none)"), "")


def _sentence(old: Mapping[str, str], wanted: str, then: str) -> str:
    if not old or not _needs_containerd_2(wanted):
        return ""
    first = ".".join(map(str, WITHOUT_CONTAINERD_1))
    listed = " and ".join(f"{name} has {version}" for name, version in old.items())
    return (
        f"Kubernetes {wanted} does not run with containerd 1, as none does from {first} on, and "
        f"{listed}. Let container_runtime_packages name a containerd 2, from an apt source that "
        f'has one (docs/install.md, "containerd 2"), {then}; or stay below v{first}.'
    )


def _needs_containerd_2(version: str) -> bool:
    found = re.match(r"v(\d+)[.](\d+)[.]", version)
    return found is not None and (int(found[1]), int(found[2])) >= WITHOUT_CONTAINERD_1


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {
            "container_runtime_faults": container_runtime_faults,
            "containerd_refusal": containerd_refusal,
            "package_refusal": package_refusal,
        }
