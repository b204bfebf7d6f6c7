"""What the roles let nodes pull has the names of upstream, and the lab has the same behind them."""

from __future__ import annotations

import pytest

from testbed.lab.reaching import REGISTRIES
from testbed.supplies import DEFAULT_VERSIONS
from testbed.supplies.images import Image, images
from tests.unit.roles.reading import ROLES, defaults

UPSTREAM = {
    "container_runtime_sandbox_image": "registry.k8s.io/pause",
    "control_plane_image_repository": "registry.k8s.io",
    "pod_network_flannel_image": "ghcr.io/flannel-io/flannel",
    "pod_network_flannel_plugin_image": "ghcr.io/flannel-io/flannel-cni-plugin",
    "verify_image": "docker.io/library/busybox",
}
OWN = {name: value for role in ROLES for name, value in defaults(role).items()}
# Where upstream's images have what pods and these roles run by its path.
PATHS = {
    "pause": "pause",
    "coredns/coredns": "coredns",
    "etcd": "usr/local/bin/etcd",
    "flannel-io/flannel": "opt/bin/flanneld",
    "flannel-io/flannel-cni-plugin": "flannel",
    "kube-apiserver": "usr/local/bin/kube-apiserver",
    "kube-controller-manager": "usr/local/bin/kube-controller-manager",
    "kube-proxy": "usr/local/bin/kube-proxy",
    "kube-scheduler": "usr/local/bin/kube-scheduler",
}


def lab() -> dict[str, Image]:
    return {
        f"{image.name}:{tag}": image for image in images(DEFAULT_VERSIONS) for tag in image.tags
    }


@pytest.mark.parametrize("name", UPSTREAM)
def test_a_default_has_upstreams_name(name: str) -> None:
    assert str(OWN[name]).rpartition("/")[2] != ""
    assert str(OWN[name]) == UPSTREAM[name] or str(OWN[name]).startswith(f"{UPSTREAM[name]}:")


@pytest.mark.parametrize("name", [name for name in UPSTREAM if not name.endswith("_repository")])
def test_the_lab_has_the_same_image_by_way_of_a_mirror(name: str) -> None:
    registry, _, path = str(OWN[name]).partition("/")

    assert registry in REGISTRIES
    assert path in lab()


def test_images_that_kubeadm_names_itself_are_not_changed_by_default() -> None:
    assert OWN["control_plane_dns_image"] == OWN["control_plane_etcd_image"] == {}


@pytest.mark.parametrize("name", PATHS)
def test_a_program_of_the_lab_is_where_upstreams_image_has_it(name: str) -> None:
    found = [image for image in images(DEFAULT_VERSIONS) if image.name == name]

    assert found != []
    assert [image.name for image in found if PATHS[name] not in image.programs] == []
