"""The server's settings: within the kernel's bounds, and in effect."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import Outcome
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.settings import (
    Settings,
    check_effect,
    render,
)

from tests.unit.roles.nfs_server.given import Machine

USUAL = Settings(
    versions=["4.1", "4.2"],
    threads=16,
    grace_time=90,
    lease_time=90,
    manage_gids=False,
    mountd_port=20048,
    statd_port=32765,
    statd_outgoing_port=32766,
    lockd_port=32803,
)


def test_version_4_alone_needs_no_port_but_the_one() -> None:
    assert render(USUAL.sections()).splitlines()[2:] == [
        "[nfsd]",
        "threads=16",
        "grace-time=90",
        "lease-time=90",
        "vers2=n",
        "vers3=n",
        "vers4=y",
        "vers4.0=n",
        "vers4.1=y",
        "vers4.2=y",
        "",
        "[mountd]",
        "manage-gids=n",
    ]


def test_version_3_has_fixed_ports() -> None:
    sections = replace(USUAL, versions=["3", "4.2"]).sections()

    assert sections["nfsd"]["vers3"] == "y"
    assert sections["nfsd"]["vers4.1"] == "n"
    assert sections["mountd"] == {"manage-gids": "n", "port": "20048"}
    assert sections["statd"] == {"port": "32765", "outgoing-port": "32766"}
    assert sections["lockd"] == {"port": "32803", "udp-port": "32803"}


def test_version_3_alone_switches_version_4_off() -> None:
    assert replace(USUAL, versions=["3"]).sections()["nfsd"]["vers4"] == "n"


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"versions": []}, "nfs_server_versions must name at least one of 3, 4.0, 4.1, 4.2"),
        ({"versions": ["5"]}, "nfs_server_versions must name"),
        ({"threads": 0}, "nfs_server_threads is 0; it must be from 1 to 4096"),
        ({"threads": 5000}, "nfs_server_threads is 5000"),
        ({"grace_time": 9}, "nfs_server_grace_time is 9; it must be from 10 to 3600"),
        ({"lease_time": 3601}, "nfs_server_lease_time is 3601"),
        ({"statd_port": 0}, "nfs_server_statd_port is 0; it must be from 1 to 65535"),
        ({"lockd_port": 65536}, "nfs_server_lockd_port is 65536"),
        ({"lockd_port": 32765}, "must differ from each other"),
        ({"mountd_port": 2049}, "and from 111 and 2049"),
    ],
)
def test_what_the_kernel_would_not_take_is_refused(bad: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        replace(USUAL, **bad).check()

    assert sentence in str(caught.value)


def test_settings_that_a_later_file_overrides_are_refused() -> None:
    machine = Machine(
        nfsconf=Outcome(0, render(USUAL.sections()).replace("threads=16", "threads=1"))
    )

    with pytest.raises(Refused, match=r"threads in \[nfsd\] is 1 and not 16; another file"):
        check_effect(USUAL.sections(), machine)


def test_settings_beside_those_of_others_are_in_effect() -> None:
    dump = render(USUAL.sections()).replace("=", " = ").replace("[nfsd]", "[nfsd]\n udp = n")

    check_effect(USUAL.sections(), Machine(nfsconf=Outcome(0, dump)))
