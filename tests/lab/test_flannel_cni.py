"""Flannel's CNI plugin tells the bridge plugin what flanneld wrote down, and forgets nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from testbed.programs import find_program
from testbed.supplies.recipes import FLANNEL_CNI

SUBNET = """\
FLANNEL_NETWORK=10.244.0.0/16
FLANNEL_SUBNET=10.244.2.1/24
FLANNEL_MTU=1450
FLANNEL_IPMASQ=true
"""
RESULT = {"cniVersion": "1.0.0", "ips": [{"address": "10.244.2.7/24"}]}
BRIDGE = """#!/bin/sh
/bin/cat > {folder}/$CNI_COMMAND.json
[ -e {folder}/broken ] && echo '{{"code": 11, "msg": "no bridge today"}}' && exit 1
[ $CNI_COMMAND = ADD ] && echo '{result}'
exit 0
"""


class Node:
    """A node on which flanneld has run, with a bridge plugin that notes what it is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.subnet = folder / "subnet.env"
        self.subnet.write_text(SUBNET)
        bridge = folder / "bridge"
        bridge.write_text(BRIDGE.format(folder=folder, result=json.dumps(RESULT)))
        bridge.chmod(0o755)

    def call(self, command: str, **more: Any) -> subprocess.CompletedProcess[str]:
        config = {
            "cniVersion": "1.0.0",
            "name": "cbr0",
            "type": "flannel",
            "subnetFile": str(self.subnet),
            "dataDir": str(self.folder / "data"),
            "delegate": {"hairpinMode": True, "isDefaultGateway": True},
        }
        environment = {
            "CNI_COMMAND": command,
            "CNI_CONTAINERID": "pod1",
            "CNI_NETNS": str(self.subnet.with_name("netns")),
            "CNI_IFNAME": "eth0",
            "CNI_PATH": str(self.folder),
        }
        return subprocess.run(
            [str(find_program(FLANNEL_CNI))],
            input=json.dumps(config | more),
            env=environment,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    def told(self, command: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads((self.folder / f"{command}.json").read_text())
        return answer


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def test_the_bridge_is_told_the_nodes_subnet_and_what_the_configuration_asks_for(
    node: Node,
) -> None:
    done = node.call("ADD")

    assert json.loads(done.stdout) == RESULT
    assert node.told("ADD") == {
        "cniVersion": "1.0.0",
        "name": "cbr0",
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "isDefaultGateway": True,
        "hairpinMode": True,
        "mtu": 1450,
        "ipMasq": False,
        "ipam": {
            "type": "host-local",
            "subnet": "10.244.2.0/24",
            "routes": [{"dst": "10.244.0.0/16"}],
        },
    }


def test_a_pod_is_taken_apart_as_it_was_made_though_the_subnet_is_gone(node: Node) -> None:
    node.call("ADD")
    node.subnet.unlink()

    assert node.call("DEL").returncode == 0
    assert node.told("DEL") == node.told("ADD")


def test_what_failed_to_be_taken_apart_can_be_tried_again(node: Node) -> None:
    node.call("ADD")
    (node.folder / "broken").touch()
    failed = node.call("DEL")
    (node.folder / "broken").unlink()

    assert "no bridge today" in failed.stdout
    assert node.call("DEL").returncode == 0
    assert node.told("DEL") == node.told("ADD")


def test_what_was_never_made_is_taken_apart_without_a_word_to_the_bridge(node: Node) -> None:
    assert node.call("DEL").returncode == 0
    assert not (node.folder / "DEL.json").exists()


def test_before_flanneld_has_written_its_subnet_a_pod_is_refused_with_the_reason(
    node: Node,
) -> None:
    node.subnet.unlink()

    done = node.call("ADD")

    assert done.returncode == 1
    assert "flanneld has not written its subnet yet" in json.loads(done.stdout)["msg"]


def test_a_check_sees_what_was_made(node: Node) -> None:
    node.call("ADD")

    done = node.call("CHECK", prevResult=RESULT)

    assert (done.returncode, done.stdout) == (0, "")
    assert node.told("CHECK") == node.told("ADD") | {"prevResult": RESULT}
