"""The two forms that a lab's machines may have, and which of them is meant."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from testbed.errors import LabError
from testbed.lab.interface import Lab
from testbed.lab.lab import UmlLab
from testbed.lab.layout import Layout
from testbed.lab.vagrant import VagrantLab, VagrantLayout

VARIABLE: Final = "HOLDFAST_LAB_MACHINES"  # which `make … LAB=` sets
UML: Final = "uml"
VAGRANT: Final = "vagrant"


def form(environment: Mapping[str, str]) -> str:
    """The form that is meant: the one that is named, else that of the lab that stands.

    Raises:
        LabError: one is named that there is not.
    """
    named = environment.get(VARIABLE) or (VAGRANT if VagrantLayout().stands else UML)
    if named not in {UML, VAGRANT}:
        raise LabError(
            f"LAB (the variable {VARIABLE}) is {named!r}; it may be {VAGRANT}, for machines of "
            f"KVM or VirtualBox, or {UML}, for User-mode Linux"
        )
    return named


def open_lab(layout: Layout, report: Callable[[str], None] = print) -> Lab:
    """The lab of a name, in the form that is meant.

    Raises:
        LabError: there is no such lab.
    """
    if form(os.environ) == VAGRANT:
        return VagrantLab.of(layout, report)
    return UmlLab(layout, report)


def has_virtualisation(cpuinfo: Path, device: Path) -> bool:
    """Whether machines run at full speed here: some have the device and no processor for it."""
    try:
        flags = set(cpuinfo.read_text().split())
    except OSError:
        return False
    return bool(flags & {"vmx", "svm"}) and os.access(device, os.R_OK | os.W_OK)
