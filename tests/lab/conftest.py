"""What machines are made from, made before the first test; and a word where none can be made."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from testbed.errors import LabError
from testbed.lab import host
from testbed.lab.forms import VAGRANT, form
from testbed.lab.image import find_image
from testbed.lab.interface import Lab, Wish
from testbed.lab.kernel import find_kernel
from testbed.lab.machines import MACHINES, SUITES, chosen
from testbed.lab.packages import find_packages
from testbed.lab.vagrant import VagrantLayout
from testbed.packages import need
from testbed.supplies import DEFAULT_VERSIONS, building, filling, registry_storage, release_tree
from testbed.supplies.recipes import PREVIOUS_VERSION
from tests.lab.site import standing

Report = Callable[[str], None]

HERE = Path(__file__).parent
# Those whose machines get no Kubernetes.
BARE = {"test_flannel_cni", "test_lab", "test_supplies", "test_vagrantfile"}
VAGRANT_PACKAGES = ("vagrant", "vagrant-libvirt")  # VirtualBox's provider is a part of it


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Where machines cannot be made, say so; CI has to be able to."""
    why = "" if os.environ.get("CI") else _why_not()
    for item in _ours(items):
        if why:
            item.add_marker(pytest.mark.skip(why))
        elif form(os.environ) == VAGRANT and item.get_closest_marker("uml"):
            item.add_marker(pytest.mark.skip("of the lab in User-mode Linux"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have what machines are made from first: making it takes longer than a test may."""
    files = {item.path.stem for item in _ours(session.items) if not item.get_closest_marker("skip")}
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if files and terminal is not None and not session.config.option.collectonly:
        _make_materials(files, terminal.write_line)


def _ours(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The tests of this folder; those of the examples have a lab that stands."""
    return [item for item in items if item.path.parent == HERE]


def _why_not() -> str:
    try:
        if form(os.environ) == VAGRANT:
            return _why_not_vagrant()
        host.check_root()
        host.check_system()
        host.check_room(MACHINES, Path("/var/tmp"))
    except LabError as error:
        return f"not run here: {error}"
    return ""


def _why_not_vagrant() -> str:
    """There is only one such lab, and tests end theirs."""
    if shutil.which("vagrant") is None:
        return "not run here: vagrant is not on PATH"
    if VagrantLayout().stands:
        return "not run here: the lab of the Vagrantfile stands; end it with make lab-down"
    return ""


def _make_materials(files: set[str], report: Report) -> None:
    if form(os.environ) == VAGRANT:
        return
    need((*host.PACKAGES, *filling.PACKAGES, *VAGRANT_PACKAGES), "to make and try machines", report)
    find_kernel(report)
    for suite in SUITES:
        find_packages(find_image(suite, report), report)
    if files - BARE:
        former = [PREVIOUS_VERSION] if "test_upgrade" in files else []
        for make in (release_tree, registry_storage):
            make(report, (*DEFAULT_VERSIONS, *former))
    if "test_image_build" in files:
        building.find_debian(report)
        building.find_python(report)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """The machines nfs and worker2, without Kubernetes."""
    with standing("test-lab", Wish(chosen(["nfs", "worker2"]), bare=True)) as made:
        yield made
