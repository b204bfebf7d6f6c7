"""Values of the chart of nfs-subdir-external-provisioner 4.0.18: accepted, ignored, or refused.

Rows are those of the public cases.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from testbed.chart import CHART, EXAMPLE, HelmError, render
from testbed.client import Json
from tests.unit.chart.test_values import put

# Its values.yaml, but for its image and with server and path; null where it has null.
FULL = """
replicaCount: 1
strategyType: Recreate
image:
  pullPolicy: IfNotPresent
imagePullSecrets: []
nfs:
  server: nfs.example.com
  path: /nfs-storage
  mountOptions:
  volumeName: nfs-subdir-external-provisioner-root
  reclaimPolicy: Retain
storageClass:
  create: true
  provisionerName:
  defaultClass: false
  name: nfs-client
  allowVolumeExpansion: true
  reclaimPolicy: Delete
  archiveOnDelete: true
  onDelete:
  pathPattern:
  accessModes: ReadWriteOnce
  volumeBindingMode: Immediate
  annotations: {}
leaderElection: {enabled: true}
rbac: {create: true}
podSecurityPolicy: {enabled: false}
podAnnotations: {}
priorityClassName:
podSecurityContext: {}
securityContext: {}
serviceAccount:
  create: true
  annotations: {}
  name:
resources: {}
nodeSelector: {}
tolerations: []
affinity: {}
labels: {}
podDisruptionBudget: {enabled: false, maxUnavailable: 1}
buildMode: false
namespaceOverride:
"""
SUFFIX = "nfs-subdir-external-provisioner"
THEIRS = "registry.example.org/sig-storage/nfs-subdir-external-provisioner"


def found(values: Json, kind: str) -> Json:
    return next(one for one in render(values) if one["kind"] == kind)


def strings(value: Any) -> list[str]:
    """Every string in an object."""
    if isinstance(value, dict):
        return [text for one in value.values() for text in strings(one)]
    if isinstance(value, list):
        return [text for one in value for text in strings(one)]
    return [value] if isinstance(value, str) else []


def test_its_full_values_are_accepted() -> None:
    """Row 13: podSecurityPolicy and its like were refused."""
    made = render(yaml.safe_load(FULL))

    assert {one["kind"] for one in made} >= {"Deployment", "StorageClass", "ClusterRole"}
    [storage_class] = [one for one in made if one["kind"] == "StorageClass"]
    assert storage_class["provisioner"] == "holdfast.io/nfs"
    assert storage_class["allowVolumeExpansion"] is True


def test_three_installations_become_one_with_three_exports() -> None:
    """The values in docs/nfs-subdir.md: each class has its export, and keeps its provisioner."""
    page = (CHART.parents[1] / "docs" / "nfs-subdir.md").read_text(encoding="utf-8")
    written = page.partition("<!-- several installations -->\n```yaml\n")[2].partition("```")[0]

    made = render({"nfs": {}, **yaml.safe_load(written)})

    classes = [one for one in made if one["kind"] == "StorageClass"]
    by_name = {one["metadata"]["name"]: one for one in classes}
    names = ("fast", "slow", "arch")
    assert {
        name: (one["parameters"]["export"], one["provisioner"]) for name, one in by_name.items()
    } == {f"nfs-{name}": (name, f"cluster.local/{name}-{SUFFIX}") for name in names}
    served = next(one for one in made if one["kind"] == "Deployment")
    [container] = served["spec"]["template"]["spec"]["containers"]
    environment = {one["name"]: one.get("value") for one in container["env"]}
    assert environment["PROVISIONER_NAME"] == f"cluster.local/fast-{SUFFIX}"
    assert environment["HOLDFAST_ALSO_KNOWN_AS"] == " ".join(
        f"cluster.local/{name}-{SUFFIX}" for name in names[1:]
    )


def test_as_a_sub_chart_it_may_be_enabled() -> None:
    """Row 13: the condition of a dependency is a value of the sub-chart."""
    assert render({"enabled": True, "global": {"x": 1}})


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("podSecurityPolicy.enabled", True, "podSecurityPolicy.enabled is true: Kubernetes 1.25"),
        ("image.repository", THEIRS, f"image.repository is {THEIRS}, the image of another"),
        (
            "image.repository",
            "quay.example.org/external_storage/nfs-client-provisioner",
            "the image of another provisioner: take image out of your values",
        ),
        ("image.tag", "v4.0.2", "image.tag is v4.0.2, a release of nfs-subdir"),
    ],
)
def test_what_would_not_be_what_was_meant_is_refused_by_name(
    path: str, value: Any, sentence: str
) -> None:
    """Rows 13 and 14: our Deployment ran their image."""
    with pytest.raises(HelmError) as caught:
        render(put(EXAMPLE, path, value))

    assert sentence in str(caught.value)


@pytest.mark.parametrize(("path", "value"), [("buildMode", True), ("namespaceOverride", "other")])
def test_what_means_nothing_is_ignored_and_the_notes_say_so(
    notes: Callable[[Json], str], path: str, value: Any
) -> None:
    assert render({path: value}) == render()
    assert f"\n  {path}: " in notes({path: value})
    assert path not in notes({})


def test_the_notes_explain_the_name_that_its_chart_makes_up(notes: Callable[[Json], str]) -> None:
    named = {"storageClass": {"provisionerName": "cluster.local/nfs-subdir-external-provisioner"}}

    assert "cluster.local/RELEASE-nfs-subdir-external-provisioner" in notes({})
    assert "cluster.local" not in notes(named)


@pytest.mark.parametrize(
    ("given", "modes"),
    [
        ("ReadWriteOnce", ["ReadWriteOnce"]),
        (["ReadWriteOnce", "ReadWriteMany"], ["ReadWriteOnce", "ReadWriteMany"]),
        (None, ["ReadWriteMany"]),
    ],
)
@pytest.mark.parametrize("kind", ["PersistentVolume", "PersistentVolumeClaim"])
def test_access_modes_are_one_or_a_list(kind: str, given: Any, modes: list[str]) -> None:
    """Row 13."""
    values = put(put(EXAMPLE, "nfs.mountOptions", ["hard"]), "storageClass.accessModes", given)

    assert found(values, kind)["spec"]["accessModes"] == modes


@pytest.mark.parametrize(
    "given",
    [
        "vers=4.1,noresvport",
        " vers=4.1 , noresvport ",
        ["vers=4.1,noresvport"],
        ["vers=4.1", "noresvport"],
    ],
)
def test_mount_options_are_split_at_commas(given: Any) -> None:
    """Row 16: a regular expression was shown."""
    options = ["vers=4.1", "noresvport"]
    static = {"name": "s", "path": "/s", "capacity": "1Gi", "mountOptions": given}
    exported = put(EXAMPLE, "nfs.mountOptions", given)
    alone = put(EXAMPLE, "storageClass.mountOptions", given)

    assert found(exported, "StorageClass")["mountOptions"] == options
    assert found(exported, "PersistentVolume")["spec"]["mountOptions"] == options
    assert found(alone, "StorageClass")["mountOptions"] == options
    assert found({"staticVolumes": [static]}, "PersistentVolume")["spec"]["mountOptions"] == options


@pytest.mark.parametrize("given", ["", None, []])
def test_without_mount_options_there_are_none(given: Any) -> None:
    made = render(put(EXAMPLE, "nfs.mountOptions", given))

    assert "PersistentVolume" not in {one["kind"] for one in made}
    assert all("mountOptions" not in one for one in made)


SERVER = "2600:1f16:c:ae00::"


@pytest.mark.parametrize(
    "path", ["/a #b", "/a: b", "/a b", "/a'b\"c\\d", "/- {x}", "/{{ .x }}", "/é"]
)
@pytest.mark.parametrize("options", [None, ["hard"]])
def test_server_and_path_are_the_same_strings_everywhere(
    path: str, options: list[str] | None
) -> None:
    """Row 15: YAML broke, or changed them."""
    static = {"name": "s", "path": path, "capacity": "1Gi", "server": SERVER}
    values = {
        "nfs": {"server": SERVER, "path": path, "mountOptions": options},
        "staticVolumes": [static],
    }

    made = render(values)

    places = [one["spec"]["nfs"] for one in made if one["kind"] == "PersistentVolume"]
    pod = next(one for one in made if one["kind"] == "Deployment")["spec"]["template"]["spec"]
    places += [one["nfs"] for one in pod["volumes"] if "nfs" in one]
    assert places == [{"server": SERVER, "path": path}] * 2
    environment = {one["name"]: one.get("value") for one in pod["containers"][0]["env"]}
    assert (environment["NFS_SERVER"], environment["NFS_PATH"]) == (SERVER, path)


def test_names_that_look_like_numbers_stay_strings() -> None:
    """A sibling of row 15."""
    values = {
        "fullnameOverride": "123",
        "nameOverride": "1.5",
        "priorityClassName": "1",
        "image": {"repository": "1", "tag": "2"},
        "serviceAccount": {"name": "456"},
        "storageClass": {"name": "0777", "provisionerName": "12", "pathPattern": "0x1"},
        "metrics": {"serviceMonitor": {"enabled": True}},
        "staticVolumes": [{"name": "7", "path": "/s", "capacity": "1"}],
        "nfs": {**EXAMPLE["nfs"], "mountOptions": ["hard"]},
    }

    made = render(values)

    assert all(isinstance(one["metadata"]["name"], str) for one in made)
    assert {"0777", "12", "0x1", "1:2", "456", "1.5", "1"} <= set(strings(made))
    assert {"123", "7"} <= {one["metadata"]["name"] for one in made}


def test_every_string_of_a_template_is_quoted() -> None:
    """A number or a boolean may stand by itself; everything else ends in quotes, or is JSON."""
    alone = ("replicas: {{ .Values.replicaCount }}", "allowVolumeExpansion: {{ $class.")
    as_text = "_nfs_subdir.tpl"
    written = re.compile(r"^\s*(?:- )?[\w./-]+: .*\{\{ (?!- )(.*) \}\}")
    as_json = ('include "holdfast.options"', 'include "holdfast.accessModes"')

    lines = [
        line
        for path in sorted((CHART / "templates").iterdir())
        if path.suffix in {".yaml", ".tpl"} and path.name != as_text
        for line in path.read_text(encoding="utf-8").splitlines()
        if (match := written.match(line))
        and not match[1].endswith(("| quote", "| toJson"))
        and not match[1].startswith(as_json)
        and not line.strip().startswith(alone)
    ]

    assert lines == []
