"""What always holds: a claim is served as it asks, or refused with what to change."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from holdfast.claims.constants import BETA_CLASS
from holdfast.claims.ownership import Ownership
from testbed.kubelet import Kubelet
from testbed.manifests import stateful_set
from tests.cluster.objects import name_of, names_of
from tests.cluster.site import Site
from tests.cluster.typed import running, variables_of
from tests.support import eventually

SNAPSHOT = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "s"}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "raw block": ({"volumeMode": "Block"}, "volumeMode"),
    "a selector": ({"selector": {"matchLabels": {"tier": "fast"}}}, "spec.selector"),
    "a snapshot": ({"dataSource": SNAPSHOT}, "dataSource"),
}
MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown parameter": ({"parameters": {"pathpattern": "x"}}, "'pathpattern'"),
    "bad boolean": ({"parameters": {"archiveOnDelete": "yes"}}, "'archiveOnDelete'"),
    "bad action": ({"parameters": {"onDelete": "shred"}}, "'onDelete'"),
    "unknown field": ({"parameters": {"pathPattern": "${.PVC.node}"}}, "'${.PVC.node}'"),
    "open field": ({"parameters": {"pathPattern": "${.PVC.name"}}, "'}'"),
    "bad sharing": ({"parameters": {"sharedPaths": "maybe"}}, "'sharedPaths'"),
    "topologies": (
        {
            "allowedTopologies": [
                {"matchLabelExpressions": [{"key": "zone", "values": ["a"]}]},
            ]
        },
        "allowedTopologies",
    ),
}


@pytest.mark.parametrize(("spec", "field"), REFUSED.values(), ids=REFUSED)
def test_what_nfs_cannot_do_is_refused_by_name(
    site: Site, spec: dict[str, Any], field: str
) -> None:
    site.serve()

    claim = site.claim(site.make_class(), **spec)

    site.refusal(claim, field)
    assert site.volume_of(claim) is None
    assert site.tree() == set()


@pytest.mark.parametrize(("fields", "word"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_the_class_is_an_event_that_names_class_and_field(
    site: Site, fields: dict[str, Any], word: str
) -> None:
    site.serve()
    storage_class = site.make_class(**fields)

    message = site.refusal(site.claim(storage_class), word)

    assert f"StorageClass '{storage_class}'" in message


@pytest.mark.parametrize(
    "modes",
    [
        ["ReadWriteOnce"],
        ["ReadOnlyMany"],
        ["ReadWriteMany"],
        ["ReadWriteOncePod"],
        ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"],
    ],
    ids=" ".join,
)
def test_every_access_mode_is_served_and_only_read_only_many_alone_is_read_only(
    site: Site, modes: list[str]
) -> None:
    site.serve()

    volume = site.bound(site.claim(site.make_class(), modes=modes))

    assert volume["spec"]["accessModes"] == modes
    assert volume["spec"]["nfs"].get("readOnly", False) == (modes == ["ReadOnlyMany"])


def test_the_class_may_be_named_by_the_beta_annotation(site: Site) -> None:
    site.serve()
    storage_class = site.make_class()

    volume = site.bound(site.claim("", annotations={BETA_CLASS: storage_class}))

    assert volume["spec"]["storageClassName"] == storage_class


def test_mount_options_of_the_class_are_the_volume_s(site: Site) -> None:
    site.serve()

    volume = site.bound(site.claim(site.make_class(mountOptions=["nfsvers=3", "nolock"])))

    assert volume["spec"]["mountOptions"] == ["nfsvers=3", "nolock"]


@pytest.mark.parametrize("mode", [0o777, 0o750, 0o2770, 0o700])
def test_a_directory_has_the_default_mode_whatever_the_umask(site: Site, mode: int) -> None:
    site.serve(ownership=Ownership(mode))

    volume = site.bound(site.claim(site.make_class()))

    assert site.directory(volume).stat().st_mode & 0o7777 == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_directory_has_the_default_owner_and_keeps_setgid(site: Site) -> None:
    site.serve(ownership=Ownership(0o2770, 65534, 70000))

    found = site.directory(site.bound(site.claim(site.make_class()))).stat()

    assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (65534, 70000, 0o2770)


def test_an_owner_that_cannot_be_given_is_refused_with_a_hint(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that squashes root answers so to everybody."""

    def squashed(*_: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", squashed)
    site.serve(ownership=Ownership(uid=1000))

    site.refusal(site.claim(site.make_class()), "no_root_squash")
    eventually(lambda: site.tree() == set())


def test_a_claim_that_is_expanded_is_told_that_sizes_are_not_enforced(site: Site) -> None:
    """Row 12 of the public cases: the class allowed it, and nobody said anything."""
    running = site.serve()
    volume = site.bound(site.claim(site.make_class(allowVolumeExpansion=True)))

    for size in ("2Mi", "3Mi"):
        site.patch_claim("data", {"spec": {"resources": {"requests": {"storage": size}}}})
        words = f"asks for {size}, and volume {name_of(volume)} has 1Mi: sizes are not enforced"
        assert site.said("data", "SizeNotEnforced", words)

    running.settle()
    assert site.get_volume(name_of(volume))["spec"]["capacity"] == {"storage": "1Mi"}
    said = [one for one in site.events("data") if one["reason"] == "SizeNotEnforced"]
    assert [(one["type"], one.get("count", 1)) for one in said] == [("Normal", 1)] * 2


class TestWaitForFirstConsumer:
    def test_a_claim_waits_until_a_pod_uses_it_and_no_longer(
        self, site: Site, kubelet: Kubelet
    ) -> None:
        assert kubelet
        running = site.serve()
        storage_class = site.make_class(binding="WaitForFirstConsumer")
        unused = site.claim(storage_class, "unused")
        running.settle()

        site.plane.client.send(
            "POST",
            f"/apis/apps/v1/namespaces/{site.namespace}/statefulsets",
            stateful_set("web", 2, storage_class),
        )

        eventually(lambda: site.find_claim("data-web-1"))
        for claim in ("data-web-0", "data-web-1"):
            assert site.directory(site.bound(claim)).is_dir()
        assert site.volume_of(unused) is None
        assert site.events(unused) == []


def test_two_provisioners_of_one_name_do_not_harm_each_other(site: Site, tmp_path: Path) -> None:
    """No lease keeps them apart: each claim has one volume, and nothing is lost or left over."""
    storage_class = site.make_class(parameters={"onDelete": "delete"})
    claims = [f"claim-{number}" for number in range(20)]
    other = variables_of(site) | {"ENABLE_LEADER_ELECTION": "false"}
    with running(tmp_path / "log", other):
        eventually(lambda: "term begun" in (tmp_path / "log").read_text())
        site.serve()
        for claim in claims:
            site.claim(storage_class, claim)
        volumes = {claim: site.bound(claim) for claim in claims}
        for volume in volumes.values():
            (site.directory(volume) / "file").touch()

        for claim in claims[::2]:
            site.delete_claim(claim)
        for claim in claims[::2]:
            site.gone(volumes[claim])

    kept = [volumes[claim] for claim in claims[1::2]]
    assert names_of(site.volumes()) == names_of(kept)
    assert {path for path in site.tree() if "/" not in path} == {
        site.directory(volume).name for volume in kept
    }
    assert all((site.directory(volume) / "file").exists() for volume in kept)
