"""The folder of a release server: Kubernetes' programs as dl.k8s.io has them, Helm as get.helm.sh.

release/v1.36.3/bin/linux/amd64/kubeadm, and kubeadm.sha256 beside it
helm/helm-v3.22.0-linux-amd64.tar.gz, and the same name with .sha256sum
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from testbed.programs import find_program
from testbed.programs.recipes import Recipe
from testbed.supplies.archive import add_file, digest, packed
from testbed.supplies.recipes import HELM, HELM_VERSION, KUBERNETES

_SERVED: Final = ("kubeadm", "kubelet", "kubectl")


def served(version: str) -> Mapping[str, Recipe]:
    """The programs of one Kubernetes version that machines fetch."""
    return {name: KUBERNETES[version][name] for name in _SERVED}


def write_kubernetes(target: Path, version: str, arch: str, report: Callable[[str], None]) -> None:
    """Write the programs of one version beneath `target`, as links to those in the cache."""
    folder = target / "release" / version / "bin" / "linux" / arch
    folder.mkdir(parents=True)
    for name, recipe in served(version).items():
        program = find_program(recipe, report)
        os.link(program, folder / name)
        (folder / f"{name}.sha256").write_text(f"{digest(program)}\n")


def write_helm(target: Path, arch: str, report: Callable[[str], None]) -> None:
    """Write Helm's archive beneath `target`."""
    program = find_program(HELM, report)
    folder = target / "helm"
    folder.mkdir(parents=True)
    archive = folder / f"helm-{HELM_VERSION}-linux-{arch}.tar.gz"
    with packed(archive) as opened:
        add_file(opened, f"linux-{arch}/helm", program, mode=0o755)
    (folder / f"{archive.name}.sha256sum").write_text(f"{digest(archive)}  {archive.name}\n")
