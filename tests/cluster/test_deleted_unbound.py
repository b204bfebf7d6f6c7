"""A volume is deleted before the controller manager has bound its claim."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.controlplane import ControlPlane
from testbed.programs import Programs
from tests.cluster.site import Site
from tests.support import eventually


@pytest.fixture
def plane(programs: Programs, tmp_path: Path) -> Iterator[ControlPlane]:
    """One of its own, as its controller manager stands still for a while."""
    with ControlPlane(programs, tmp_path / "plane") as running:
        yield running


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
def test_its_claim_gets_it_again_and_is_bound(
    plane: ControlPlane, tmp_path: Path, policy: str
) -> None:
    plane.client.send("POST", "/api/v1/namespaces", {"metadata": {"name": "unbound"}})
    (tmp_path / "export").mkdir()
    site = Site(plane, "unbound", tmp_path / "export")
    try:
        claim = site.claim(site.make_class(reclaim=policy))
        uid = site.assigned(claim)
        plane.controller_manager.pause()
        site.serve()
        first = eventually(lambda: site.find_volume(f"pvc-{uid}"))

        site.delete_volume(f"pvc-{uid}")
        plane.controller_manager.resume()

        volume = site.bound(claim)
        assert volume["metadata"]["uid"] != first["metadata"]["uid"]
        assert site.directory(volume).is_dir()
    finally:
        plane.controller_manager.resume()
        site.close()
