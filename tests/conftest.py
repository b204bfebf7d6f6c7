"""What tests of several folders share: one real control plane, and a namespace for each test."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from testbed.controlplane import ControlPlane
from testbed.kubelet import Kubelet
from testbed.programs import Programs, find_programs
from testbed.programs.release import ask_no_official_server
from testbed.supplies import find_helm

# Also what tests start: no test reaches out to the internet.
ask_no_official_server(os.environ)

# A busy machine takes long for one example; the mutants' plugin has loaded a profile of its own.
if settings.get_current_profile_name() == "default":
    settings.register_profile(
        "untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("untimed")

_numbers = itertools.count(1)
# Parts of the paths of tests that render the chart.
_OF_THE_CHART = ("/chart/", "test_chart", "roles/provisioner/", "test_role_provisioner")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Have the programs before other processes run the tests; this one will not collect any.

    A shell has what it runs in the background ignore SIGINT, and so would all that tests start.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and session.config.getoption("numprocesses", None):
        find_programs(terminal.write_line)
        find_helm(terminal.write_line)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have the programs before the first test: building them takes longer than a test may."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or session.config.option.collectonly:
        return
    if any("programs" in getattr(item, "fixturenames", ()) for item in session.items):
        find_programs(terminal.write_line)
    if any(part in item.nodeid for item in session.items for part in _OF_THE_CHART):
        find_helm(terminal.write_line)


@pytest.fixture(scope="session")
def programs() -> Programs:
    """Etcd, kube-apiserver, kube-controller-manager and kubectl."""
    return find_programs()


@pytest.fixture(scope="session")
def control_plane(
    programs: Programs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControlPlane]:
    """A control plane for all tests that leave it running; others start one of their own."""
    folder = tmp_path_factory.mktemp("control-plane")
    with ControlPlane(programs, folder, api_qps=2000) as running:
        yield running


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A namespace of this test alone; its deletion is asked for at the end, not awaited."""
    name = f"test-{next(_numbers)}"
    control_plane.client.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    control_plane.client.send("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def kubelet(control_plane: ControlPlane, namespace: str) -> Iterator[Kubelet]:
    """What stands in for scheduler and kubelet, in this test's namespace only."""
    with Kubelet(control_plane.client, namespace) as running:
        yield running
