"""What the chart's pods are told, may do, and are asked."""

from __future__ import annotations

import json
import tomllib
from base64 import b64decode
from pathlib import Path
from typing import Any

import yaml

from holdfast import __version__
from holdfast.cli.run import run
from testbed.chart import CHART, render
from testbed.client import Json

REPOSITORY = Path(__file__).parents[3]
NOT_OPTIONS = {"POD_NAME", "POD_NAMESPACE"}


def pod(values: Json | None = None) -> Json:
    [deployment] = [found for found in render(values) if found["kind"] == "Deployment"]
    found: Json = deployment["spec"]["template"]["spec"]
    return found


def container(values: Json | None = None) -> Json:
    [found] = pod(values)["containers"]
    return dict(found)


def environment(values: Json | None = None) -> dict[str, str]:
    return {one["name"]: one.get("value", "") for one in container(values)["env"]}


UID = "e4f1c2d0-0000-4000-8000-00000000000e"
EVERYTHING = {
    "nfs": {"server": "a", "path": "/b", "serverAliases": ["x.example.com", "192.0.2.9"]},
    "directories": {"mode": "2770", "uid": 0, "gid": 4000000000},
    "settings": {"alsoKnownAs": ["old/one", "old/two"], "takesOver": [UID]},
}
SEVERAL: Json = {"nfs": {}, "exports": [{"name": "fast", "server": "a", "path": "/b"}]}


def test_every_option_but_where_things_are_can_be_set() -> None:
    fixed = {"KUBECONFIG", "HOLDFAST_ROOT", "HOLDFAST_HTTP"}  # as a pod has them
    options = {option.to_info_dict()["envvar"] for option in run.params}
    told = {*environment(EVERYTHING), *environment(SEVERAL)}

    assert told - NOT_OPTIONS == options - fixed


def test_with_several_exports_no_option_is_told_that_their_file_has() -> None:
    of_one = {"NFS_SERVER", "NFS_PATH", "HOLDFAST_NFS_SERVER_ALIASES", "HOLDFAST_EXPORT_DEADLINE"}
    of_one |= {"NFS_DEFAULT_MODE", "NFS_DEFAULT_UID", "NFS_DEFAULT_GID"}
    one = {**EVERYTHING, "exports": []}
    several = {**EVERYTHING, **SEVERAL}

    assert environment(one).keys() - environment(several).keys() == of_one
    assert environment(several).keys() - environment(one).keys() == {"HOLDFAST_CONFIG"}


def test_what_is_told_unasked_is_what_the_program_does_by_itself() -> None:
    defaults = {o["envvar"]: o["default"] for o in (p.to_info_dict() for p in run.params)}
    told = {name: value for name, value in environment().items() if defaults.get(name)}

    assert told == {name: str(defaults[name]) for name in told}


def test_the_program_understands_what_it_is_told() -> None:
    told = environment(EVERYTHING)
    by_variable = {option.to_info_dict()["envvar"]: option for option in run.params}

    read: dict[str, Any] = {}
    with run.make_context("run", [], resilient_parsing=True) as context:
        for name in told.keys() & by_variable.keys():
            option = by_variable[name]
            value: Any = told[name].split() if option.to_info_dict()["multiple"] else told[name]
            read[name] = option.type_cast_value(context, value)

    assert read["NFS_DEFAULT_MODE"] == 0o2770
    assert (read["NFS_DEFAULT_UID"], read["NFS_DEFAULT_GID"]) == (0, 4000000000)
    assert read["HOLDFAST_ALSO_KNOWN_AS"] == ("old/one", "old/two")
    assert read["HOLDFAST_FINALIZER"] is True


def test_other_names_of_the_server_are_told_separated_by_spaces() -> None:
    nfs = {"server": "a", "path": "/b", "serverAliases": ["192.168.41.10", "fd00::10"]}

    assert environment({"nfs": nfs})["HOLDFAST_NFS_SERVER_ALIASES"] == "192.168.41.10 fd00::10"
    assert "HOLDFAST_NFS_SERVER_ALIASES" not in environment()


def test_a_pod_knows_its_own_name_and_namespace() -> None:
    """It deletes itself by them."""
    sources = {one["name"]: one["valueFrom"] for one in container()["env"] if "valueFrom" in one}

    assert sources == {
        "POD_NAME": {"fieldRef": {"fieldPath": "metadata.name"}},
        "POD_NAMESPACE": {"fieldRef": {"fieldPath": "metadata.namespace"}},
    }


def test_the_version_is_the_programs() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))

    assert chart["appVersion"] == __version__
    assert container()["image"].endswith(f"/holdfast:{__version__}")


def test_nothing_can_be_written_gained_or_called_that_is_not_needed() -> None:
    security = container()["securityContext"]

    assert security == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod()["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}


def test_liveness_never_depends_on_the_export() -> None:
    probes = container()

    assert probes["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert probes["startupProbe"]["httpGet"]["path"] == "/healthz"
    assert probes["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_the_port_is_where_the_program_listens() -> None:
    [port] = container()["ports"]
    [http] = [o for o in run.params if o.name == "http"]

    assert http.to_info_dict()["default"] == f":{port['containerPort']}"


def test_the_export_is_mounted_where_the_program_looks() -> None:
    [mount] = container()["volumeMounts"]
    [root] = [o for o in run.params if o.name == "root"]

    assert mount["mountPath"] == str(root.to_info_dict()["default"])
    assert pod()["volumes"] == [
        {"name": "export", "nfs": {"server": "nfs.example.com", "path": "/srv/nfs/k8s"}}
    ]


def test_mount_options_are_those_of_a_volume_that_is_for_these_pods_alone() -> None:
    nfs = {"server": "a", "path": "/b", "mountOptions": ["nfsvers=4.2", "hard"]}
    objects = render({"nfs": nfs})
    [volume] = [found for found in objects if found["kind"] == "PersistentVolume"]
    [claim] = [found for found in objects if found["kind"] == "PersistentVolumeClaim"]

    assert volume["spec"]["mountOptions"] == ["nfsvers=4.2", "hard"]
    assert volume["spec"]["claimRef"]["name"] == claim["metadata"]["name"]
    assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
    assert pod({"nfs": nfs})["volumes"][0]["persistentVolumeClaim"] == {
        "claimName": claim["metadata"]["name"]
    }


def test_another_export_is_another_volume_because_none_can_be_changed() -> None:
    names = {
        found["metadata"]["name"]
        for server in ("a", "b")
        for found in render({"nfs": {"server": server, "path": "/", "mountOptions": ["hard"]}})
        if found["kind"] == "PersistentVolume"
    }

    assert len(names) == 2


def test_a_login_becomes_a_secret_that_the_pods_pull_with() -> None:
    login = {"registry": "registry.example", "username": "me", "password": 'pass"word'}
    values = {"imageCredentials": login, "imagePullSecrets": [{"name": "own"}]}
    [secret] = [found for found in render(values) if found["kind"] == "Secret"]
    [(registry, entry)] = json.loads(secret["stringData"][".dockerconfigjson"])["auths"].items()

    assert registry == "registry.example"
    assert b64decode(entry["auth"]).decode() == 'me:pass"word'
    assert [one["name"] for one in pod(values)["imagePullSecrets"]] == [
        "own",
        secret["metadata"]["name"],
    ]


def test_replicas_are_spread() -> None:
    [deployment] = [found for found in render() if found["kind"] == "Deployment"]
    [spread] = pod()["topologySpreadConstraints"]

    assert deployment["spec"]["replicas"] == 2
    assert spread["topologyKey"] == "kubernetes.io/hostname"


def test_a_node_can_be_drained_also_where_no_other_takes_pods() -> None:
    """Seen: a budget for two pods on the only worker kept it from being upgraded or removed."""
    assert [found for found in render() if found["kind"] == "PodDisruptionBudget"] == []


def test_a_budget_is_for_the_pods_of_the_release() -> None:
    objects = render({"podDisruptionBudget": {"enabled": True}})
    [deployment] = [found for found in objects if found["kind"] == "Deployment"]
    [budget] = [found for found in objects if found["kind"] == "PodDisruptionBudget"]

    assert budget["spec"]["maxUnavailable"] == 1
    assert budget["spec"]["selector"] == deployment["spec"]["selector"]


def test_prometheus_finds_the_pods_through_the_service() -> None:
    objects = render({"metrics": {"serviceMonitor": {"enabled": True}}})
    [service] = [found for found in objects if found["kind"] == "Service"]
    [monitor] = [found for found in objects if found["kind"] == "ServiceMonitor"]
    [deployment] = [found for found in objects if found["kind"] == "Deployment"]

    pod_labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= pod_labels.items()
    assert (
        monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    )
    assert monitor["spec"]["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]


def test_the_images_description_is_the_projects() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    recipe = (REPOSITORY / "provisioner" / "Containerfile").read_text(encoding="utf-8")
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))

    assert f'image.description="{project["description"]}"' in recipe
    assert chart["description"] == project["description"]
