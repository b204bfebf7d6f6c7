"""A volume that names its export differently is recognised, with what to change (rules 7 and 9)."""

from __future__ import annotations

from collections import Counter

import pytest

from holdfast.claims.build_volume import Address
from holdfast.claims.constants import ALIASES, PATH
from holdfast.claims.objects import Volume, parse_volume
from holdfast.claims.volume_address import (
    NamedAddress,
    advice_on,
    advice_on_no_export,
    are_all_at_another_path,
    is_beneath,
    names,
    on_no_export,
    root_of,
    unknown_address,
    unknown_addresses,
    way_out,
)
from tests.unit.controller.given import ADDRESS, ANOTHER_ID, ID, a_volume, ref

DEFAULT = "team-data-pvc-1"


def at(
    path: str,
    directory: str = "",
    *,
    server: str = "nas",
    export_id: str = ID,
) -> Volume:
    """A volume at a path; without a directory, one of nfs-subdir."""
    made = a_volume(ref(), directory or "x", server=server, annotated=bool(directory))
    made["metadata"] |= {"uid": "pv", "resourceVersion": "1"}
    made["metadata"]["annotations"]["holdfast.io/export"] = export_id
    made["spec"]["nfs"]["path"] = path
    return parse_volume(made)


@pytest.mark.parametrize(
    ("path", "directory", "root"),
    [
        ("/srv/nfs/k8s/team/data", "team/data", "/srv/nfs/k8s"),
        ("/srv//nfs/team/data/", "team/data", "/srv/nfs"),
        ("/team/data", "team/data", "/"),
        (f"/srv/nfs/{DEFAULT}", "", "/srv/nfs"),
        ("/srv/nfs/data", "", None),
        ("/srv/mydata", "data", None),
        ("/srv/team/data", "team/other", None),
        ("/srv/../team/data", "team/data", None),
    ],
)
def test_the_path_of_an_export_is_that_of_a_volume_without_its_directory(
    path: str, directory: str, root: str | None
) -> None:
    assert root_of(at(path, directory)) == root


@pytest.mark.parametrize(
    ("volume", "named"),
    [
        (at("/srv/team/data", "team/data"), None),
        (at("/srv/team/data", "team/data", server="192.0.2.1"), None),
        (at("/srv/of-a-pattern"), None),
        (at("/srv/../data", "data"), None),
        (at("/srv/team/data", "team/data", server="old"), NamedAddress("old", "/srv")),
        (at("/srv/nfs/team/data", "team/data"), NamedAddress("nas", "/srv/nfs")),
        (at("/export/team/data", "team/data"), NamedAddress("nas", "/export")),
        (at(f"/srv/nfs/{DEFAULT}"), NamedAddress("nas", "/srv/nfs")),
        (at("/export/data"), NamedAddress("nas", "/export/data", is_root=False)),
    ],
)
def test_a_volume_names_this_address_or_another(volume: Volume, named: NamedAddress | None) -> None:
    assert unknown_address(volume, ADDRESS) == named


def test_beneath_this_path_is_not_yet_on_this_export() -> None:
    inner = at("/srv/nfs/team/data", "team/data")

    assert is_beneath(inner, ADDRESS)
    assert not names(inner, ADDRESS)
    assert names(at("/srv/team/data", "team/data"), ADDRESS)
    assert not names(at("/srv/team/data", "team/data", server="old"), ADDRESS)


def test_volumes_of_this_export_are_counted_by_address() -> None:
    volumes = [
        at("/srv/team/data", "team/data", server="old"),
        at("/srv/other", "other", server="old"),
        at("/srv/other", "other"),
        at("/srv/other", "other", server="older", export_id=ANOTHER_ID),
        at(f"/srv/{DEFAULT}", server="oldest", export_id=""),
    ]

    assert unknown_addresses(volumes, ID, ADDRESS) == {NamedAddress("old", "/srv"): 2}
    assert not unknown_addresses(volumes, "", ADDRESS)


def test_one_of_a_pattern_is_counted_with_those_that_tell_the_path() -> None:
    volumes = [at("/export/in/a", "a"), at("/export/b", "b"), at("/export/in/of/pattern")]

    assert unknown_addresses(volumes, ID, ADDRESS) == {
        NamedAddress("nas", "/export/in"): 2,
        NamedAddress("nas", "/export"): 1,
    }


OLD, ELDER = NamedAddress("old", "/srv"), NamedAddress("elder", "/srv")
PATHS = NamedAddress("nas", "/export")
ONE = "1 volume of this provisioner that is on this export names "
RIGHT = "if nas:/srv is right, create"
BOTH = f"set {PATH} to /export and add old to {ALIASES}"
TWO = "2 volumes of this provisioner that are on this export name "


@pytest.mark.parametrize(
    ("unknown", "said"),
    [
        ({}, ""),
        ({OLD: 1}, f"{ONE}its server as old: add it to {ALIASES}"),
        ({OLD: 2}, f"{TWO}its server as old: add it to {ALIASES}"),
        ({OLD: 1, ELDER: 1}, f"{TWO}its server as elder, old: add them to {ALIASES}"),
        (
            {NamedAddress("old", "/srv/x", is_root=False): 1, OLD: 1},
            f"{TWO}its server as old: add it to {ALIASES}",
        ),
        (
            {PATHS: 2},
            f"{TWO}it as nas:/export, not nas:/srv: set {PATH} to /export; or, {RIGHT} them again",
        ),
        (
            {NamedAddress("old", "/export"): 1},
            f"{ONE}it as old:/export, not nas:/srv: {BOTH}; or, {RIGHT} it again",
        ),
        (
            {NamedAddress("nas", "/export/x", is_root=False): 1},
            f"{ONE}it as nas:/export/x, not nas:/srv: correct {PATH}; or, {RIGHT} it again",
        ),
    ],
)
def test_what_to_do_about_another_address(unknown: dict[NamedAddress, int], said: str) -> None:
    assert advice_on(Counter(unknown), ADDRESS) == said


def test_each_address_has_its_own_advice() -> None:
    advice = advice_on(Counter({OLD: 1, PATHS: 1}), ADDRESS)

    assert "its server as old: add it" in advice
    assert "; 1 volume of this provisioner that is on this export names it as nas:/export" in advice


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        ([], False),
        ([at("/export/a", "a")], True),
        ([at("/srv/in/a", "a")], True),
        ([at("/export/a", "a", server="192.0.2.1")], True),
        ([at("/export/a", "a"), at("/srv/b", "b")], False),
        ([at("/export/a", "a"), at("/srv/b", "b", server="old")], False),
        ([at("/export/a", "a", server="old")], False),
    ],
)
def test_all_of_them_at_another_path_is_told_apart(
    volumes: list[Volume], *, expected: bool
) -> None:
    unknown = unknown_addresses(volumes, ID, ADDRESS)

    assert are_all_at_another_path(volumes, unknown, ADDRESS) is expected


def test_an_export_at_the_root_is_one_as_any_other() -> None:
    assert names(at("/team/data", "team/data"), Address("nas", "/"))
    assert not names(at("/srv/team/data", "team/data"), Address("nas", "/"))


def test_volumes_on_no_export_are_counted_by_address() -> None:
    volumes = [
        at("/srv/team/data", "team/data"),
        at("/fast/data", "data", server="ssd"),
        at(f"/srv/{DEFAULT}", server="old", export_id=""),
        at("/srv/in/a/pattern", server="old", export_id=""),
        at("/slow/data", "data", server="ssd"),
    ]
    addresses = [ADDRESS, Address("ssd", "/fast")]

    found = on_no_export(volumes, addresses)

    assert found == {NamedAddress("old", "/srv"): 2, NamedAddress("ssd", "/slow"): 1}
    assert advice_on_no_export(found, addresses) == (
        "2 volumes of this provisioner are at old:/srv, which it does not serve: if old is another "
        f"name of nas, add it to {ALIASES}; "
        "1 volume of this provisioner is at ssd:/slow, which it does not serve: add that export, "
        "or correct the server or path of the one that it is"
    )
    assert not on_no_export(volumes[:2], addresses)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (OLD, f"if old is another name of nas, start Holdfast with it in {ALIASES}"),
        (PATHS, f"set {PATH} to /export; or, {RIGHT} it again"),
        (NamedAddress("old", "/export"), f"{BOTH}; or, {RIGHT} it again"),
    ],
)
def test_of_one_volume_it_is_said_what_to_do(named: NamedAddress, said: str) -> None:
    assert way_out(named, Address("nas", "/srv")) == said
