"""A login in a URL is refused: the output, logs and lists of processes would show it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.holdfast.nfs.plugins.lookup.option_faults import LookupModule
from ansible_collections.holdfast.nfs.plugins.module_utils.provisioner.sources import (
    image_setting_faults,
)

from tests.unit.roles.reading import HERE, ROLES, load, options
from tests.unit.roles.rendering import trusted

LOGIN = "https://reader:hunter2@mirror.example.com/simple"
APT = "deb https://reader:hunter2@mirror.example.com/debian trixie main"
URLS = sorted({name for role in ROLES for name in options(role) if name.endswith("_url")})


def said(**given: Any) -> list[str]:
    """What is said of these variables of any role."""
    own = trusted({"inventory_hostname": "node", **given})
    lookup = LookupModule(loader=DataLoader(), templar=Templar(DataLoader(), variables=own))
    return lookup.run([], own)


def test_the_roles_take_urls() -> None:
    assert {"provisioner_image_pip_index_url", "kubernetes_node_release_url"} <= {*URLS}


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize("url", [LOGIN, "http://token@mirror.example.com", "{{ 'a://b:' }}c@d"])
def test_a_url_with_a_login_is_refused_and_not_repeated(name: str, url: str) -> None:
    """Seen: pip's index, in the result of the module and in the command line of buildah."""
    (sentence,) = said(**{name: url})

    assert sentence == (
        f"{name} has a URL with a login in it on node, which output, logs and lists of processes "
        "would show; name a server that asks for none, such as a mirror in your network."
    )


def test_a_list_that_has_one_is_refused_as_well() -> None:
    (sentence,) = said(provisioner_image_apt_sources=["deb https://a.example b c", APT])

    assert sentence.startswith("provisioner_image_apt_sources has a URL with a login in it on node")
    assert "hunter2" not in sentence


@pytest.mark.parametrize(
    "value",
    ["https://get.helm.sh", "https://a.example/x@v1", "https://a.example?who=me@b", "me@b", ""],
)
def test_a_url_without_one_is_accepted(value: str) -> None:
    assert said(provisioner_helm_url=value, provisioner_image_apt_sources=[value]) == []


def test_a_proxy_has_its_login_in_its_url() -> None:
    proxy = {"http": "http://me:secret@proxy.example.com:3128"}

    assert said(provisioner_proxy=proxy, kubernetes_node_proxy=proxy) == []


def test_a_login_that_only_the_machine_has_that_builds_is_refused() -> None:
    settings = {"base": "debian:13", "apt_sources": [APT], "pip_index_url": LOGIN, "login": {}}

    faults = image_setting_faults(settings, "builder")

    assert [fault.split(" in it on ")[0] for fault in faults] == [
        "provisioner_image_apt_sources has a URL with a login",
        "provisioner_image_pip_index_url has a URL with a login",
    ]
    assert all("builder, which" in fault and "hunter2" not in fault for fault in faults)


def test_the_image_is_not_built_with_what_is_refused() -> None:
    first = load(HERE / "roles/provisioner/tasks/image.yml")[0]

    assert "holdfast.nfs.image_setting_faults" in first["vars"]["__provisioner_faults"]
