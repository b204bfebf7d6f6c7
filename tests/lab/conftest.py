"""One lab of two machines, one of each release, for all tests that leave it running."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from testbed.lab.image import find_image
from testbed.lab.kernel import find_kernel
from testbed.lab.lab import Lab, Wish
from testbed.lab.layout import Layout
from testbed.lab.machines import SUITES, chosen
from testbed.lab.packages import find_packages

Report = Callable[[str], None]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have what machines are made from first: making it takes longer than a test may."""
    needed = any("tests/lab/" in item.nodeid for item in session.items)
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if needed and terminal is not None and not session.config.option.collectonly:
        _make_materials(terminal.write_line)


def _make_materials(report: Report) -> None:
    find_kernel(report)
    for suite in SUITES:
        find_packages(find_image(suite, report), report)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The machines nfs and worker2, without Kubernetes."""
    made = Lab(Layout("test-lab"))
    made.down()
    made.up(Wish(chosen(["nfs", "worker2"]), bare=True))
    yield made
    made.down()
