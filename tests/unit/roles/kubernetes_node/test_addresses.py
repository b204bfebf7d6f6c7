"""A node has an address of its machine, however the machine is called or reached."""

from __future__ import annotations

import json

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node.addresses import (
    node_address,
    own_addresses,
    resolve,
)

NAMES = {"control.example.com": ["192.168.41.11"], "control": ["127.0.1.1"]}


def found(wanted: str, *own: str) -> str:
    return node_address(wanted, own, lambda name: NAMES.get(name, []))


def test_an_address_of_its_own_is_taken_as_it_is() -> None:
    assert found("192.168.41.11", "10.0.2.15", "192.168.41.11") == "192.168.41.11"


def test_a_name_is_taken_for_what_the_machine_resolves_it_to() -> None:
    assert found("control.example.com", "10.0.2.15", "192.168.41.11") == "192.168.41.11"


@pytest.mark.parametrize("wanted", ["203.0.113.5", "nobody.example.com", "control", ""])
def test_behind_address_translation_a_machine_with_one_address_has_that_one(wanted: str) -> None:
    assert found(wanted, "10.0.0.5") == "10.0.0.5"


@pytest.mark.parametrize("wanted", ["203.0.113.5", "nobody.example.com", "control", ""])
def test_of_several_addresses_none_is_guessed(wanted: str) -> None:
    assert found(wanted, "10.0.0.5", "10.1.0.5") == ""


def test_a_name_that_nobody_knows_resolves_to_nothing() -> None:
    assert resolve("nobody.invalid") == []
    assert resolve("a" * 64 + ".invalid") == []


def test_a_machines_addresses_are_those_that_others_can_reach() -> None:
    links = [
        {"ifname": "lo", "addr_info": [{"local": "127.0.0.1", "scope": "host"}]},
        {"ifname": "eth0", "addr_info": [{"local": "192.168.41.11", "scope": "global"}]},
        {"ifname": "docker0", "addr_info": [{"local": "172.17.0.1", "scope": "global"}]},
        {"ifname": "cni0", "addr_info": [{"local": "10.244.0.1", "scope": "global"}]},
        {},  # as iproute2 prints a link without an address of the family
    ]

    assert own_addresses(json.dumps(links)) == ["192.168.41.11"]
