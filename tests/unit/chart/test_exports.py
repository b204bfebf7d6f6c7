"""Several exports: what the pods mount, what they read of it, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from holdfast.claims.build_volume import Address
from holdfast.claims.decide import Provisioner
from holdfast.claims.ownership import Ownership
from holdfast.controller.exports_config import parse
from holdfast.controller.settings import ExportSettings
from testbed.chart import HelmError, render
from testbed.client import Json

FAST: Json = {
    "name": "fast",
    "server": "nas.example.com",
    "path": "/srv/fast",
    "serverAliases": ["192.0.2.10", "fd00::10"],
    "mountOptions": "nfsvers=4.2,hard",
    "deadline": 12.5,
    "mode": "2770",
    "uid": 0,
    "gid": 4000000000,
}
SLOW: Json = {"name": "slow", "server": "2600:1f16:c:ae00::", "path": '/é"\\{{.x}}'}
SEVERAL: Json = {"nfs": {}, "exports": [FAST, SLOW]}


def of_kind(values: Json, kind: str) -> list[Json]:
    return [one for one in render(values) if one["kind"] == kind]


def text(values: Json) -> str:
    """The file that the pods read."""
    [found] = of_kind(values, "ConfigMap")
    return str(found["data"]["exports.yaml"])


def pod(values: Json) -> Json:
    [found] = of_kind(values, "Deployment")
    spec: Json = found["spec"]["template"]["spec"]
    return spec


def mounts(values: Json) -> dict[str, Json]:
    """By folder in the pod, the volume that is mounted there."""
    spec = pod(values)
    volumes = {one["name"]: one for one in spec["volumes"]}
    [container] = spec["containers"]
    return {one["mountPath"]: volumes[one["name"]] for one in container["volumeMounts"]}


def one(**changed: Any) -> Json:
    """Values with one export."""
    return {"nfs": {}, "exports": [{"name": "a", "server": "nas", "path": "/srv", **changed}]}


def test_the_program_reads_the_exports_as_they_are_in_the_values() -> None:
    folders = [Path(folder) for folder in mounts(SEVERAL) if folder.startswith("/exports/")]

    assert parse(text(SEVERAL)) == (
        ExportSettings(
            name="fast",
            address=Address("nas.example.com", FAST["path"], frozenset(FAST["serverAliases"])),
            root=folders[0],
            deadline=12.5,
            ownership=Ownership(0o2770, 0, 4000000000),
        ),
        ExportSettings(
            name="slow",
            address=Address("2600:1f16:c:ae00::", SLOW["path"]),
            root=folders[1],
            deadline=30.0,
            ownership=Ownership(),
        ),
    )


def test_what_an_export_leaves_out_is_as_the_values_say_for_all() -> None:
    directories = {"mode": "0750", "uid": 7, "gid": 8}
    values = {"directories": directories, "settings": {"exportDeadline": 9}}

    [plain] = parse(text({**one(), **values}))
    [own] = parse(text({**one(uid=0, gid=None), **values}))

    assert (plain.deadline, plain.ownership) == (9, Ownership(0o750, 7, 8))
    assert own.ownership == Ownership(0o750, 0, None)


@pytest.mark.parametrize(
    "removed", [{"settings": {"exportDeadline": None}}, {"directories": {"mode": None}}]
)
def test_where_a_default_of_the_values_is_removed_the_program_s_own_is_used(removed: Json) -> None:
    [export] = parse(text({**one(uid=7), **removed}))

    assert (export.deadline, export.ownership) == (30.0, Ownership(uid=7))


def test_each_export_is_mounted_where_the_program_looks_for_it() -> None:
    mounted = mounts(SEVERAL)
    claims = {
        found["metadata"]["name"]: found["spec"] for found in of_kind(SEVERAL, "PersistentVolume")
    }

    fast, slow = parse(text(SEVERAL))
    claim = mounted[str(fast.root)]["persistentVolumeClaim"]["claimName"]
    assert claims[claim]["nfs"] == {"server": "nas.example.com", "path": "/srv/fast"}
    assert claims[claim]["mountOptions"] == ["nfsvers=4.2", "hard"]
    assert claims[claim]["claimRef"]["name"] == claim
    assert mounted[str(slow.root)]["nfs"] == {"server": SLOW["server"], "path": SLOW["path"]}
    assert [one["metadata"]["name"] for one in of_kind(SEVERAL, "PersistentVolumeClaim")] == [claim]


def test_a_pod_that_reads_of_another_address_does_not_find_the_former_export_there() -> None:
    """While it is replaced, it reads the new file, but mounts what it was started with."""
    folders = {parse(text(values))[0].root for values in (one(), one(server="b"), one(path="/b"))}

    assert len(folders) == 3


def test_the_names_of_long_exports_differ_and_are_names_of_volumes() -> None:
    exports = [
        {"name": f"{'a' * 62}{end}", "server": end, "path": "/", "mountOptions": ["hard"]}
        for end in ("b", "c")
    ]
    values: Json = {"nfs": {}, "exports": exports}

    names = [volume["name"] for volume in pod(values)["volumes"]]

    assert len(set(names)) == 3
    assert max(map(len, names)) <= 63
    assert len(of_kind(values, "PersistentVolume")) == 2


def test_the_file_is_read_from_a_folder_because_only_there_it_changes() -> None:
    [container] = pod(SEVERAL)["containers"]
    [config] = [one["value"] for one in container["env"] if one["name"] == "HOLDFAST_CONFIG"]
    [mount] = [one for one in container["volumeMounts"] if one["mountPath"] in config]

    [found] = of_kind(SEVERAL, "ConfigMap")
    volume = mounts(SEVERAL)[mount["mountPath"]]
    assert volume["configMap"] == {"name": found["metadata"]["name"]}
    assert config == f"{mount['mountPath']}/exports.yaml"
    assert "subPath" not in mount


@pytest.mark.parametrize(
    "changed", [{"deadline": 5}, {"mode": "0700"}, {"uid": 1}, {"serverAliases": ["b"]}]
)
def test_what_the_program_learns_from_the_file_restarts_no_pod(changed: Json) -> None:
    assert text(one(**changed)) != text(one())
    assert pod(one(**changed)) == pod(one())


def test_the_role_has_the_lease_of_each_export_and_no_other() -> None:
    exports = [FAST, {**SLOW, "name": "default"}]
    values = {
        "nfs": {},
        "exports": exports,
        "storageClass": {"provisionerName": "k8s-sigs.io/nfs/east"},
    }

    [role] = of_kind(values, "Role")

    [leases] = [rule["resourceNames"] for rule in role["rules"] if "resourceNames" in rule]
    provisioner = Provisioner("k8s-sigs.io/nfs/east")
    assert leases == [provisioner.lease_of(export["name"]) for export in exports]


def test_with_one_export_there_is_no_file() -> None:
    assert of_kind({"exports": []}, "ConfigMap") == []
    assert render({"exports": []}) == render()


def test_the_notes_list_the_exports(notes: Callable[[Json], str]) -> None:
    shown = notes(one() | {"exports": [*one()["exports"], FAST]})

    assert "  a: nas:/srv\n  fast: nas.example.com:/srv/fast\n" in shown
    assert "from nfs.example.com:/srv/nfs/k8s." in notes({})


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"sever": "nas"}, "at '/exports/0': additional properties 'sever' not allowed"),
        ({"name": "A"}, "at '/exports/0/name'"),
        ({"name": "a" * 64}, "at '/exports/0/name'"),
        ({"name": "a.b"}, "at '/exports/0/name'"),
        ({"server": ""}, "at '/exports/0/server'"),
        ({"server": "two words"}, "at '/exports/0/server'"),
        ({"server": "nas:/srv"}, "at '/exports/0/server'"),
        ({"path": "srv"}, "at '/exports/0/path'"),
        ({"path": "/two words"}, "at '/exports/0/path'"),
        ({"path": "/two\u2028lines"}, "at '/exports/0/path'"),
        ({"path": "/srv/\ufeffa"}, "at '/exports/0/path'"),
        ({"server": "nas\u200b"}, "at '/exports/0/server'"),
        ({"serverAliases": ["nas\u200b"]}, "at '/exports/0/serverAliases/0'"),
        ({"path": "/srv/../etc"}, "at '/exports/0/path'"),
        ({"path": "/srv/.."}, "at '/exports/0/path'"),
        ({"serverAliases": "b"}, "at '/exports/0/serverAliases'"),
        ({"serverAliases": [""]}, "at '/exports/0/serverAliases/0'"),
        ({"mountOptions": ["hard soft"]}, "at '/exports/0/mountOptions/0'"),
        ({"deadline": 0.5}, "at '/exports/0/deadline'"),
        ({"deadline": 3601}, "at '/exports/0/deadline'"),
        ({"deadline": "30"}, "at '/exports/0/deadline'"),
        ({"mode": "0999"}, "at '/exports/0/mode'"),
        ({"mode": 770}, "at '/exports/0/mode'"),
        ({"uid": -1}, "at '/exports/0/uid'"),
        ({"gid": "x"}, "at '/exports/0/gid'"),
    ],
)
def test_a_wrong_field_is_named(changed: Json, sentence: str) -> None:
    with pytest.raises(HelmError) as caught:
        render(one(**changed))

    assert sentence in str(caught.value)


@pytest.mark.parametrize("field", ["name", "server", "path"])
def test_a_missing_field_is_named(field: str) -> None:
    values = deepcopy(SEVERAL)
    del values["exports"][1][field]

    with pytest.raises(HelmError) as caught:
        render(values)

    assert f"at '/exports/1': missing property '{field}'" in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("server", "nas"),
        ("path", "/srv"),
        ("serverAliases", ["nas"]),
        ("mountOptions", ["hard"]),
    ],
)
def test_exports_and_the_only_export_are_not_both_given(field: str, value: Any) -> None:
    with pytest.raises(HelmError) as caught:
        render({**SEVERAL, "nfs": {field: value}})

    assert f"nfs.{field} and exports are both given: list every export in exports" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"path": "/other"}, "exports[1].name is a, which is another export's name"),
        ({"name": "b"}, "exports[1].path is /srv: exports a and b overlap"),
        ({"name": "b", "path": "/srv//b/"}, "exports[1].path is /srv//b/: exports a and b"),
        ({"name": "b", "path": "/"}, "exports[1].path is /: exports a and b overlap"),
        ({"name": "b", "server": "NAS."}, "exports a and b overlap"),
        ({"name": "b", "server": "x", "serverAliases": ["nas"]}, "exports a and b overlap"),
    ],
)
def test_exports_that_could_not_be_told_apart_are_refused(other: Json, sentence: str) -> None:
    values = one()
    values["exports"] += one(**other)["exports"]

    with pytest.raises(HelmError) as caught:
        render(values)

    assert sentence in str(caught.value)


@pytest.mark.parametrize("other", [{"path": "/srv2"}, {"server": "ssd"}])
def test_exports_that_only_look_alike_are_not_refused(other: Json) -> None:
    values = one()
    values["exports"] += one(name="b", **other)["exports"]

    assert [str(export.address) for export in parse(text(values))] == [
        "nas:/srv",
        f"{other.get('server', 'nas')}:{other.get('path', '/srv')}",
    ]
