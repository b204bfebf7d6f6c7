"""What a lab's release server and its image registry hold, made from modules and packages.

No release server and no registry is needed to make it: programs are built from Go modules, images
from these programs and from Debian's packages. All of it is cached beside the testbed's programs.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from testbed.packages import need
from testbed.programs import find_program
from testbed.programs.cache import Cache
from testbed.programs.recipes import KUBERNETES_VERSION, Recipe, architecture, cache_key
from testbed.supplies import debian, filling, release
from testbed.supplies.images import images
from testbed.supplies.oci import FORMAT
from testbed.supplies.provisioner import push_provisioner
from testbed.supplies.recipes import HELM

__all__ = ["copy_storage", "find_helm", "push_provisioner", "registry_storage", "release_tree"]

Report = Callable[[str], None]
DEFAULT_VERSIONS = (KUBERNETES_VERSION,)


def find_helm(report: Report = print) -> Path:
    """The Helm program."""
    return find_program(HELM, report)


def release_tree(report: Report = print, versions: Sequence[str] = DEFAULT_VERSIONS) -> Path:
    """The folder for a release server to serve: `release/` and `helm/`.

    Args:
        report: told in one line what takes long.
        versions: of Kubernetes, from `recipes.KUBERNETES`.

    Raises:
        ProgramError: a program can be had nowhere.
    """
    arch = architecture()
    recipes = [HELM, *(row for version in versions for row in release.served(version).values())]

    def write(partial: Path) -> None:
        release.write_helm(partial, arch, report)
        for version in versions:
            release.write_kubernetes(partial, version, arch, report)

    key = _key(*versions, *_keys(recipes, arch))
    return Cache(key, "release").made("tree", write, report)


def registry_storage(report: Report = print, versions: Sequence[str] = DEFAULT_VERSIONS) -> Path:
    """The storage folder of a docker-registry with all images; to be read only.

    Args:
        report: told in one line what takes long.
        versions: of Kubernetes, from `recipes.KUBERNETES`.

    Raises:
        TestbedError: an image cannot be made.
    """
    arch = architecture()
    wanted = images(tuple(versions))
    recipes = [recipe for image in wanted for recipe in image.programs.values()]

    def write(partial: Path) -> None:
        need(filling.PACKAGES, "to make images", report)
        filling.fill(partial, wanted, arch, report)

    key = _key(FORMAT, repr(wanted), debian.DESCRIPTION, *_keys(recipes, arch))
    return Cache(key, "registry").made("tree", write, report)


def copy_storage(storage: Path, target: Path) -> None:
    """Give a registry a storage folder of its own to write to.

    Blobs are linked: a registry never changes them. The rest is copied, as it is written in place.
    """
    shutil.copytree(storage, target, copy_function=_link_blob)


def _link_blob(source: str, target: str) -> None:
    if Path(source).name == "data":
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def _keys(recipes: Iterable[Recipe], arch: str) -> list[str]:
    return [f"{recipe.name} {cache_key(arch, recipe.module)}" for recipe in recipes]


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
