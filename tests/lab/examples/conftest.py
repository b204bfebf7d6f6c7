"""The lab that stands, a namespace for each file of tests, and the table at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.errors import LabError
from tests.lab.examples.cluster import Cluster, Space, find_cluster
from tests.lab.examples.table import save, show

# What takes longest begins first, or all would wait for it at the end.
LONGEST = (
    "test_mysql_replication",
    "test_walkthrough",
    "test_httpd_own_namespace",
    "test_static_volumes",
    "test_deployment",
    "test_myapp",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files of tests in order; within a file it stays."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else 99)


def pytest_addoption(parser: pytest.Parser) -> None:
    """An option for who makes the README's picture."""
    parser.addoption("--picture", type=Path, help="write the examples' table as SVG")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """A line for each example: what was asserted, and how long it took."""
    listed = [
        report
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and "tests/lab/examples/" in report.nodeid
    ]
    if listed:
        terminalreporter.write_line(show(listed))
    picture = config.getoption("--picture", default=None)
    if listed and picture is not None:
        save(listed, picture)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The cluster of the lab that stands."""
    try:
        return find_cluster(tmp_path_factory.mktemp("cluster"))
    except LabError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="module")
def space(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Space]:
    """A namespace for the example that the file is named for."""
    name = request.path.stem.removeprefix("test_").replace("_", "-")
    made = Space(cluster, f"example-{name}")
    made.begin()
    yield made
    made.end()
