"""Where the programs of the control plane come from; for each, the first of these that has it.

1. `$KUBEBUILDER_ASSETS/NAME`, as other Kubernetes projects' tests take them.
2. The cache, `${XDG_CACHE_HOME:-~/.cache}/holdfast/programs/KEY/NAME`.
3. A release server: that of Kubernetes, and of etcd, or the mirror that `HOLDFAST_RELEASE_URL` (for
   etcd `HOLDFAST_ETCD_URL`) names; none with `HOLDFAST_RELEASE_URL=none`, as the tests have it.
4. The Go modules of its recipe, built here.

What 3 and 4 make goes into the cache. Containers and distribution packages were rejected: the
one needs a registry and rights, the other has no kube-apiserver.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from testbed.errors import ProgramError
from testbed.programs import build
from testbed.programs.cache import Cache
from testbed.programs.recipes import (
    APISERVER,
    CONTROLLER_MANAGER,
    ETCD,
    KUBECTL,
    Recipe,
    architecture,
    cache_key,
)
from testbed.programs.release import Downloads

__all__ = ["Programs", "find_program", "find_programs"]


@dataclass(frozen=True)
class Programs:
    """The four programs; each path is an executable file."""

    etcd: Path
    apiserver: Path
    controller_manager: Path
    kubectl: Path


def find_programs(report: Callable[[str], None] = print) -> Programs:
    """Find the programs, or fetch or build those that are missing (minutes, the first time).

    Args:
        report: told in one line what takes long.

    Raises:
        ProgramError: one can be had nowhere; nothing half-made is left.
    """
    downloads = Downloads(report)  # one for all: a server that does not answer is asked once

    def find(recipe: Recipe) -> Path:
        return _given(recipe.name) or find_program(recipe, report, downloads)

    return Programs(
        etcd=find(ETCD),
        apiserver=find(APISERVER),
        controller_manager=find(CONTROLLER_MANAGER),
        kubectl=find(KUBECTL),
    )


def find_program(
    recipe: Recipe,
    report: Callable[[str], None] = print,
    downloads: Downloads | None = None,
) -> Path:
    """Find one program in exactly the version of its recipe: in the cache, or made for it.

    Args:
        recipe: which one.
        report: told in one line what takes long.
        downloads: those of other programs, where there are some.

    Raises:
        ProgramError: it can be had nowhere; nothing half-made is left.
    """
    cache = Cache(cache_key(architecture(), recipe.module))
    source = downloads or Downloads(report)

    def make(partial: Path) -> None:
        if not source.fetch(recipe, partial):
            build.build(recipe, partial, cache.root, report, source.refusals.values())

    try:
        return cache.made(recipe.name, make, report)
    except OSError as error:
        raise ProgramError(
            f"{recipe.name} could not be put into {cache.root} ({error}); "
            "let XDG_CACHE_HOME name a folder with 1 GB free"
        ) from error


def _given(name: str) -> Path | None:
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    if not folder:
        return None
    path = Path(folder, name).absolute()
    return path if path.is_file() and os.access(path, os.X_OK) else None
