"""The Vagrantfile describes the machines of the lab, in words that Vagrant understands."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.lab.machines import MACHINES

# Each has a version for libvirt and one for VirtualBox; `debian/trixie64` has none for VirtualBox.
BOXES = {"bookworm": "cloud-image/debian-12", "trixie": "cloud-image/debian-13"}
HERE = Path(__file__).parents[2]
# The file is Ruby, and this all that it asks of Vagrant when it is read.
READ = """
module Vagrant
  def self.configure(_version); end
end
load "Vagrantfile"
require "json"
puts JSON.generate("machines" => MACHINES, "disk" => EXPORT_GIB)
"""


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "VAGRANT_HOME": str(folder / "home"),
        "VAGRANT_DOTFILE_PATH": str(folder / "machines"),
        "VAGRANT_CHECKPOINT_DISABLE": "1",
    }
    return subprocess.run(
        command,
        cwd=HERE,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


@pytest.fixture
def described(tmp_path: Path) -> Any:
    done = run(tmp_path, "ruby", "-e", READ)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("choice", [[], ["--ignore-provider"]], ids=["libvirt", "any provider"])
def test_vagrant_finds_no_fault_with_it(tmp_path: Path, choice: list[str]) -> None:
    done = run(tmp_path, "vagrant", "validate", *choice)

    assert done.returncode == 0, done.stderr or done.stdout
    assert "validated successfully" in done.stdout


def test_its_machines_are_those_of_the_lab(described: Any) -> None:
    found = {
        name: (each["address"], each["memory"], each["box"])
        for name, each in described["machines"].items()
    }

    assert found == {each.name: (each.address, each.memory, BOXES[each.suite]) for each in MACHINES}


def test_the_disk_of_the_export_is_that_of_the_lab(described: Any) -> None:
    found = {
        name: described["disk"] for name, each in described["machines"].items() if "export" in each
    }

    assert found == {each.name: each.export_disk for each in MACHINES if each.export_disk}


def test_its_inventory_has_the_same_machines_in_the_same_groups() -> None:
    tree = yaml.safe_load((HERE / "inventory/vagrant.yml").read_text(encoding="utf-8"))
    groups = {"nfs_servers": tree["nfs_servers"], **tree["kubernetes"]["children"]}
    found = {
        (group, name, each["ansible_host"])
        for group, members in groups.items()
        for name, each in members["hosts"].items()
    }

    assert found == {(each.group, each.name, each.address) for each in MACHINES}
