"""Exports end when somebody says so, not because an inventory's variables are missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.exports import Exports
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.withdrawal import (
    check_withdrawal,
    connected_clients,
    ended,
    entries,
)

from tests.unit.roles.nfs_server.given import NETWORK, entry, wanted

NONE = Exports((), ())
BEFORE = wanted(entry("/srv/a"), entry("/srv/b", clients=["192.0.2.1", "fd00::/64"])).text()
CLIENT = "192.168.41.21"


def check(after: Exports, *withdrawn: str, connected: tuple[str, ...] = ()) -> None:
    check_withdrawal(after, BEFORE, withdrawn, connected)


def test_a_file_of_the_role_is_read_back() -> None:
    assert entries(BEFORE) == [
        ("/srv/a", NETWORK),
        ("/srv/b", "192.0.2.1"),
        ("/srv/b", "fd00::/64"),
    ]


def test_what_ends_is_what_is_wanted_no_longer() -> None:
    after = wanted(entry("/srv/a"), entry("/srv/b", clients=["192.0.2.1"]))

    assert ended(BEFORE, after) == [("/srv/b", "fd00::/64")]


def test_no_exports_at_all_are_refused_where_there_are_some() -> None:
    """Seen: an inventory that was copied without its group_vars withdrew everything."""
    with pytest.raises(Refused, match=r"this machine exports /srv/a, /srv/b; .*group_vars"):
        check(NONE)


def test_no_exports_at_all_are_what_a_new_machine_has() -> None:
    check_withdrawal(NONE, "", [], [])


@pytest.mark.parametrize("withdrawn", [("*",), ("/srv/a", "/srv/b")])
def test_all_exports_end_when_that_is_asked_for(withdrawn: tuple[str, ...]) -> None:
    check(NONE, *withdrawn, connected=(CLIENT,))


def test_one_of_two_that_nobody_uses_ends_without_a_word() -> None:
    check(wanted(entry("/srv/b", clients=["192.0.2.1", "fd00::/64"])))


def test_one_with_a_connected_client_is_refused_with_its_address() -> None:
    after = wanted(entry("/srv/b", clients=["192.0.2.1", "fd00::/64"]))

    with pytest.raises(
        Refused, match=rf"/srv/a would no .* {CLIENT} is connected .*\[\"/srv/a\"\]"
    ):
        check(after, "/srv/b", connected=(CLIENT,))
    check(after, "/srv/a", connected=(CLIENT,))


def test_a_client_that_is_served_under_another_name_loses_nothing() -> None:
    after = wanted(
        entry("/srv/a", clients=["192.168.0.0/16"]),
        entry("/srv/b", clients=["192.0.2.1", "fd00::/64"]),
    )

    check(after, connected=(CLIENT,))


def test_a_client_called_by_a_name_may_be_any_that_is_connected() -> None:
    before = wanted(entry("/srv/a", clients=["worker1"]), entry("/srv/b")).text()

    with pytest.raises(Refused, match="to worker1"):
        check_withdrawal(wanted(entry("/srv/b")), before, [], ["192.0.2.9"])


@pytest.mark.parametrize("client", ["backup.example.com", "@nodes", "*.example.com", "worker?"])
def test_a_client_is_not_served_by_a_name_that_is_not_its_own(client: str) -> None:
    after = wanted(entry("/srv/a", clients=[client]))
    elsewhere = {"backup.example.com": frozenset({"192.168.41.99"})}

    with pytest.raises(Refused, match=rf"/srv/a would no .* {CLIENT} is connected"):
        check_withdrawal(after, BEFORE, ["/srv/b"], [CLIENT], elsewhere.__getitem__)


def test_a_client_is_served_by_the_name_of_its_address_and_by_an_export_to_all() -> None:
    for client in ("worker1", "*"):
        after = wanted(entry("/srv/a", clients=[client]))
        check_withdrawal(after, BEFORE, ["/srv/b"], [CLIENT], lambda _: frozenset({CLIENT}))


def test_the_same_export_to_a_netgroup_goes_on() -> None:
    same = wanted(entry("/srv/a", clients=["@nodes"]))

    check_withdrawal(same, same.text(), [], [CLIENT])


FSIDS = [["rw"], ["rw", "fsid=7"], ["rw", "fsid=0"]]


@pytest.mark.parametrize("before", FSIDS)
@pytest.mark.parametrize("after", FSIDS)
def test_an_fsid_that_changes_ends_the_export_for_those_that_use_it(
    before: list[str], after: list[str]
) -> None:
    """Every file handle names it."""
    until_now = wanted(entry("/srv/a", options=before)).text()
    now = wanted(entry("/srv/a", options=after))

    check_withdrawal(now, until_now, [], ["192.0.2.9"])
    check_withdrawal(now, until_now, ["/srv/a"], [CLIENT])
    if before == after:
        check_withdrawal(now, until_now, [], [CLIENT])
        return
    with pytest.raises(Refused, match=rf"/srv/a would have another fsid .*{CLIENT} is connected"):
        check_withdrawal(now, until_now, [], [CLIENT])


def test_an_fsid_for_one_client_among_others_is_seen_too() -> None:
    """The server takes the narrower of two exports."""
    both = wanted(entry("/srv/a"), entry("/srv/a", clients=[CLIENT], options=["fsid=7"]))

    check_withdrawal(both, both.text(), [], [CLIENT, "192.168.41.22"])
    for before, after in ((wanted(entry("/srv/a")), both), (both, wanted(entry("/srv/a")))):
        check_withdrawal(after, before.text(), [], ["192.168.41.22"])
        with pytest.raises(Refused, match="would have another fsid"):
            check_withdrawal(after, before.text(), [], [CLIENT, "192.168.41.22"])


def test_connected_clients_are_known_by_their_addresses(tmp_path: Path) -> None:
    for number, address in enumerate((f"{CLIENT}:812", "[fd00::21]:700", f"{CLIENT}:900")):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}/info").write_text(
            f'clientid: 0x1\naddress: "{address}"\nname: "Linux NFSv4.2 worker1"\n'
        )

    assert connected_clients(tmp_path) == [CLIENT, "fd00::21"]
    assert connected_clients(tmp_path / "missing") == []
