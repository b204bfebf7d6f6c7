"""Which form a lab's machines have: the one that is named, else that of the lab that stands."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from testbed.errors import LabError
from testbed.lab import __main__ as program
from testbed.lab import forms, host
from testbed.lab.lab import UmlLab
from testbed.lab.layout import Layout
from testbed.lab.vagrant import VagrantLab, VagrantLayout


@pytest.fixture(autouse=True)
def no_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without a lab; the folder of Vagrant's, should one be made."""
    folder = tmp_path / "lab"
    monkeypatch.setattr(VagrantLayout, "run", folder)
    monkeypatch.delenv("HOLDFAST_LAB_MACHINES", raising=False)
    return folder


def test_machines_are_of_user_mode_linux_unless_vagrant_is_asked_for() -> None:
    assert forms.form({}) == "uml"
    assert forms.form({"HOLDFAST_LAB_MACHINES": "vagrant"}) == "vagrant"


def test_the_lab_that_stands_need_not_be_named_again(no_lab: Path) -> None:
    no_lab.mkdir()
    (no_lab / "ssh_config").touch()

    assert forms.form({}) == "vagrant"
    assert forms.form({"HOLDFAST_LAB_MACHINES": "uml"}) == "uml"


def test_machines_that_there_are_not_are_refused() -> None:
    with pytest.raises(LabError, match="HOLDFAST_LAB_MACHINES\\) is 'docker'; it may be vagrant"):
        forms.form({"HOLDFAST_LAB_MACHINES": "docker"})


@pytest.mark.parametrize(("named", "kind"), [("uml", UmlLab), ("vagrant", VagrantLab)])
def test_both_forms_are_labs(named: str, kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_LAB_MACHINES", named)

    assert isinstance(forms.open_lab(Layout("holdfast")), kind)


def test_a_second_lab_of_vagrants_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_LAB_MACHINES", "vagrant")

    with pytest.raises(LabError, match="the Vagrantfile has one lab; unset HOLDFAST_LAB"):
        forms.open_lab(Layout("mine"))


def test_a_device_without_a_processor_for_it_is_no_virtualisation(tmp_path: Path) -> None:
    device, cpuinfo = tmp_path / "kvm", tmp_path / "cpuinfo"
    device.touch()

    def works(flags: str, place: Path) -> bool:
        cpuinfo.write_text(f"flags : fpu {flags}")
        return forms.has_virtualisation(cpuinfo, place)

    assert works("svm", device)
    assert not works("svm_lock", device)
    assert not works("vmx", tmp_path / "missing")
    assert not forms.has_virtualisation(tmp_path / "missing", device)


def test_vagrants_lab_needs_no_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Vagrant is not on PATH here, which is said in place of what root is needed for."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("HOLDFAST_LAB_MACHINES", "vagrant")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["testbed.lab", "up"])

    with pytest.raises(SystemExit, match="lab: vagrant is not on PATH; install it with a provider"):
        program._run()


def test_on_another_system_the_lab_ends_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "os_release", lambda: {"PRETTY_NAME": "Fedora Linux 43"})
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(sys, "argv", ["testbed.lab", "up"])

    with pytest.raises(SystemExit, match="lab: the lab in User-mode Linux is made from Debian"):
        program._run()
