"""Whether a machine swaps, now and after a restart, by its files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from .files import content

# What else turns swap on at boot; Debian's packages name their services so.
SERVICES = ("dphys-swapfile.service", "zramswap.service")
_ENABLED = "etc/systemd/system"
# The second is of systemd-gpt-auto-generator, the first of that of zram.
_GENERATED = ("run/systemd/generator", "run/systemd/generator.late")
_LINE = re.compile(r"[ \t]*[^#\s]\S*[ \t]+\S+[ \t]+swap([ \t].*)?")
_OF_FSTAB = re.compile(r"(?m)^SourcePath=/etc/fstab$")


def swaps(root: Path) -> bool:
    """Whether it swaps now."""
    return len(content(root / "proc/swaps").splitlines()) > 1


def swap_lines(root: Path) -> list[str]:
    """The lines of /etc/fstab that turn swap on at boot; they are there when it is off, too."""
    lines = content(root / "etc/fstab").decode(errors="replace").splitlines()
    return [line for line in lines if _LINE.fullmatch(line)]


def enabled_swap_units(root: Path) -> list[str]:
    """Units that somebody enabled, and that turn swap on at boot."""
    links = (root / _ENABLED).glob("*.*/*")
    return sorted({link.name for link in links if _is_swap(link.name)})


def generated_swap_units(root: Path) -> list[str]:
    """Units that are made at each boot, but not from a line of /etc/fstab, and are not masked."""
    return sorted({path.name for path in _generated(root) if not _is_masked(root, path.name)})


def _is_swap(name: str) -> bool:
    return name.endswith(".swap") or name in SERVICES


def _generated(root: Path) -> Iterator[Path]:
    for folder in _GENERATED:
        for path in (root / folder).glob("*.swap"):
            if not _OF_FSTAB.search(content(path).decode(errors="replace")):
                yield path


def _is_masked(root: Path, name: str) -> bool:
    unit = root / _ENABLED / name
    return unit.is_symlink() and str(unit.readlink()) == "/dev/null"
