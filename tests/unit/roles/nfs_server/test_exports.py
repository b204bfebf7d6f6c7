"""The variable nfs_server_exports: what it says, and what is said about mistakes in it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.exports import (
    HEADER,
    Directory,
    read_exports,
)

from tests.unit.roles.nfs_server.given import NETWORK, entry, wanted


def lines(*entries: dict[str, Any]) -> list[str]:
    return wanted(*entries).text().splitlines()[1:]


def test_five_volumes_for_a_network_are_one_entry() -> None:
    volumes = entry("/data/volumes/v{1..5}", options=["rw", "no_root_squash"])

    assert lines(volumes) == [
        f"/data/volumes/v{number} {NETWORK}(sec=sys,rw,sync,no_subtree_check,no_root_squash)"
        for number in range(1, 6)
    ]


@pytest.mark.parametrize(
    ("path", "directories"),
    [
        ("/pv{001..003}", ["/pv001", "/pv002", "/pv003"]),
        ("/pv{08..11}", ["/pv08", "/pv09", "/pv10", "/pv11"]),
        ("/pv{9..010}", ["/pv009", "/pv010"]),
        ("/pv{9..11}", ["/pv9", "/pv10", "/pv11"]),
        ("/pv{0..1}/data", ["/pv0/data", "/pv1/data"]),
    ],
)
def test_a_range_is_padded_with_zeros_as_in_a_shell(path: str, directories: list[str]) -> None:
    assert [directory.path for directory in wanted(entry(path)).directories] == directories


@pytest.mark.parametrize(
    ("line", "form"),
    [
        ("/srv *(rw)", '{"path": "/srv", "clients": ["*"], "options": ["rw"]}'),
        (
            "/srv  10.0.0.1(ro,sync) 10.0.0.2(ro,sync)",
            '{"path": "/srv", "clients": ["10.0.0.1", "10.0.0.2"], "options": ["ro", "sync"]}',
        ),
        ("/srv", '{"path": "/srv", "clients": ["192.168.41.0/24"], "options": ["rw"]}'),
    ],
)
def test_a_line_of_exports_is_refused_with_the_form_that_is_wanted(line: str, form: str) -> None:
    with pytest.raises(Refused) as caught:
        read_exports([line])

    sentence = f"nfs_server_exports, entry 1, is a string; write it as a mapping: {form}"
    assert str(caught.value) == sentence


def test_a_directory_can_be_for_everybody() -> None:
    assert lines(entry("/nfsdata", clients=["*"])) == [
        "/nfsdata *(sec=sys,rw,sync,no_subtree_check,root_squash)"
    ]


def test_clients_with_other_options_stand_on_the_line_of_their_directory() -> None:
    writers, readers = entry(), entry(clients=["10.0.0.1"], options=["ro"])

    assert lines(writers, entry("/srv/other"), readers) == [
        (
            "/srv/nfs/k8s 192.168.41.0/24(sec=sys,rw,sync,no_subtree_check,root_squash) "
            "10.0.0.1(sec=sys,ro,sync,no_subtree_check,root_squash)"
        ),
        "/srv/other 192.168.41.0/24(sec=sys,rw,sync,no_subtree_check,root_squash)",
    ]


def test_an_absent_entry_says_nothing() -> None:
    exports = wanted(entry(state="absent"), entry("/srv/other", state="absent", clients=None))

    assert exports.exports == ()
    assert exports.directories == ()


def test_the_order_of_entries_changes_nothing() -> None:
    one, other = entry("/srv/a"), entry("/srv/b")

    assert wanted(one, other).text() == wanted(other, one).text()
    assert wanted().text().startswith(f"{HEADER}\n")


def test_directories_are_those_of_the_present_entries() -> None:
    exports = wanted(entry("/v{1..2}", owner="www-data", mode="0770"), entry(state="absent"))

    assert exports.directories == (
        Directory("/v1", "www-data", None, "0770"),
        Directory("/v2", "www-data", None, "0770"),
    )


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (entry("/"), "path '/' must be absolute, other than /"),
        (entry("srv/nfs"), "path 'srv/nfs' must be absolute"),
        (entry(""), "path '' must be absolute"),
        (entry("/srv/../etc"), "without '..'"),
        (entry("/srv/./nfs"), "path '/srv/./nfs' must be"),
        (entry("/srv//nfs"), "without '..', '//'"),
        (entry("/srv/nfs/"), "a slash at its end"),
        (entry("/srv/my data"), "path '/srv/my data' must be"),
        (entry("/srv/nfs\n/etc *(rw)"), "must be absolute"),
        (entry("/srv/nfs(rw)"), "path '/srv/nfs(rw)' must be"),
        (entry("/srv/#nfs"), "path '/srv/#nfs' must be"),
        (entry("/v{1..5"), "path '/v{1..5' must be"),
        (entry("/v{5..1}"), "a range must rise, by at most 1000"),
        (entry("/v{1..2000}"), "a range must rise, by at most 1000"),
        (entry(clients=[]), "clients are missing; name at least one"),
        (entry(clients=None), "clients are missing"),
        (entry(clients=[NETWORK, NETWORK]), f"exported to {NETWORK} already; keep one of the two"),
        (entry(clients=[NETWORK, "192.168.41.0/255.255.255.0"]), f"exported to {NETWORK} already"),
        (entry(clients=["10.0.0.0/8 (ro)"]), "it could mean the whole world"),
        (entry(options=["rw", "ro"]), "'rw' and 'ro' contradict each other"),
        (entry(options=["rww"]), "option 'rww' is unknown"),
        (entry(mode=777), "mode 777 is a number"),
        (entry(clients=["gss/krb5i"]), "use sec=krb5i in `options`"),
    ],
)
def test_a_mistake_is_named_with_its_entry(bad: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        wanted(entry("/srv/good"), bad)

    assert str(caught.value).startswith(f"nfs_server_exports, entry 2 ({bad['path']}): ")
    assert sentence in str(caught.value)


def test_two_entries_cannot_disagree_about_a_directory() -> None:
    with pytest.raises(Refused, match="owner, group and mode of /srv/nfs/k8s differ"):
        wanted(entry(owner="root"), entry(owner="nobody", clients=["10.0.0.1"]))


def test_two_directories_cannot_have_the_same_fsid() -> None:
    with pytest.raises(Refused, match="/srv/a and /srv/b both have fsid=7"):
        wanted(entry("/srv/a", options=["fsid=7"]), entry("/srv/b", options=["fsid=7"]))
