"""What is looked at first on any machine, a server or a node."""

from __future__ import annotations

from testinfra.host import Host

from tests.testinfra.looking import clock_offset

testinfra_hosts = ["ansible://nfs_servers?sudo=true", "ansible://kubernetes?sudo=true"]

MOST_SECONDS = 2.0  # leases and certificates bear more; a log of two machines does not


def test_no_unit_has_failed(host: Host) -> None:
    failed = host.check_output("systemctl list-units --state=failed --plain --no-legend")

    assert failed == ""


def test_its_clock_goes_with_that_of_the_others(host: Host) -> None:
    assert clock_offset(host) < MOST_SECONDS
