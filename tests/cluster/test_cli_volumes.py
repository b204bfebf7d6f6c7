"""`holdfast volumes`: every volume, for a person and for a program."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from contextlib import suppress

import pytest
import yaml

from holdfast.claims.constants import EXPORT, PROVISIONED_BY
from testbed.client import Json
from tests.cluster.objects import name_of
from tests.cluster.site import Site
from tests.cluster.typed import Typed, environment, holdfast

HEAD = ["CLAIM", "DIRECTORY", "SIZE", "RECLAIM ACTION", "PHASE", "AGE"]


def variables_of(site: Site) -> dict[str, str]:
    return {"KUBECONFIG": str(site.plane.kubeconfig), "PROVISIONER_NAME": site.name}


def show(site: Site, *arguments: str) -> Typed:
    typed = holdfast("volumes", *arguments, variables=variables_of(site))
    assert typed.code == 0
    return typed


def on_a_terminal(site: Site, columns: int, *arguments: str) -> str:
    """What the command writes to a terminal of that width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-m", "holdfast", "volumes", *arguments]
    variables = environment(**variables_of(site), TERM="xterm-256color")
    with subprocess.Popen(command, env=variables, stdin=theirs, stdout=theirs) as process:
        os.close(theirs)
        written = b""
        with suppress(OSError):  # how Linux says that the other end is closed
            while part := os.read(ours, 4096):
                written += part
        os.close(ours)
    assert process.returncode == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", written.decode())


@pytest.fixture
def volumes(site: Site) -> dict[str, Json]:
    """Three volumes, one for each reclaim action; the provisioner has ended."""
    running = site.serve()
    actions = {
        "kept": ("Retain", "delete"),
        "old": ("Delete", "archive"),
        "tmp": ("Delete", "delete"),
    }
    made = {}
    for name, (reclaim, action) in actions.items():
        storage_class = site.make_class(name, reclaim=reclaim, parameters={"onDelete": action})
        made[name] = site.bound(site.claim(storage_class, name))
    running.stop()
    return made


def test_a_pipe_gets_a_line_for_each_volume_that_is_never_wrapped(
    site: Site, volumes: dict[str, Json]
) -> None:
    head, *lines = show(site).out.splitlines()

    assert [column in head for column in HEAD] == [True] * len(HEAD)
    assert [line.split() for line in lines] == [
        [
            f"{site.namespace}/{name}",
            f"{site.namespace}-{name}-{name_of(volumes[name])}",
            "1Mi",
            action,
            "Bound",
            line.split()[-1],
        ]
        for line, (name, action) in zip(
            lines, [("kept", "retain"), ("old", "archive"), ("tmp", "delete")], strict=True
        )
    ]


def test_wide_shows_where_pods_mount_it_from(site: Site, volumes: dict[str, Json]) -> None:
    out = show(site, "-o", "wide").out

    for volume in volumes.values():
        assert name_of(volume) in out
        assert volume["spec"]["nfs"]["path"] in out
    assert site.server in out
    assert "ReadWriteOnce" in out


def test_json_and_yaml_hold_the_same(site: Site, volumes: dict[str, Json]) -> None:
    from_json = json.loads(show(site, "-o", "json").out)
    from_yaml = yaml.safe_load(show(site, "-o", "yaml").out)

    assert from_json == from_yaml
    assert from_json[0] == {
        "claim": f"{site.namespace}/kept",
        "directory": f"{site.namespace}-kept-{name_of(volumes['kept'])}",
        "size": "1Mi",
        "reclaim_action": "retain",
        "phase": "Bound",
        "creation_timestamp": volumes["kept"]["metadata"]["creationTimestamp"],
        "volume": name_of(volumes["kept"]),
        "storage_class": f"{site.namespace}-kept",
        "access_modes": ["ReadWriteOnce"],
        "server": site.server,
        "path": volumes["kept"]["spec"]["nfs"]["path"],
        "export_id": volumes["kept"]["metadata"]["annotations"][EXPORT],
    }


@pytest.mark.usefixtures("volumes")
def test_a_terminal_of_80_columns_is_not_overrun_and_nothing_is_cut(site: Site) -> None:
    """Each directory stands in a line of its own, under its claim."""
    out = on_a_terminal(site, 80)

    lines = out.replace("\r\n", "\n").splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in out
    assert [column in lines[0] + lines[1] for column in HEAD] == [True] * len(HEAD)


def test_a_wide_terminal_has_a_line_for_each_volume(site: Site, volumes: dict[str, Json]) -> None:
    out = on_a_terminal(site, 200)

    for volume in volumes.values():
        assert sum(name_of(volume) in line for line in out.splitlines()) == 1


def test_no_volumes_is_said_where_it_is_in_nobody_s_way(site: Site) -> None:
    typed = show(site)

    assert (typed.out, typed.err) == ("", "no volumes\n")
    assert json.loads(show(site, "-o", "json").out) == []


def test_an_inherited_volume_is_shown_with_what_is_known_of_it(site: Site) -> None:
    volume = site.make_volume(
        f"pvc-inherited-{site.namespace}",
        "/export/deep/inherited",
        annotations={PROVISIONED_BY: site.name},
    )

    (row,) = json.loads(show(site, "-o", "json").out)
    (of_export,) = json.loads(show(site, "-o", "json", "--nfs-path", "/export").out)

    assert row["volume"] == name_of(volume)
    assert (row["claim"], row["reclaim_action"]) == ("", "unknown")
    assert row["directory"] == "/export/deep/inherited"
    assert of_export == row | {"directory": "deep/inherited"}
    assert name_of(volume) not in show(site).out
    assert "/export/deep/inherited" in show(site).out


def test_a_class_with_shared_paths_leaves_the_action_to_the_last_of_its_volumes(
    site: Site,
) -> None:
    running = site.serve()
    parameters = {"onDelete": "delete", "pathPattern": "shared", "sharedPaths": "true"}
    site.bound(site.claim(site.make_class(parameters=parameters)))
    running.stop()

    (row,) = json.loads(show(site, "-o", "json").out)

    assert row["reclaim_action"] == "shared"


@pytest.mark.usefixtures("volumes")
def test_one_namespace_can_be_asked_for(site: Site) -> None:
    assert len(show(site, "-n", site.namespace).out.splitlines()) == 4
    assert show(site, "-n", "another").out == ""


def test_without_a_name_every_provisioner_s_nfs_volumes_are_shown(
    site: Site, volumes: dict[str, Json]
) -> None:
    variables = {"KUBECONFIG": str(site.plane.kubeconfig)}

    typed = holdfast("volumes", "-n", site.namespace, "-o", "json", variables=variables)

    assert [row["volume"] for row in json.loads(typed.out)] == [
        name_of(volumes[name]) for name in ("kept", "old", "tmp")
    ]


def test_an_api_server_that_refuses_is_a_sentence(site: Site) -> None:
    config = site.kubeconfig_with({})

    typed = holdfast("volumes", variables={"KUBECONFIG": config})

    assert typed.code == 1
    assert "cannot list resource" in typed.complaint


def test_a_kubeconfig_that_is_missing_is_a_sentence() -> None:
    typed = holdfast("volumes", variables={"KUBECONFIG": "/nonexistent/config"})

    assert typed.code == 1
    assert "/nonexistent/config" in typed.complaint
