"""The folder of mirrors holds what the variable says, and what others put there."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.modules import registry_mirrors as mirrors

MIRROR = "http://192.168.41.1:5000"


def make(folder: Path, wanted: dict[str, object]) -> None:
    then = mirrors.wanted(wanted)
    mirrors.apply(folder, then, mirrors.outdated(mirrors.present(folder), then))


def test_each_registry_has_its_mirror(tmp_path: Path) -> None:
    make(tmp_path, {"registry.k8s.io": MIRROR, "quay.io:8443": "https://mirror.example.com/quay"})

    read = tomllib.loads((tmp_path / "registry.k8s.io/hosts.toml").read_text())
    assert read == {"server": MIRROR, "host": {MIRROR: {"capabilities": ["pull", "resolve"]}}}
    assert set(mirrors.present(tmp_path)) == {"registry.k8s.io", "quay.io:8443"}


def test_a_mirror_that_is_no_longer_named_is_removed(tmp_path: Path) -> None:
    make(tmp_path, {"registry.k8s.io": MIRROR, "ghcr.io": MIRROR})
    make(tmp_path, {"ghcr.io": MIRROR})

    assert set(mirrors.present(tmp_path)) == {"ghcr.io"}


def test_what_somebody_else_wrote_stays(tmp_path: Path) -> None:
    own = tmp_path / "registry.example.com/hosts.toml"
    own.parent.mkdir()
    own.write_text('server = "https://registry.example.com"\n')

    make(tmp_path, {})

    assert own.exists()


def test_no_folder_is_no_mirror(tmp_path: Path) -> None:
    assert mirrors.present(tmp_path / "certs.d") == {}


@pytest.mark.parametrize(
    "url",
    [
        "192.168.41.1:5000",
        "ftp://mirror",
        "http://",
        "http://mirror:99999",
        'http://m"\n[host]',
        "",
        5000,
        None,
    ],
)
def test_a_mirror_that_is_no_url_is_refused_by_name(url: object) -> None:
    with pytest.raises(mirrors.BadMirrorError, match=r"the mirror of ghcr\.io is"):
        mirrors.hosts_file("ghcr.io", url)


@pytest.mark.parametrize(
    "registry", ["https://ghcr.io", "ghcr.io/flannel", "../ghcr.io", "", "GHCR"]
)
def test_what_is_no_registry_is_refused_by_name(registry: str) -> None:
    with pytest.raises(mirrors.BadMirrorError, match="is no registry's name"):
        mirrors.hosts_file(registry, MIRROR)
