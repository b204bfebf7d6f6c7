"""The firewall lets in the clients of the exports, and those listed, and nobody else."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.firewall import (
    networks,
    render,
)


@pytest.mark.parametrize(
    ("called", "listed", "let_in"),
    [
        (["192.168.41.0/24"], [], ["192.168.41.0/24"]),
        (["192.168.41.0/24", "192.168.41.7"], [], ["192.168.41.0/24"]),
        (["10.0.0.1"], ["10.0.0.2", "fd00::/64"], ["10.0.0.1/32", "10.0.0.2/32", "fd00::/64"]),
        (["worker1", "@nodes"], ["10.0.0.0/8"], ["10.0.0.0/8"]),
        (["*", "10.0.0.1"], [], ["0.0.0.0/0", "::/0"]),
        ([], [], []),
    ],
)
def test_clients_are_let_in_by_their_networks(
    called: list[str], listed: list[str], let_in: list[str]
) -> None:
    assert [str(network) for network in networks(called, listed)] == let_in


@pytest.mark.parametrize(
    ("called", "listed", "sentence"),
    [
        (["worker1", "10.0.0.1"], [], "exports are for worker1; name the networks"),
        ([], ["worker1"], "nfs_server_firewall_clients: 'worker1' is a name; write its network"),
        ([], ["10.0.0.1/8"], "nfs_server_firewall_clients: client '10.0.0.1/8' is a host"),
    ],
)
def test_a_name_is_no_address(called: list[str], listed: list[str], sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        networks(called, listed)

    assert sentence in str(caught.value)


def test_others_are_dropped_at_the_ports_and_only_there() -> None:
    rules = render("nfs", networks(["10.0.0.0/8", "fd00::/64"], []), [2049, 111]).splitlines()

    assert rules[-6:] == [
        "    iif lo accept",
        "    ip saddr { 10.0.0.0/8 } accept",
        "    ip6 saddr { fd00::/64 } accept",
        "    meta l4proto { tcp, udp } th dport { 2049, 111 } drop",
        "  }",
        "}",
    ]


def test_without_clients_the_ports_are_closed() -> None:
    assert "accept\n    meta l4proto" in render("nfs", [], [2049]).replace("\n\n", "\n")
    assert "saddr" not in render("nfs", [], [2049])
