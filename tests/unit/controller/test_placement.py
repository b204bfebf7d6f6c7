"""At which exports a volume is, asked about without a look at each of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.claims.build_volume import Address
from holdfast.controller.placement import Placement
from tests.unit.controller.given import volume

SERVERS = st.sampled_from(["nas", "NAS.", "nas.example.com", "ssd", "192.0.2.1", "2001:db8::1", ""])
PATHS = st.sampled_from(
    ["", "/", "/srv", "/srv/", "/srv/a", "//srv/./a", "/srv/a/b", "/a", "srv/a", "/srv/../a"]
)


@dataclass(frozen=True)
class View:
    """An export's."""

    address: Address


ADDRESSES = st.builds(Address, SERVERS, PATHS, st.frozensets(SERVERS, max_size=2))


@given(
    addresses=st.lists(ADDRESSES, max_size=4),
    server=SERVERS,
    path=PATHS,
    provisioned_by=st.sampled_from(["", "example.com/nfs"]),
)
def test_it_finds_what_a_look_at_each_export_finds(
    addresses: list[Address], server: str, path: str, provisioned_by: str
) -> None:
    views = [View(address) for address in addresses]
    placement = Placement(views)
    one = replace(volume(), server=server, path=path, provisioned_by=provisioned_by)
    is_static = not provisioned_by

    expected = [
        (view, place)
        for view in views
        if (place := view.address.place(server, path, is_static=is_static))
    ]

    assert list(placement.of(one)) == expected
    assert list(placement.of(one)) == expected


def test_it_looks_at_the_exports_above_a_volume_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    views = [View(Address("nas", f"/srv/{number}")) for number in range(100)]
    looked_at: list[str] = []
    place = Address.place

    def noted(self: Address, server: str, path: str, *, is_static: bool) -> str:
        looked_at.append(self.path)
        return place(self, server, path, is_static=is_static)

    monkeypatch.setattr(Address, "place", noted)
    placement = Placement(views)
    one = replace(volume(), path="/srv/7/data")

    assert [(view, place) for view, place in placement.of(one)] == [(views[7], "data")]
    assert looked_at == ["/srv/7"]
