"""A variable that kubeadm or the machine cannot use is refused by name before any change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.control_plane_values import (
    control_plane_value_faults,
)
from ansible_collections.holdfast.nfs.plugins.filter.lookup_faults import lookup_faults

from tests.unit.roles.playing import Site
from tests.unit.roles.reading import HERE, defaults

PREFIX = "control_plane_"
GIVEN = {
    name.removeprefix(PREFIX): value
    for name, value in defaults(HERE / "roles/control_plane").items()
} | {"address": "192.168.41.11", "new": True}


def faults(**wanted: Any) -> list[str]:
    return control_plane_value_faults(GIVEN | wanted, "control")


def test_the_defaults_have_no_fault() -> None:
    assert faults() == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("endpoint", "https://k8s.example.com:6443/"),
        ("endpoint", "k8s.example.com:6443"),
        ("endpoint", "K8s.example.com"),
        ("endpoint", "10.0.0.300"),
        ("endpoint", "fd00::1"),
        ("endpoint", ""),
        ("endpoint", "localhost"),
        ("endpoint", "127.0.0.1"),
        ("address", "no such address"),
        ("address", "10.0.0.300"),
        ("address", "k8s.example.com"),
        ("address", "0.0.0.0"),
        ("cluster_domain", "cluster local!"),
        ("cluster_domain", ".cluster.local"),
        ("image_repository", "https://registry.example.com/k8s"),
        ("image_repository", "registry.example.com/k8s/"),
        ("image_repository", "registry.example.com/K8s"),
    ],
)
def test_a_value_of_the_wrong_form_is_refused_with_variable_machine_and_remedy(
    variable: str, value: str
) -> None:
    (fault,) = faults(**{variable: value})

    told = f'"{value}"' if value else "empty"
    assert fault.startswith(f"control_plane_{variable} is {told} on control; ")
    assert fault.endswith(".")


def test_each_name_of_the_certificate_is_looked_at() -> None:
    said = faults(certificate_names=["a b", "*", "*.k8s.example.com", "fd00::1", "10.0.0.1"])

    assert [fault.partition(" on ")[0] for fault in said] == [
        'control_plane_certificate_names is "a b"',
        'control_plane_certificate_names is "*"',
    ]


def test_the_images_of_one_program_are_looked_at() -> None:
    (place,) = faults(dns_image={"imageRepository": "https://a"})
    (tag,) = faults(etcd_image={"imageTag": "3.6 9"})

    assert place.startswith('control_plane_dns_image.imageRepository is "https://a" on control')
    assert tag.startswith('control_plane_etcd_image.imageTag is "3.6 9" on control')


@pytest.mark.parametrize(
    "wanted",
    [
        {"endpoint": "10.0.0.30"},
        {"endpoint": "api-1.k8s.example.com"},
        {"address": "k8s.example.com", "hosts_entry": False},
        {"image_repository": "registry.example.com:5000/mirror/k8s__x"},
        {"dns_image": {"imageRepository": "registry.example.com", "imageTag": "v1.14.2"}},
        {"cluster_domain": "local"},
    ],
)
def test_what_kubeadm_takes_is_not_refused(wanted: dict[str, Any]) -> None:
    assert faults(**wanted) == []


def test_a_cluster_that_lives_with_its_own_loopback_goes_on() -> None:
    assert faults(endpoint="localhost", new=False) == []


def test_what_the_machine_does_not_know_is_told_by_the_variable() -> None:
    unknown = {"users": ["nobodyofthisname"], "calendars": ["x"], "names": ["nowhere.invalid"]}
    wanted = {
        "users": {"control_plane_admin": "nobodyofthisname"},
        "calendars": {"control_plane_renewal_calendar": "daily", "etcd_snapshots_calendar": "x"},
        "names": {"control_plane_endpoint": "nowhere.invalid"},
    }

    user, calendar, name = lookup_faults(unknown, wanted, "control")

    assert user == (
        'control_plane_admin is "nobodyofthisname" on control, who is no user of this machine; '
        "create the user, or name another."
    )
    assert calendar.startswith('etcd_snapshots_calendar is "x" on control, which is no time that')
    assert name.startswith('control_plane_endpoint is "nowhere.invalid" on control, which has no ')
    assert "control_plane_hosts_entry is off" in name


STATE = {"address": "192.0.2.11", "configuration": "", "control_plane": False}


def preflight(site: Site, role: str, **variables: Any) -> str:
    """What the role's checks say of this machine."""
    include = {"name": f"holdfast.nfs.{role}", "tasks_from": "preflight"}
    for name in ("systemd-analyze", "getent", "resolvectl"):
        knows = 'case "$*" in *"full moon"*|*nowhere.invalid*) exit 2;; esac\n'
        site.program(name, f"#!/bin/sh\n{knows}")
    node = {
        "kubernetes_node_now": {"state": STATE},
        "kubernetes_node_control_plane": "localhost",
        "kubernetes_node_name": "control",
        "kubernetes_node_version": "v1.36.3",
        "kubernetes_node_ignored_checks": [],
    }
    tasks = [{"name": "Check", "ansible.builtin.include_role": include}]
    done = site.played(tasks, **{"control_plane_admin": "root", **node, **variables})
    return "" if done.returncode == 0 else done.stdout.replace("\\", "")


@pytest.mark.parametrize(
    ("role", "variables"),
    [
        ("control_plane", {"control_plane_endpoint": "https://k8s.example.com:6443/"}),
        ("control_plane", {"control_plane_cluster_domain": "a: b"}),
        ("control_plane", {"control_plane_admin": "nobodyofthisname"}),
        ("control_plane", {"control_plane_renewal_calendar": "every full moon"}),
        ("etcd_snapshots", {"etcd_snapshots_calendar": "every full moon"}),
        (
            "control_plane",
            {"control_plane_endpoint": "nowhere.invalid", "control_plane_hosts_entry": False},
        ),
    ],
)
def test_the_checks_before_any_change_refuse_it(
    tmp_path: Path, role: str, variables: dict[str, Any]
) -> None:
    name, value = next(iter(variables.items()))

    told = preflight(Site(tmp_path), role, **variables)

    assert f'{name} is "{value}" on localhost' in told


def test_a_name_that_the_line_in_the_hosts_file_gives_has_to_be_known_nowhere(
    tmp_path: Path,
) -> None:
    assert (
        preflight(Site(tmp_path), "control_plane", control_plane_endpoint="nowhere.invalid") == ""
    )
