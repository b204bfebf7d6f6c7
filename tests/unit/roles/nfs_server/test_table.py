"""The server's own table is asked whether it does what was wanted."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.table import (
    complaints,
    read_table,
)

from tests.unit.roles.nfs_server.given import NETWORK, SHOWN, entry, wanted


def complain(shown: str, client: str = NETWORK) -> list[str]:
    names = {"worker1": "worker1.example.org"}
    exports = wanted(entry(clients=[client])).exports
    return complaints(exports, read_table(shown), lambda name: names.get(name, name))


def test_there_is_nothing_to_say_about_what_was_wanted() -> None:
    assert complain(f"/srv/nfs/k8s\t{NETWORK}({SHOWN})\n/other 10.0.0.1(ro)\n") == []


def test_a_host_is_listed_under_the_name_of_its_address() -> None:
    assert complain(f"/srv/nfs/k8s worker1.example.org({SHOWN})", client="worker1") == []


@pytest.mark.parametrize(
    ("shown", "sentence"),
    [
        ("", f"/srv/nfs/k8s for {NETWORK} is missing; if it is called by a name, the server must"),
        (f"/srv/nfs/k8s 10.0.0.0/8({SHOWN})", f"/srv/nfs/k8s for {NETWORK} is missing"),
        (
            f"/srv/nfs/k8s {NETWORK}({SHOWN.replace('rw', 'ro')})",
            f"/srv/nfs/k8s for {NETWORK} has 'ro' instead of 'rw'",
        ),
        (
            f"/srv/nfs/k8s {NETWORK}({SHOWN})\n/srv/nfs/k8s *({SHOWN})",
            "/srv/nfs/k8s is exported to everybody (*), which was not asked for",
        ),
    ],
)
def test_what_is_otherwise_is_named(shown: str, sentence: str) -> None:
    found = complain(shown)

    assert len(found) == 1
    assert sentence in found[0]


def test_everybody_is_no_complaint_when_asked_for() -> None:
    assert complain(f"/srv/nfs/k8s *({SHOWN})", client="*") == []
