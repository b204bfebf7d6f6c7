"""Clients: what the server would take for somebody else, or for everybody, is refused."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.clients import (
    network_of,
    read_client,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused


@pytest.mark.parametrize(
    ("text", "client"),
    [
        ("192.168.41.0/24", "192.168.41.0/24"),
        ("192.168.41.0/255.255.255.0", "192.168.41.0/24"),
        (" 192.168.41.7 ", "192.168.41.7"),
        ("FD00::1", "fd00::1"),
        ("fd00::/64", "fd00::/64"),
        ("*", "*"),
        ("worker1", "worker1"),
        ("worker-1.example.org", "worker-1.example.org"),
        ("*.example.org", "*.example.org"),
        ("node[0-9].example.org", "node[0-9].example.org"),
        ("@nodes", "@nodes"),
        ("@rack.7", "@rack.7"),
        ("@7", "@7"),
    ],
)
def test_a_client_has_one_spelling(text: str, client: str) -> None:
    assert read_client(text) == client


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("10.0.0.0/8 (ro)", "it could mean the whole world; options belong into `options`"),
        ("10.0.0.0/8(ro)", "options belong into `options`"),
        ("worker1 worker2", "each client is an element of its own"),
        ("10.1.2.3/8", "is a host with a network's mask; write 10.0.0.0/8 or the host"),
        ("10.0.0.0/33", "is no network; write it as 192.168.41.0/24 or fd00::/64"),
        ("gss/krb5", "names no machine; use sec=krb5 in `options`"),
        ("gss/krb5i", "names no machine; use sec=krb5i in `options`"),
        ("gss/krb5p", "names no machine; use sec=krb5p in `options`"),
        ("gss/spkm-3", "is no network"),
        ("@192.0.2.7", "is a netgroup with the name of an address; write 192.0.2.7 without @"),
        ("@192.0.2.0/24", "write 192.0.2.0/24 without @"),
        ("@192.0.2.*", "is a netgroup with the name of an address"),
        ("@fd00::1", "write fd00::1 without @"),
        ("192.168.41", "is neither an address nor a network"),
        ("192.168.*", "is neither an address nor a network"),
        ("300.1.1.1", "is neither an address nor a network"),
        ("-worker", "is none; it must be an address"),
        ("worker,other", "is none; it must be an address"),
        ("@", "is none; it must be an address"),
        ("", "is none; it must be an address"),
        ("wörker", "is none; it must be an address"),
        ("#", "is none; it must be an address"),
    ],
)
def test_what_is_no_client_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        read_client(text)

    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("client", "network"),
    [("192.168.41.7", "192.168.41.7/32"), ("fd00::/64", "fd00::/64"), ("*", "None"), ("a", "None")],
)
def test_only_addresses_mean_something_to_a_firewall(client: str, network: str) -> None:
    assert str(network_of(client)) == network
