"""A value that is wrong or misspelt is refused with a sentence that names it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from testbed.chart import CHART, EXAMPLE, MANIFESTS, HelmError, helm, plain, render
from testbed.client import Json


def put(values: Json, path: str, value: Any) -> Json:
    """`values` with one more, at a path of names."""
    name, _, rest = path.partition(".")
    return {**values, name: put(values.get(name, {}), rest, value) if rest else value}


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("nfs.server", "", "nfs.server is empty: give the host name or address"),
        ("nfs.path", "", "nfs.path is empty: give the path that the server exports"),
        ("nfs.server", "two words", "at '/nfs/server'"),
        ("nfs.server", "nas:/srv", "at '/nfs/server'"),
        ("nfs.serverAliases", ["nas:/srv"], "at '/nfs/serverAliases/0'"),
        ("nfs.serverAliases", ["two words"], "at '/nfs/serverAliases/0'"),
        ("nfs.server", "nas\u00a0", "at '/nfs/server'"),
        ("nfs.serverAliases", ["two\u00a0words"], "at '/nfs/serverAliases/0'"),
        ("nfs.serverAliases", "one", "at '/nfs/serverAliases'"),
        ("nfs.path", "srv/nfs", "at '/nfs/path'"),
        ("nfs.mountOptions", ["hard nfsvers=4"], "at '/nfs/mountOptions/0'"),
        ("nfs.sever", "x", "'sever' not allowed"),
        ("storageclass", {}, "'storageclass' not allowed"),
        ("storageClass.onDelete", "delet", "at '/storageClass/onDelete'"),
        ("storageClass.reclaimPolicy", "Recycle", "at '/storageClass/reclaimPolicy'"),
        ("storageClass.name", "Not_A_Name", "at '/storageClass/name'"),
        ("storageClasses", [{"onDelete": "retain"}], "missing property 'name'"),
        ("storageClasses", [{"name": "a", "parameters": {}}], "'parameters' not allowed"),
        ("staticVolumes", [{"name": "a", "path": "/b"}], "missing property 'capacity'"),
        (
            "staticVolumes",
            [{"name": "a", "path": "/b", "capacity": "lots"}],
            "at '/staticVolumes/0/capacity'",
        ),
        ("directories.mode", "0999", "at '/directories/mode'"),
        ("directories.mode", 777, "at '/directories/mode'"),
        ("directories.uid", -1, "at '/directories/uid'"),
        ("settings.workers", 65, "at '/settings/workers'"),
        ("settings.exportDeadline", 0.5, "at '/settings/exportDeadline'"),
        ("settings.takesOver", ["x"], "at '/settings/takesOver/0'"),
        ("settings.logLevel", "loud", "at '/settings/logLevel'"),
        ("rbac.deleteOwnPod", "yes", "at '/rbac/deleteOwnPod'"),
        ("replicaCount", "two", "at '/replicaCount'"),
        ("imageCredentials", {"registry": "x"}, "'username', 'password' required"),
        ("storageClass.export", "Not_A_Name", "at '/storageClass/export'"),
        ("leaderElection.enabled", False, "two provisioners would work at once"),
    ],
)
def test_a_wrong_value_is_named(path: str, value: Any, sentence: str) -> None:
    with pytest.raises(HelmError) as caught:
        render(put(EXAMPLE, path, value))

    assert sentence in str(caught.value)


def test_the_schema_knows_every_value_and_no_other() -> None:
    """Maps whose keys are the user's own have none in the schema.

    `global` and `enabled` are there where the chart is another's part.
    """
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))

    def compare(schema: Json, values: Json, path: str) -> None:
        known = schema.get("properties")
        if known is not None and values:
            as_a_part = set() if path else {"global", "enabled"}
            assert set(known) - as_a_part == set(values), path
            for name in values:
                if isinstance(values[name], dict):
                    compare(known[name], values[name], f"{path}.{name}")

    compare(schema, values, "")


def test_helm_finds_nothing_to_say_against_the_chart() -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", CHART, values=EXAMPLE)


def test_the_plain_manifests_are_current() -> None:
    message = "run `python -m testbed.chart`"

    assert MANIFESTS.read_text(encoding="utf-8") == plain(), message
