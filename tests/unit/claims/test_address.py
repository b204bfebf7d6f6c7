"""The address of the export: which servers and which paths are this export's.

Design, rule 9: the wrong place is recognised. Row 9 of the public cases: a static volume on another
server, with a path like ours, kept a claim from being served.
"""

from __future__ import annotations

import pytest

from holdfast.claims.build_volume import Address
from holdfast.claims.reclaim_rules import is_on_export
from holdfast.claims.servers import is_literal
from tests.unit.claims.given import volume

EXPORT = Address("nfs.test", "/export")


def at(server: str, *aliases: str) -> Address:
    return Address(server, "/export", frozenset(aliases))


@pytest.mark.parametrize(
    ("server", "spelling"),
    [
        ("nas", "nas"),
        ("nas.example.com", "NAS.Example.COM"),
        ("nas.example.com", "nas.example.com."),
        ("NAS.example.com.", "nas.example.com"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:DB8:0:0:0:0:0:1"),
        ("2001:db8::1", "[2001:db8::1]"),
        ("[2001:db8::1]", "2001:0db8::0001"),
        ("192.0.2.1", "::ffff:192.0.2.1"),
    ],
)
def test_a_server_is_known_in_any_spelling(server: str, spelling: str) -> None:
    assert at(server).is_served_by(spelling)
    assert at(server).may_be_served_by(spelling)


@pytest.mark.parametrize("name", ["nas", "192.0.2.1", "[2001:db8::1]"])
def test_a_server_is_known_by_each_of_its_aliases(name: str) -> None:
    address = at("nfs.test", "nas", "192.0.2.1", "2001:DB8::1")

    assert address.is_served_by(name)
    assert address.is_served_by("nfs.test")


@pytest.mark.parametrize(
    ("server", "other"),
    [
        ("192.0.2.1", "192.0.2.12"),
        ("192.0.2.1", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::2"),
        ("nas", "tape"),
        ("nas.example.com", "tape.example.com"),
        ("nas.example.com", "nas.example.org"),
        ("nas", "nas-2.example.com"),
        ("nas", "nasty"),
        ("nas.example.com", ""),
        ("192.0.2.1", ""),
    ],
)
def test_another_server_is_told_apart(server: str, other: str) -> None:
    assert not at(server).is_served_by(other)
    assert not at(server).may_be_served_by(other)
    if other:
        assert not at(other).may_be_served_by(server)


@pytest.mark.parametrize(
    ("server", "other"),
    [
        ("nas.example.com", "192.0.2.12"),
        ("nas", "[2001:db8::1]"),
        ("nas", "nas.example.com"),
        ("nas.example", "NAS.example.com."),
    ],
)
def test_a_server_that_may_be_this_one_is_not_taken_for_it(server: str, other: str) -> None:
    for one, two in ((server, other), (other, server)):
        assert not at(one).is_served_by(two)
        assert at(one).may_be_served_by(two)


@pytest.mark.parametrize(
    ("server", "alias", "other"),
    [
        ("nas", "192.0.2.1", "192.0.2.12"),
        ("nas", "192.0.2.1", "tape"),
        ("192.0.2.1", "nas", "tape.example.com"),
        ("192.0.2.1", "nas", "192.0.2.12"),
    ],
)
def test_an_alias_of_the_other_kind_settles_what_could_not_be_told(
    server: str, alias: str, other: str
) -> None:
    assert not at(server, alias).may_be_served_by(other)


@pytest.mark.parametrize("server", ["nas", "nas.example.com", "192.0.2.1"])
def test_what_may_be_an_alias_may_be_this_server(server: str) -> None:
    assert at("nfs.test", "nas.example.com", "192.0.2.1").may_be_served_by(server)


@pytest.mark.parametrize(
    ("root", "path"),
    [
        ("/", "/a/b"),
        ("/export", "/export/a/b"),
        ("/export/", "/export/a/b"),
        ("/srv/export", "/srv/export/a/b"),
    ],
)
def test_an_address_gives_a_path_with_one_slash_and_takes_it_back(root: str, path: str) -> None:
    address = Address("nfs.test", root)

    assert address.path_of("a/b") == path
    assert address.directory_of(path) == "a/b"


@pytest.mark.parametrize("root", ["/export", "/export/", "//export", "/./export/."])
@pytest.mark.parametrize("path", ["/export/a/b/", "/export//a///b", "//export/./a/b/."])
def test_slashes_and_dots_that_mean_nothing_are_cleaned_as_nfs_subdir_does(
    root: str, path: str
) -> None:
    assert Address("nfs.test", root).directory_of(path) == "a/b"


@pytest.mark.parametrize(
    "path",
    [
        "/export",
        "/export/",
        "/exports/a",
        "/other",
        "",
        "/",
        "export/a",
        "/export/../a",
        "/export/a/..",
        "/other/../export/a",
        "/a/export/b",
    ],
)
def test_a_path_outside_the_export_has_no_directory(path: str) -> None:
    assert EXPORT.directory_of(path) is None


@pytest.mark.parametrize("path", ["", "/", "//", "/.", "a", "/a/../b"])
def test_the_root_of_an_export_at_the_servers_root_has_no_directory(path: str) -> None:
    assert Address("nfs.test", "/").directory_of(path) is None


def test_an_export_whose_path_goes_up_has_no_directories() -> None:
    assert Address("nfs.test", "/a/../export").directory_of("/export/b") is None


def on(server: str = "nfs.test", path: str = "/export/a", export_id: str = "") -> bool:
    annotations = {"holdfast.io/export": export_id} if export_id else {}
    held = volume(annotations=annotations, nfs={"server": server, "path": path})
    return is_on_export(held, at("nfs.test", "nas"), "id-1")


def test_a_volume_belongs_to_the_export_of_its_server_path_and_id() -> None:
    assert on(export_id="id-1")
    assert on(server="NAS", export_id="id-1")


def test_a_volume_without_an_id_belongs_by_server_and_path() -> None:
    assert on()


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"server": "another.test"},
        {"server": "192.0.2.1"},
        {"path": "/other/a"},
        {"path": "/export"},
        {"export_id": "id-2"},
    ],
)
def test_a_volume_of_another_server_path_or_id_does_not_belong(elsewhere: dict[str, str]) -> None:
    """Seen: a volume on another NFS server with the same path was taken for ours."""
    assert not on(**{"export_id": "id-1", **elsewhere})


def test_a_volume_with_an_id_does_not_belong_to_an_export_whose_id_is_not_known() -> None:
    held = volume(
        annotations={"holdfast.io/export": "id-1"}, nfs={"server": "nfs.test", "path": "/export/a"}
    )

    assert not is_on_export(held, EXPORT, "")


def test_a_volume_that_is_not_nfs_belongs_to_no_export() -> None:
    assert not is_on_export(volume(nfs=None), EXPORT, "")


@pytest.mark.parametrize(
    ("server", "is_address"),
    [("192.0.2.1", True), ("[2001:db8::1]", True), ("nas", False), ("192.0.2", False)],
)
def test_an_address_is_told_from_a_host_name(server: str, *, is_address: bool) -> None:
    assert is_literal(server) is is_address


@pytest.mark.parametrize(
    ("server", "path", "is_static", "place"),
    [
        ("nfs.test", "/export/team/data", False, "team/data"),
        ("nfs.test", "/export//team/data/", True, "team/data"),
        ("nfs.test", "/other/team", False, ""),
        ("192.0.2.1", "/export/team", True, "team"),  # it may be an address of nfs.test
        ("192.0.2.1", "/export/team", False, ""),
        ("other.test", "/export/team", True, ""),
    ],
)
def test_a_volume_has_a_place_on_the_export_that_it_is_on(
    server: str, path: str, place: str, *, is_static: bool
) -> None:
    assert EXPORT.place(server, path, is_static=is_static) == place
