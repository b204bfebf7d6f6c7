"""What is to end ends, whatever happens in between, and only after what takes its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import (
    ending,
    server,
    table,
    typed,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import Outcome
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.exports import Exports

from tests.unit.roles.nfs_server.given import NETWORK, entry, wanted
from tests.unit.roles.nfs_server.serving import Killed, Server

A, B = entry("/srv/a"), entry("/srv/b")
BOTH, ONE, NONE = wanted(A, B), wanted(A), Exports((), ())
KEY_A, KEY_B = ("/srv/a", NETWORK), ("/srv/b", NETWORK)
WIDE = "192.168.0.0/16"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server on which both are in force."""
    made = Server(tmp_path, monkeypatch)
    server.put_in_force(BOTH, made.file, made)
    assert server.is_in_force(BOTH, made.file)
    made.ran.clear()
    return made


def cut(site: Server, exports: Exports, command: str) -> None:
    """A run that is killed when it comes to a command."""
    site.kill_at(command)
    with pytest.raises(Killed):
        server.put_in_force(exports, site.file, site)
    site.answers = {}


def refusal(site: Server, exports: Exports) -> str:
    with pytest.raises(Refused) as caught:
        server.put_in_force(exports, site.file, site)
    return str(caught.value)


@pytest.mark.parametrize("left", [ONE, NONE])
@pytest.mark.parametrize("command", ["exportfs -a", "exportfs -u"])
def test_a_run_that_is_cut_is_taken_up_by_the_next(
    site: Server, left: Exports, command: str
) -> None:
    cut(site, left, command)

    assert not server.is_in_force(left, site.file)
    assert server.others_exports(left, site.file) == []

    server.put_in_force(left, site.file, site)

    assert {*site.table()} == {(one.path, one.client) for one in left.exports}
    assert server.is_in_force(left, site.file)
    assert [path.name for path in site.folder.iterdir()] == (
        [site.file.name] if left is ONE else []
    )


def test_so_is_one_that_is_cut_while_the_exports_from_before_are_put_back(site: Server) -> None:
    def fail() -> Outcome:
        site.export({**site.table(), ("/srv/c", NETWORK): ""})
        return Outcome(1, "", "exportfs: Failed to stat /srv/d")

    site.kill_at("exportfs -u")
    site.answers["exportfs -a"] = fail
    with pytest.raises(Killed):
        server.put_in_force(wanted(A, B, entry("/srv/c")), site.file, site)
    site.answers = {}

    assert site.file.read_text() == BOTH.text()
    assert not server.is_in_force(BOTH, site.file)

    server.put_in_force(BOTH, site.file, site)

    assert {*site.table()} == {KEY_A, KEY_B}


def test_what_is_still_to_end_counts_for_a_withdrawal(site: Server) -> None:
    """Somebody may have mounted it meanwhile."""
    cut(site, ONE, "exportfs -u")

    assert "/srv/b" not in site.file.read_text()
    assert f"/srv/b {NETWORK}(" in ending.former(site.file)


def test_what_is_wanted_again_does_not_end(site: Server) -> None:
    cut(site, ONE, "exportfs -u")

    server.put_in_force(BOTH, site.file, site)

    assert [line for line in site.ran if f"-u {NETWORK}" in line] == [
        f"exportfs -u {NETWORK}:/srv/b"  # of the run that was cut
    ]
    assert {*site.table()} == {KEY_A, KEY_B}
    assert server.is_in_force(BOTH, site.file)


def test_what_still_stands_is_refused_at_each_run(site: Server) -> None:
    site.answers = {"exportfs -u": lambda: Outcome(1, "", "exportfs: Could not find it")}

    for __ in range(2):
        said = refusal(site, ONE)
        assert f"/srv/b is still exported to {NETWORK}, which was to end (exportfs: Could" in said
        assert f"`exportfs -u {NETWORK}:/srv/b`" in said
        assert not server.is_in_force(ONE, site.file)

    site.export({KEY_A: ""})  # by hand
    site.answers = {}
    server.put_in_force(ONE, site.file, site)

    assert server.is_in_force(ONE, site.file)


def test_a_word_of_exportfs_without_effect_is_not_taken_for_it(site: Server) -> None:
    site.answers = {"exportfs -u": lambda: Outcome(0)}

    assert "/srv/b is still exported to" in refusal(site, ONE)


def test_a_client_is_called_as_the_table_has_it(
    site: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def canonical(client: str) -> str:
        return f"{client}.lan" if client == "worker1" else client

    monkeypatch.setattr(ending, "canonical", canonical)
    monkeypatch.setattr(server, "canonical", canonical)
    monkeypatch.setattr(table.listed_as, "__defaults__", (canonical,))
    monkeypatch.setattr(table.complaints, "__defaults__", (canonical,))
    site.named = {"worker1": "worker1.lan"}
    server.put_in_force(wanted(A, entry("/srv/b", clients=["worker1"])), site.file, site)
    site.ran.clear()

    server.put_in_force(ONE, site.file, site)
    assert "exportfs -u worker1.lan:/srv/b" in site.ran
    assert {*site.table()} == {KEY_A}

    # nor does it end where the file has another of its names
    server.put_in_force(wanted(A, entry("/srv/b", clients=["worker1"])), site.file, site)
    server.put_in_force(wanted(A, entry("/srv/b", clients=["worker1.lan"])), site.file, site)
    assert ("/srv/b", "worker1.lan") in site.table()


def test_a_wider_client_is_served_before_the_narrower_ends(site: Server) -> None:
    server.put_in_force(wanted(A, entry("/srv/b", clients=[WIDE])), site.file, site)

    assert site.exportfs() == ["exportfs -a", f"exportfs -u {NETWORK}:/srv/b", "exportfs -a"]
    assert {*site.table()} == {KEY_A, ("/srv/b", WIDE)}


def test_nothing_ends_where_the_new_does_not_come_into_force(site: Server) -> None:
    site.named = {WIDE: "10.0.0.0/8"}  # the table lacks it then

    assert "the exports from before are back" in refusal(site, wanted(entry(clients=[WIDE])))

    assert [line for line in site.ran if "-u" in line] == []
    assert server.is_in_force(BOTH, site.file)


def test_an_export_to_everybody_may_become_one_to_a_network(site: Server) -> None:
    """It is in the table until that one is."""
    server.put_in_force(wanted(A, entry("/srv/b", clients=["*"])), site.file, site)

    server.put_in_force(BOTH, site.file, site)

    assert {*site.table()} == {KEY_A, KEY_B}


def test_what_another_file_exports_as_well_is_never_away(site: Server) -> None:
    site.main.write_text(f"/srv/b {NETWORK}(rw)\n/srv/c {NETWORK}(rw)\n")

    server.put_in_force(ONE, site.file, site)

    assert [line for line in site.ran if "-u" in line and "exportfs -u" in line] == []
    assert {*site.table()} == {KEY_A, KEY_B, ("/srv/c", NETWORK)}
    assert server.is_in_force(ONE, site.file)


def test_an_end_that_takes_a_wanted_one_with_it_leaves_that_exported(site: Server) -> None:
    """`exportfs -u` compares names by their addresses, which two of them may share."""
    unexport = site._unexport

    def unexport_more() -> Outcome:
        site.export({})
        return unexport(f"{NETWORK}:/srv/b")

    site.answers = {"exportfs -u": unexport_more}

    server.put_in_force(ONE, site.file, site)

    assert {*site.table()} == {KEY_A}


def test_what_is_to_end_was_not_typed_by_anybody(site: Server) -> None:
    cut(site, ONE, "exportfs -u")
    site.export({**site.table(), ("/srv/media", NETWORK): ""})
    file = site.folder / "typed.exports"

    assert {*typed.keep(file, site.etab, site)} == {("/srv/media", NETWORK)}
    assert "/srv/b" not in file.read_text()
