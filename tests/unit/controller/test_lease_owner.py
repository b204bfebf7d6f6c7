"""Two installations in one namespace whose Leases have one name: the one that waits is told."""

from __future__ import annotations

import pytest

from holdfast.claims.decide import Provisioner
from holdfast.controller.lease_owner import LeaseOwner
from holdfast.kube.resources import Json
from tests.logged import captured_logs
from tests.unit.controller.given import NAME


class Bench:
    """Export `fast` of `example.com/nfs`."""

    def __init__(self) -> None:
        self.told: list[str] = []
        provisioner = Provisioner(NAME, also=frozenset({"former/nfs"}))
        self.owner = LeaseOwner(provisioner, "fast", self.told.append)

    def look(self, lease: Json | None) -> list[str]:
        """All that was told so far."""
        with captured_logs():
            self.owner.look(lease)
        return self.told


def a_lease(by: str = NAME, export: str = "fast", *, holder: str = "other-0") -> Json:
    said = {"holdfast.io/provisioner": by, "holdfast.io/export-name": export}
    return {
        "metadata": {"name": "example.com-nfs-fast", "annotations": said if by else None},
        "spec": {"holderIdentity": holder},
    }


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    "lease",
    [
        None,
        a_lease(),
        a_lease("former/nfs"),
        a_lease(by=""),  # an earlier version's
        a_lease("example.com/nfs-fast", "default", holder=""),
    ],
)
def test_nothing_is_told_of_the_export_s_own_or_of_a_free_lease(
    bench: Bench, lease: Json | None
) -> None:
    assert bench.look(lease) == []


def test_another_installation_is_named_once_with_what_to_do(bench: Bench) -> None:
    bench.look(a_lease("example.com/nfs-fast", "default"))
    bench.look(a_lease("example.com/nfs-fast", "default", holder="other-1"))

    [said] = bench.told
    assert said == (
        "Lease example.com-nfs-fast is held for export 'default' of provisioner "
        "'example.com/nfs-fast', so this export is not served: install one of the two in another "
        "namespace, or give the provisioner or the export another name"
    )


def test_it_is_told_again_once_it_was_another_s(bench: Bench) -> None:
    for lease in (a_lease("other/nfs"), a_lease(), a_lease("other/nfs")):
        bench.look(lease)

    assert len(bench.told) == 2
