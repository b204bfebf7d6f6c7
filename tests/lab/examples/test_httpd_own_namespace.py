"""examples/httpd-own-namespace: a provisioner set up by hand, and data that nobody takes away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.examples.cluster import EXAMPLES, OVERLAYS, PATIENCE, Cluster, Space, until
from tests.lab.seeds import EXPORT

pytestmark = pytest.mark.timeout(900)
FOLDER = EXAMPLES / "httpd-own-namespace"
ROOT = f"{EXPORT}/nfsdata"
PAGE = "/usr/local/apache2/htdocs/index.html"
WRITTEN = {f"statefulset-test-{number}": text for number, text in enumerate(("123", "456", "789"))}


@pytest.fixture(scope="module")
def space(cluster: Cluster) -> Iterator[Space]:
    """The document's own namespace, with its own provisioner."""
    made = Space(cluster, "xgp-lll")
    with cluster.alone("httpd-own-namespace"):
        clear(made)
        cluster.guest("nfs").ssh(f"sudo mkdir --parents {ROOT}")
        yield made
        clear(made)


def clear(space: Space) -> None:
    """As the README says it: claims, volumes, namespace, class; then what was kept."""
    space.kubectl("delete", "statefulset,pvc", "--all", deadline=200)
    for volume in space.volumes():
        space.kubectl("delete", "pv", volume["metadata"]["name"])
    for kind, name in (
        ("namespace", "xgp-lll"),
        ("storageclass", "stateful-nfs"),
        ("clusterrolebinding", "run-nfs-provisioner"),
        ("clusterrole", "nfs-provisioner-runner"),
    ):
        space.cluster.kubectl("delete", kind, name, "--ignore-not-found", deadline=200)
    space.cluster.guest("nfs").ssh(f"sudo rm --recursive --force {ROOT}")


@pytest.fixture(scope="module", autouse=True)
def applied(space: Space) -> None:
    space.cluster.kubectl("apply", f"--filename={FOLDER / 'namespace.yaml'}")
    space.cluster.kubectl("apply", "--kustomize", str(OVERLAYS / "httpd-own-namespace"))
    space.roll_out("deployment/nfs-client-provisioner")
    space.cluster.kubectl("apply", f"--filename={FOLDER / 'statefulset.yaml'}")
    space.roll_out("statefulset/statefulset-test")
    for name, text in WRITTEN.items():
        space.run(name, "sh", "-c", f"echo {text} > {PAGE}")


def directories(space: Space) -> dict[str, str]:
    return {
        claim.removeprefix("test-"): f"{ROOT}/xgp-lll-{claim}-{volume}"
        for claim, volume in space.bound().items()
    }


def on_the_server(space: Space, folders: dict[str, str]) -> dict[str, str]:
    nfs = space.cluster.guest("nfs")
    return {name: nfs.ssh(f"cat {path}/index.html").strip() for name, path in folders.items()}


def test_each_pod_has_a_directory_named_for_namespace_claim_and_volume(space: Space) -> None:
    assert on_the_server(space, directories(space)) == WRITTEN


def test_each_pod_serves_its_own_page(space: Space) -> None:
    asking = space.asker()

    for name, text in WRITTEN.items():
        page = ("wget", "-q", "-O-", f"http://{name}.headless-svc")
        assert space.run(asking, *page).strip() == text


def test_deleted_pods_read_their_own_data_again(space: Space) -> None:
    space.replace(*WRITTEN)

    assert {name: space.run(name, "cat", PAGE).strip() for name in WRITTEN} == WRITTEN


def test_with_claims_and_pods_gone_volumes_are_released_and_data_is_kept(space: Space) -> None:
    folders = directories(space)
    space.cluster.kubectl("delete", f"--filename={FOLDER / 'statefulset.yaml'}", deadline=200)
    until(lambda: not space.pods("app=headless-pod"), PATIENCE)
    assert len(space.bound()) == 3

    space.kubectl("delete", "pvc", "--all", deadline=200)

    def phases() -> list[str]:
        return [volume["status"]["phase"] for volume in space.volumes()]

    until(lambda: phases() == ["Released"] * 3, 60)
    assert on_the_server(space, folders) == WRITTEN
