"""The table of images is one that a registry can hold and a cluster can live on."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from testbed.programs.recipes import KUBERNETES_VERSION
from testbed.supplies.images import Image, images
from testbed.supplies.recipes import KUBERNETES, PREVIOUS_VERSION

BOTH = (PREVIOUS_VERSION, KUBERNETES_VERSION)


def by_name(version: str) -> dict[str, Image]:
    return {image.name: image for image in images((version,))}


def test_each_name_with_a_tag_is_there_once() -> None:
    counted = Counter(f"{image.name}:{tag}" for image in images(BOTH) for tag in image.tags)

    assert [name for name, count in counted.items() if count > 1] == []


@pytest.mark.parametrize("image", images(BOTH), ids=lambda image: f"{image.name}:{image.tags[0]}")
def test_an_image_has_names_that_a_registry_takes_and_something_in_it(image: Image) -> None:
    assert re.fullmatch(r"[a-z0-9]+([-/][a-z0-9]+)*", image.name)
    assert all(re.fullmatch(r"[\w][\w.-]{0,127}", tag) for tag in image.tags)
    assert image.programs or image.unpacked or image.packages is not None


@pytest.mark.parametrize("image", images(BOTH), ids=lambda image: f"{image.name}:{image.tags[0]}")
def test_paths_in_an_image_are_relative_to_its_root(image: Image) -> None:
    paths = [*image.programs, *image.files, *image.links]

    assert [path for path in paths if path.startswith(("/", "."))] == []


@pytest.mark.parametrize("version", BOTH)
def test_all_static_pods_and_kube_proxy_have_their_version(version: str) -> None:
    table = by_name(version)

    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"):
        assert table[name].tags == (version,)
        assert table[name].programs[f"usr/local/bin/{name}"] is KUBERNETES[version][name]


def test_who_sets_up_a_nodes_network_finds_nft() -> None:
    table = by_name(KUBERNETES_VERSION)

    for name in ("kube-proxy", "flannel-io/flannel"):
        assert "nftables" in (table[name].packages or ())


def test_an_entrypoint_of_a_program_built_here_is_where_that_program_is() -> None:
    built = [image for image in images(BOTH) if image.programs and image.run.entrypoint]

    assert [image.name for image in built] != []
    for image in built:
        assert image.run.entrypoint[0].lstrip("/") in image.programs


def test_the_image_of_etcd_brings_what_restores_a_snapshot() -> None:
    assert "usr/local/bin/etcdutl" in by_name(KUBERNETES_VERSION)["etcd"].programs
