"""What of containerd is another's: packages that would go, and a configuration that was written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..packages import Run, installed  # noqa: TID252 - Ansible sends them as they lie

# The first line of the role's template.
MARK = "# Written by Ansible, role container_runtime."
DOCKERS = "containerd.io"
DISTRIBUTIONS = frozenset({"containerd", "runc"})  # what Docker's takes the place of


@dataclass(frozen=True, slots=True)
class Wanted:
    """The role's variables of the same names."""

    packages: Sequence[str]  # none where only the configuration is asked about
    configuration: Path
    replace_configuration: bool


def faults(wanted: Wanted, run: Run) -> list[str]:
    """What the role would take from another; a sentence each, of "this machine"."""
    return [*_packages(wanted, run), *_configuration(wanted, run)]


def is_foreign(file: Path, run: Run) -> bool:
    """Whether somebody wrote this file; the role did not, and it is not as a package brought it."""
    if not file.exists() or _is_ours(file):
        return False
    checksum = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
    return (
        f" {file} {checksum}" not in run("dpkg-query", "--show", "--showformat=${Conffiles}\n")[1]
    )


def _is_ours(file: Path) -> bool:
    return file.exists() and file.read_text(errors="replace").startswith(MARK)


def _packages(wanted: Wanted, run: Run) -> Iterator[str]:
    if not wanted.packages:
        return
    there = installed((DOCKERS, *wanted.packages), run)
    gone = set() if there >= {*wanted.packages} else {*_removed(wanted, run)}
    if DOCKERS in there - {*wanted.packages}:
        gone.add(DOCKERS)
    if DOCKERS in gone:
        others = [name for name in wanted.packages if name not in {"containerd", "runc"}]
        yield (
            f"this machine runs Docker's package {DOCKERS}, which apt would remove for "
            f"{', '.join(wanted.packages)}, and Docker with it; use it as the runtime: set "
            f"container_runtime_packages to [{', '.join([DOCKERS, *others])}] for this machine"
        )
    elif gone and gone <= DISTRIBUTIONS and _is_ours(wanted.configuration):
        yield (
            f"apt would remove {', '.join(sorted(gone))} from this machine for "
            f"{', '.join(wanted.packages)}, and its pods run with them; exchange them by hand once "
            'the node is drained: docs/install.md, "containerd 2"'
        )
    elif gone:
        yield (
            f"apt would remove {', '.join(sorted(gone))} from this machine for "
            f"{', '.join(wanted.packages)}; remove them first where nobody needs them, or set "
            "container_runtime_packages to what goes with them"
        )


def _removed(wanted: Wanted, run: Run) -> Iterator[str]:
    """What apt says that it would remove; nothing where it does not know the packages yet."""
    code, out = run(
        "apt-get", "--simulate", "--quiet", "--no-install-recommends", "install", *wanted.packages
    )
    if code == 0:
        yield from re.findall(r"^Remv (\S+)", out, re.MULTILINE)


def _configuration(wanted: Wanted, run: Run) -> Iterator[str]:
    file = wanted.configuration
    if not wanted.replace_configuration and is_foreign(file, run):
        yield (
            f"{file} on this machine was written by somebody else, and containerd may serve others "
            "with it; set container_runtime_replace_configuration to true to have it replaced (a "
            "copy of it stays beside it), or move it away"
        )
