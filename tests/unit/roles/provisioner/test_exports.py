"""The exports that the role is given are those that the chart mounts."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from testbed.chart import CHART, helm
from tests.unit.roles.reading import HERE
from tests.unit.roles.rendering import trusted

ROLE = HERE / "roles/provisioner"
FAST = {"name": "fast", "server": "nas.example", "path": "/srv/fast", "mountOptions": ["hard"]}
SLOW = {"name": "slow", "server": "nas.example", "path": "/srv/slow", "mode": "2770"}
SERVER = {"provisioner_nfs_server": "nas.example"}
CLASSES = [{"name": "quick"}, {"name": "large", "export": "slow"}]


def rendered(name: str, **given: Any) -> Any:
    """A variable of the role, where these are given."""
    files = (yaml.safe_load((ROLE / f"{one}/main.yml").read_text()) for one in ("defaults", "vars"))
    facts = {"architecture": "x86_64"}
    variables = {"groups": {}, "ansible_facts": facts, **next(files), **next(files), **given}
    templar = Templar(loader=DataLoader(), variables=trusted(variables))
    return json.loads(templar.template(trust_as_template("{{ " + name + " | to_json }}")))


def refused(**given: Any) -> list[str]:
    """What the role says of these variables."""
    rules = rendered("__provisioner_rules", **given)
    return [f"{rule['variable']} is not {rule['allowed']}" for rule in rules if not rule["holds"]]


def test_each_export_is_mounted_with_its_own_options_or_those_of_the_role() -> None:
    given = {"provisioner_exports": [FAST, SLOW], "provisioner_storage_classes": CLASSES}

    objects = list(
        yaml.safe_load_all(
            helm("template", "x", CHART, values=rendered("__provisioner_values", **given))
        )
    )

    options = {
        one["spec"]["nfs"]["path"]: one["spec"]["mountOptions"]
        for one in objects
        if one["kind"] == "PersistentVolume"
    }
    assert options == {"/srv/fast": ["hard"], "/srv/slow": ["nfsvers=4.2", "hard"]}
    classes = {one["metadata"]["name"]: one for one in objects if one["kind"] == "StorageClass"}
    assert classes["large"]["parameters"]["export"] == "slow"
    assert refused(**given) == []


def test_without_exports_there_is_the_one_of_the_server() -> None:
    given = {"provisioner_nfs_server": "nas.example"}

    values = rendered("__provisioner_values", **given)

    assert values["exports"] == []
    assert values["nfs"]["server"] == "nas.example"
    assert refused(**given) == []
    assert len(refused()) == 1


@pytest.mark.parametrize(("mode", "is_refused"), [("0777", False), (777, True), (0o777, True)])
def test_a_mode_of_directories_that_is_a_number_is_refused(
    mode: str | int,
    is_refused: bool,  # noqa: FBT001 - a case of the table
) -> None:
    said = refused(provisioner_nfs_server="nas.example", provisioner_directory_mode=mode)

    assert len(said) == is_refused


@pytest.mark.parametrize(("flag", "rule"), [("false", 0), ("true", 1), (False, 0), (True, 1)])
def test_of_two_default_classes_one_is_refused_also_where_they_are_strings(
    flag: str | bool,  # noqa: FBT001 - a case of the table
    rule: int,
) -> None:
    classes = [{"name": "one", "defaultClass": True}, {"name": "other", "defaultClass": flag}]

    said = refused(provisioner_nfs_server="nas.example", provisioner_storage_classes=classes)

    assert len(said) == rule


@pytest.mark.parametrize(
    ("exports", "classes", "said"),
    [
        pytest.param(
            [FAST, SLOW, FAST],
            CLASSES,
            "provisioner_exports is not exports with a name of their own each",
            id="twice",
        ),
        pytest.param(
            [FAST],
            CLASSES,
            "provisioner_storage_classes is not classes whose export is in provisioner_exports, "
            "which has fast",
            id="unknown",
        ),
    ],
)
def test_names_that_cannot_be_meant_are_refused(
    exports: list[dict[str, Any]], classes: list[dict[str, Any]], said: str
) -> None:
    assert refused(provisioner_exports=exports, provisioner_storage_classes=classes) == [said]


PIN = "a" * 64


def test_a_checksum_of_helm_may_be_pinned() -> None:
    given = {"provisioner_helm_checksums": {"amd64": PIN, "arm64": "b" * 64}}

    assert refused(**given, **SERVER) == []


@pytest.mark.parametrize("pins", [{"arm64": PIN}, {"amd64": ""}, {"amd64": "a" * 63}])
def test_one_that_is_missing_is_not_made_up_by_the_server(pins: dict[str, str]) -> None:
    (said,) = refused(provisioner_helm_checksums=pins, **SERVER)

    assert said.startswith("provisioner_helm_checksums is not a dictionary with the SHA-256 checks")
    assert said.endswith("-linux-amd64.tar.gz as amd64")
