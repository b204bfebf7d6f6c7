"""The Vagrantfile's machines as a lab, with a program in place of Vagrant that notes its words."""

from __future__ import annotations

from operator import methodcaller
from pathlib import Path

import pytest
import yaml

from testbed.errors import LabError
from testbed.lab.forms import form
from testbed.lab.interface import Lab, Wish
from testbed.lab.machines import MACHINES, chosen
from testbed.lab.vagrant import VagrantLab, VagrantLayout, parse_keys, parse_status

# As Vagrant 2.3.4 wrote them, with libvirt, before and after machines were made.
NOT_CREATED = """\
1795847943,nfs,metadata,provider,libvirt
1795847944,nfs,provider-name,libvirt
1795847944,nfs,state,not_created
1795847944,nfs,state-human-long,The Libvirt domain is not created. Run `vagrant up` to create it.
1795847944,,ui,info,Current machine states:\\n\\nnfs  not created%!(VAGRANT_COMMA) run it
"""
# As https://developer.hashicorp.com/vagrant/docs/cli/ssh_config has it.
SSH_CONFIG = """\
Host {name}
  HostName 192.168.121.9
  User vagrant
  Port 22
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  PasswordAuthentication no
  IdentityFile "/home/me/my project/.vagrant/machines/{name}/libvirt/private_key"
  IdentitiesOnly yes
  LogLevel FATAL
"""
# Machines are files in a folder; what they contain is their state.
STUB = """#!/bin/sh
cd {folder}
echo "$*" >> typed
[ "$1" = "$FAIL" ] && exit 3
case "$1" in
up|reload) shift; for name in $@; do echo running > machines/$name; done;;
halt) shift; [ "$1" = --force ] && shift; echo shutoff > machines/$1;;
destroy) /bin/rm -f machines/*;;
status) [ "$2" ] && for path in machines/*; do
    [ -e "$path" ] || continue
    echo "1,${{path#machines/}},provider-name,${{PROVIDER:-libvirt}}"
    read state < $path; echo "1,${{path#machines/}},state,$state"
done;;
ssh-config) shift; for name in $@; do
    echo "Host $name"; echo "  HostName 192.168.121.9"; echo "  IdentityFile /keys/$name"; echo
done;;
esac
exit 0
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in keeps its machines, and the lab its files."""
    (tmp_path / "machines").mkdir()
    program = tmp_path / "bin/vagrant"
    program.parent.mkdir()
    program.write_text(STUB.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setattr(VagrantLayout, "run", tmp_path / "run")
    monkeypatch.setattr(VagrantLayout, "inventory", tmp_path / "lab.yml")
    return tmp_path


@pytest.fixture
def lab(folder: Path) -> Lab:
    assert folder.is_dir()
    return VagrantLab.of(VagrantLayout())


def typed(folder: Path) -> list[str]:
    """What Vagrant was told to do; not what it was asked."""
    lines = (folder / "typed").read_text().splitlines()
    return [line for line in lines if not line.startswith(("status", "ssh-config"))]


def test_up_makes_the_machines_and_says_how_they_are_reached(lab: Lab, folder: Path) -> None:
    lab.up(Wish())

    assert typed(folder) == ["up nfs control worker1 worker2"]
    assert "Host worker2" in lab.layout.ssh_config.read_text()
    assert [guest.machine for guest in lab.guests()] == list(MACHINES)


def test_the_inventory_has_the_machines_in_their_groups_with_their_keys(lab: Lab) -> None:
    lab.up(Wish(chosen(["nfs", "control"])))

    tree = yaml.safe_load(lab.layout.inventory.read_text())["all"]
    groups = tree["children"]
    assert groups["nfs_servers"]["hosts"] == {
        "nfs": {
            "ansible_host": "192.168.41.10",
            "ansible_ssh_private_key_file": "/keys/nfs",
            "export_disk": "/dev/vdb",
        }
    }
    nodes = groups["kubernetes"]["children"]
    assert list(nodes["control_plane"]["hosts"]) == ["control"]
    assert not nodes["workers"]["hosts"]
    assert tree["vars"]["ansible_user"] == "vagrant"


def test_the_second_disk_has_another_name_in_virtualbox(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVIDER", "virtualbox")

    lab.up(Wish())

    assert lab.guest("nfs").export_device == "/dev/sdb"
    tree = yaml.safe_load(lab.layout.inventory.read_text())
    assert tree["all"]["children"]["nfs_servers"]["hosts"]["nfs"]["export_disk"] == "/dev/sdb"


def test_a_lab_that_was_made_in_part_is_ended_without_being_named_again(
    lab: Lab, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen: after an `up` that failed, `make lab-down` ended the other form and left these."""
    monkeypatch.setenv("FAIL", "up")
    with pytest.raises(LabError, match=r"vagrant up nfs .* ended with status 3"):
        lab.up(Wish())
    assert form({}) == "vagrant"

    lab.down()

    assert typed(folder)[-1] == "destroy --force"
    assert form({}) == "uml"


def test_a_lab_that_vagrant_is_missing_for_does_not_stand(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(LabError, match="vagrant is not on PATH"):
        lab.up(Wish())

    assert form({}) == "uml"


def test_down_destroys_the_machines_and_leaves_nothing(lab: Lab, folder: Path) -> None:
    lab.up(Wish())

    lab.down()

    assert typed(folder)[-1] == "destroy --force"
    assert not lab.layout.inventory.exists()
    assert not lab.layout.run.exists()
    assert not lab.guests()


@pytest.mark.parametrize(
    ("act", "words"),
    [
        ("start", ["up nfs"]),
        ("power_off", ["halt nfs"]),
        ("kill", ["halt --force nfs"]),
        ("reboot", ["reload nfs"]),
        ("cut_power", ["halt --force nfs", "up nfs"]),
    ],
)
def test_what_is_done_to_a_machine_is_said_in_vagrants_words(
    lab: Lab, folder: Path, act: str, words: list[str]
) -> None:
    lab.up(Wish())
    (folder / "typed").unlink()

    methodcaller(act)(lab.guest("nfs"))

    assert typed(folder) == words


def test_a_machine_without_power_is_still_one_of_the_lab(lab: Lab) -> None:
    lab.up(Wish())

    lab.guest("worker1").kill()

    assert lab.guest("worker1")
    assert not lab.show()


def test_all_is_well_while_all_machines_run(lab: Lab) -> None:
    assert not lab.show()

    lab.up(Wish())

    assert lab.show()


def test_commands_go_over_ssh_as_vagrant_says(lab: Lab, folder: Path) -> None:
    ssh = folder / "bin/ssh"
    ssh.write_text('#!/bin/sh\necho "$@"\n')
    ssh.chmod(0o755)
    lab.up(Wish())

    said = lab.guest("nfs").ssh("hostname")

    assert said == f"-F {lab.layout.ssh_config} -o BatchMode=yes nfs hostname\n"


def test_this_machine_reaches_the_others_as_they_are(lab: Lab) -> None:
    assert lab.inside() == []


def test_a_machine_that_was_not_made_is_named(lab: Lab) -> None:
    with pytest.raises(LabError, match="has no machine 'nfs'; make it with `vagrant up`"):
        lab.guest("nfs")


@pytest.mark.parametrize("wish", [Wish(suite="bookworm"), Wish(fresh=True)])
def test_what_only_the_other_form_can_do_is_refused(lab: Lab, wish: Wish) -> None:
    with pytest.raises(LabError, match=r"there are no --suite and --fresh; .* HOLDFAST_BOX"):
        lab.up(wish)


def test_where_vagrant_fails_nothing_says_that_machines_are_there(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIL", "up")

    with pytest.raises(LabError, match=r"vagrant up nfs .* ended with status 3; it said why above"):
        lab.up(Wish())

    assert not lab.layout.inventory.exists()


def test_without_vagrant_it_says_what_to_install(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    for ask in (lab.down, lab.guests):
        with pytest.raises(LabError, match=r"vagrant is not on PATH; install it .* LAB=uml"):
            ask()


def test_a_machine_that_was_never_made_has_that_state() -> None:
    assert parse_status(NOT_CREATED)["nfs"].state == "not_created"
    assert parse_status(NOT_CREATED)["nfs"].provider == "libvirt"
    assert list(parse_status(NOT_CREATED)) == ["nfs"]


def test_a_key_in_a_folder_with_a_space_is_found() -> None:
    told = SSH_CONFIG.format(name="nfs") + "\n" + SSH_CONFIG.format(name="control")

    found = parse_keys(told)

    assert list(found) == ["nfs", "control"]
    assert found["nfs"] == "/home/me/my project/.vagrant/machines/nfs/libvirt/private_key"
