"""The Vagrantfile's machines, for those who ask for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.errors import LabError
from testbed.lab import vagrant
from testbed.lab.layout import Layout


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """The default lab, its inventory in an empty folder, and a Vagrant that writes down words."""
    program = tmp_path / "vagrant"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/typed\n[ "$1" != reload ]\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(Layout, "inventory", tmp_path / "lab.yml")
    (tmp_path / "vagrant.yml").write_text("the machines")
    return Layout("holdfast")


def test_machines_are_our_own_unless_vagrant_is_asked_for() -> None:
    assert not vagrant.is_wanted({})
    assert vagrant.is_wanted({"HOLDFAST_LAB_MACHINES": "vagrant"})


def test_machines_that_there_are_not_are_refused() -> None:
    with pytest.raises(LabError, match="HOLDFAST_LAB_MACHINES is 'docker'; it may be uml"):
        vagrant.is_wanted({"HOLDFAST_LAB_MACHINES": "docker"})


def test_a_device_without_a_processor_for_it_is_no_virtualisation(tmp_path: Path) -> None:
    device = tmp_path / "kvm"
    device.touch()

    assert vagrant.is_possible("flags : fpu svm", device)
    assert not vagrant.is_possible("flags : fpu svm_lock", device)
    assert not vagrant.is_possible("flags : fpu vmx", tmp_path / "missing")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["up", "nfs"], "vagrant up nfs"),
        (["down"], "vagrant destroy --force"),
        (["reboot", "nfs"], "vagrant reload nfs"),
        (["ssh", "nfs"], "vagrant ssh nfs"),
        (["ssh", "nfs", "ls", "-l"], "vagrant ssh nfs --command ls -l"),
    ],
)
def test_what_is_typed_is_said_in_vagrants_words(typed: list[str], said: str) -> None:
    assert " ".join(vagrant.words(typed)) == said


@pytest.mark.parametrize("typed", [[], ["fly"], ["up", "--bare"]])
def test_what_vagrant_cannot_do_is_refused(typed: list[str]) -> None:
    with pytest.raises(LabError, match="there are up, down, status, reboot, ssh, without options"):
        vagrant.words(typed)


def test_the_inventory_is_there_while_the_machines_are(layout: Layout) -> None:
    assert vagrant.run(layout, ["up"]) == 0
    assert layout.inventory.read_text() == "the machines"

    assert vagrant.run(layout, ["down"]) == 0
    assert not layout.inventory.exists()


def test_vagrants_exit_code_is_passed_on(layout: Layout) -> None:
    assert vagrant.run(layout, ["reboot", "nfs"]) == 1


def test_a_second_lab_of_vagrants_is_refused() -> None:
    with pytest.raises(LabError, match="the Vagrantfile has one lab; unset HOLDFAST_LAB"):
        vagrant.run(Layout("mine"), ["up"])


def test_without_vagrant_it_says_what_to_do(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))

    with pytest.raises(LabError, match="vagrant is not on PATH; install it, or unset HOLDFAST_LAB"):
        vagrant.run(layout, ["up"])
