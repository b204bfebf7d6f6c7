"""What `verify` made is gone again."""

from __future__ import annotations

from testinfra.host import Host

from tests.testinfra.looking import kubectl, settings

testinfra_hosts = ["ansible://control_plane?sudo=true"]


def test_its_namespace_is_gone(host: Host) -> None:
    name = settings(host, "verify")["verify_namespace"]
    found = {each["metadata"]["name"] for each in kubectl(host, "get", "namespaces")["items"]}

    assert name not in found
    assert "kube-system" in found


def test_no_volume_of_it_is_left(host: Host) -> None:
    name = settings(host, "verify")["verify_namespace"]
    volumes = kubectl(host, "get", "persistentvolumes")["items"]
    owners = [each["spec"].get("claimRef", {}).get("namespace") for each in volumes]

    assert name not in owners
