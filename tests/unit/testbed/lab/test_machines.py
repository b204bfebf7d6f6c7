"""The table of machines, and which of them somebody means."""

from __future__ import annotations

import ipaddress

import pytest

from testbed.errors import LabError
from testbed.lab.machines import GATEWAY, MACHINES, NETWORK, SUITES, chosen, spread


def test_no_two_machines_share_a_name_an_address_or_a_card() -> None:
    for attribute in ("name", "address", "mac"):
        values = [getattr(machine, attribute) for machine in MACHINES]
        assert len(set(values)) == len(values), attribute


def test_every_machine_is_in_the_network_and_none_is_its_gateway() -> None:
    network = ipaddress.ip_network(NETWORK)
    addresses = [ipaddress.ip_address(machine.address) for machine in MACHINES]

    assert all(address in network for address in addresses)
    assert ipaddress.ip_address(GATEWAY) not in addresses


def test_cards_have_addresses_that_no_vendor_gives_out() -> None:
    assert all(int(machine.mac[:2], 16) & 0b11 == 0b10 for machine in MACHINES)


def test_the_workers_prove_both_releases() -> None:
    suites = {machine.suite for machine in MACHINES if machine.group == "workers"}

    assert suites == set(SUITES)


def test_all_machines_fit_into_24_gib_with_room_for_the_host() -> None:
    assert sum(machine.memory for machine in MACHINES) < 12 * 1024


def test_no_name_means_all_machines() -> None:
    assert chosen([]) == list(MACHINES)


def test_names_are_taken_in_the_tables_order() -> None:
    assert [machine.name for machine in chosen(["worker1", "nfs"])] == ["nfs", "worker1"]


def test_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(LabError, match=r"no machine 'wroker1'.* it has nfs, control, worker1"):
        chosen(["wroker1"])


def test_of_two_processors_the_workers_share_one() -> None:
    placed = {machine.name: processor for machine, processor in spread([4, 7]).items()}

    assert placed == {"control": 4, "nfs": 4, "worker1": 7, "worker2": 7}


def test_where_there_are_enough_processors_each_machine_has_its_own() -> None:
    assert len(set(spread(range(8)).values())) == len(MACHINES)


def test_one_processor_has_all_machines() -> None:
    assert set(spread([3]).values()) == {3}
