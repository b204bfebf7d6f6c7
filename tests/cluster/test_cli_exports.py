"""`holdfast exports accept`: a restored export is worked on again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from holdfast.claims.constants import PROVISIONED_BY
from holdfast.claims.objects import Json
from tests.cluster.objects import name_of
from tests.cluster.site import Site
from tests.cluster.typed import Typed, holdfast, variables_of
from tests.support import eventually

TYPO = "00000000-0000-4000-8000-000000000000"


def accept(site: Site, *options: str, **variables: str) -> Typed:
    typed = holdfast(
        "exports", "accept", "--yes", *options, variables=variables_of(site) | variables
    )
    assert "Traceback" not in typed.err
    return typed


def restore(site: Site, folder: Path) -> None:
    """Puts a copy of the export in its place, with all that Holdfast keeps there."""
    backup = shutil.copytree(site.root, folder / "backup", symlinks=True)
    shutil.rmtree(site.root)
    shutil.copytree(backup, site.root, symlinks=True)


@pytest.fixture
def volume(site: Site) -> Json:
    """One that is bound, with its data; the provisioner has ended."""
    running = site.serve()
    made = site.bound(site.claim(site.make_class(parameters={"onDelete": "delete"})))
    (site.directory(made) / "file").write_text("data")
    running.stop()
    return made


def test_an_export_without_its_id_is_worked_on_once_it_is_accepted(
    site: Site, volume: Json, tmp_path: Path
) -> None:
    restore(site, tmp_path)
    (site.root / ".holdfast/export").unlink()
    running = site.serve()
    eventually(lambda: "exports accept" in running.get("/readyz")[1])

    assert accept(site).code == 0

    eventually(lambda: running.get("/readyz")[0] == 200)
    assert "already" in accept(site).out
    site.delete_claim("data")
    eventually(lambda: site.find_volume(name_of(volume)) is None)
    eventually(lambda: site.tree() == set())


def test_a_whole_restore_is_accepted_while_the_provisioner_works(
    site: Site, volume: Json, tmp_path: Path
) -> None:
    restore(site, tmp_path)
    running = site.serve()
    eventually(lambda: running.get("/readyz")[0] == 200)
    running.settle()

    assert "1 record written" in accept(site).out

    assert "there is nothing to do" in accept(site).out
    site.delete_claim("data")
    eventually(lambda: site.find_volume(name_of(volume)) is None)
    eventually(lambda: not list((site.root / ".holdfast/trash").iterdir()))
    assert site.tree() == set()


def test_an_empty_export_in_the_place_of_the_volumes_own_is_refused_and_shown(
    site: Site, volume: Json
) -> None:
    shutil.rmtree(site.root)
    site.root.mkdir()

    complaint = accept(site).complaint
    shown = holdfast("exports", "show", "-o", "json", variables=variables_of(site))

    assert "0 of the 1 volume's directories and 0 of its records are here" in complaint
    assert list(site.root.iterdir()) == []
    found = json.loads(shown.out)
    export_id = volume["metadata"]["annotations"]["holdfast.io/export"]
    assert (found["id"], found["ids"], found["directories"]) == ("", {export_id: 1}, 0)
    assert f"not {export_id}" in found["wrong"]


def test_data_that_was_restored_without_its_records_is_told_of_by_every_command(
    site: Site, volume: Json
) -> None:
    variables = variables_of(site)
    assert holdfast("check", variables=variables).code == 0
    shutil.rmtree(site.root / ".holdfast")

    accepted = accept(site)
    checked = holdfast("check", variables=variables)
    shown = holdfast("exports", "show", "-o", "json", variables=variables)

    assert "1 volume has no record: Holdfast will not reclaim it. Restore .holdfast" in accepted.out
    assert (accepted.code, checked.code) == (0, 1)
    assert "FAILS every volume has its directory and its record\n" in checked.out
    assert "1 record is missing or cannot be parsed: restore them before" in checked.out
    found = json.loads(shown.out)
    assert (found["directories"], found["records"]) == (1, 0)
    assert [one["finding"] for one in found["findings"]] == ["missing-record"]
    site.delete_claim("data")
    site.released(volume)
    assert holdfast("check", variables=variables).code == 0


def test_volumes_of_nfs_subdir_are_fine_before_the_first_start(site: Site) -> None:
    site.make_class()
    uid = site.namespace
    name, directory = f"pvc-{uid}", f"{site.namespace}-data-pvc-{uid}"
    (site.root / directory).mkdir()
    claim = {"namespace": site.namespace, "name": "data", "uid": uid}
    site.make_volume(
        name, f"/export/{directory}", annotations={PROVISIONED_BY: site.name}, claimRef=claim
    )

    assert holdfast("check", variables=variables_of(site)).code == 0


def test_volumes_of_a_former_name_count_and_a_typing_error_does_not(
    site: Site, volume: Json
) -> None:
    export_id = volume["metadata"]["annotations"]["holdfast.io/export"]
    (site.root / ".holdfast/export").unlink()
    renamed = {"PROVISIONER_NAME": "new.example.com/nfs"}

    assert "nothing to accept" in accept(site, **renamed).complaint
    renamed["HOLDFAST_ALSO_KNOWN_AS"] = site.name
    assert "--allow-unnamed" in accept(site, "--id", TYPO, **renamed).complaint
    assert accept(site, **renamed).code == 0

    assert export_id in (site.root / ".holdfast/export").read_text()


def test_a_class_of_a_former_name_is_checked_and_its_volumes_shown(
    site: Site, volume: Json
) -> None:
    variables = variables_of(site) | {"PROVISIONER_NAME": "new.example.com/nfs"}
    variables["HOLDFAST_ALSO_KNOWN_AS"] = site.name

    assert "can be served" in holdfast("check", "--skip-export", variables=variables).out
    assert name_of(volume) in holdfast("volumes", "-o", "wide", variables=variables).out
