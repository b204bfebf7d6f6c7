"""The machines of the Vagrantfile as a lab, where a hypervisor makes them: KVM, or VirtualBox.

Nothing but what Vagrant documents is used of it: `up`, `halt`, `reload`, `destroy`, `ssh-config`,
and `status` with `--machine-readable`. The machines fetch packages, programs and images from where
anybody's do.

https://developer.hashicorp.com/vagrant/docs/cli
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from testbed.errors import LabError
from testbed.lab.commands import run
from testbed.lab.interface import Wish
from testbed.lab.layout import DEFAULT, Layout
from testbed.lab.machines import MACHINES, Machine
from testbed.lab.reaching import render, ssh

_CHECKOUT: Final = Path(__file__).parents[2]
_PROGRAM: Final = "vagrant"
_EXPORT_DEVICES: Final = {"libvirt": "/dev/vdb"}
_OTHERS_DEVICE: Final = "/dev/sdb"  # of VirtualBox
_DEADLINE: Final = 120.0  # seconds for a question
_NOT_CREATED: Final = "not_created"
_RUNNING: Final = "running"


@dataclass(frozen=True)
class VagrantLayout(Layout):
    """The places of the Vagrantfile's lab, all of them in the checkout."""

    name: str = DEFAULT

    @property
    def run(self) -> Path:
        """How ssh reaches the machines."""
        return _CHECKOUT / ".vagrant" / "lab"

    @property
    def stands(self) -> bool:
        """Whether such a lab was begun, and not ended."""
        return self.run.exists()


@dataclass(frozen=True)
class State:
    """What Vagrant says of a machine.

    Attributes:
        provider: what runs it.
        state: in the provider's words; `not_created` and `running` are the same for all.
    """

    provider: str = ""
    state: str = _NOT_CREATED


@dataclass(frozen=True)
class VagrantGuest:
    """A machine of the Vagrantfile."""

    lab: VagrantLab
    machine: Machine

    @property
    def export_device(self) -> str:
        """Its second disk, if it has one."""
        return _EXPORT_DEVICES.get(self.lab.state(self.machine).provider, _OTHERS_DEVICE)

    def ssh(self, command: str, deadline: float = 60.0) -> str:
        """Run a command on it; what it wrote to stdout. Raises LabError."""
        return ssh(self.lab.layout, self.machine.name, command, deadline)

    def start(self) -> None:
        """Switch it on."""
        self.lab.vagrant("up", self.machine.name)
        self.lab.introduce()

    def power_off(self) -> None:
        """Let it end in order."""
        self.lab.vagrant("halt", self.machine.name)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.lab.vagrant("halt", "--force", self.machine.name)

    def reboot(self) -> None:
        """Let it start anew in order, and wait until it can be reached."""
        self.lab.vagrant("reload", self.machine.name)
        self.lab.introduce()

    def cut_power(self) -> None:
        """End it at once, start it again from the same disks, wait until it can be reached."""
        self.kill()
        self.start()


@dataclass(frozen=True)
class VagrantLab:
    """The lab of the Vagrantfile, there or not."""

    layout: Layout
    report: Callable[[str], None] = print

    @classmethod
    def of(cls, layout: Layout, report: Callable[[str], None] = print) -> Self:
        """The lab of a name, of which there is one.

        Raises:
            LabError: it has another.
        """
        if layout.name != DEFAULT:
            raise LabError("the Vagrantfile has one lab; unset HOLDFAST_LAB")
        return cls(VagrantLayout(), report)

    def guests(self) -> list[VagrantGuest]:
        """The machines that were made, running or not."""
        states = self.states()
        return [
            VagrantGuest(self, machine)
            for machine in MACHINES
            if states.get(machine.name, State()).state != _NOT_CREATED
        ]

    def guest(self, name: str) -> VagrantGuest:
        """The machine of a name.

        Raises:
            LabError: the lab has none.
        """
        for guest in self.guests():
            if guest.machine.name == name:
                return guest
        raise LabError(f"the Vagrantfile's lab has no machine {name!r}; make it with `vagrant up`")

    def inside(self) -> list[str]:
        """The words before a command: none, for this machine reaches the others."""
        return []

    def up(self, wish: Wish) -> None:
        """Let Vagrant make and start the machines, and write the inventory.

        Raises:
            LabError: it did not, or cannot do what is wished for.
        """
        if wish.suite or wish.fresh:
            raise LabError(
                "with LAB=vagrant there are no --suite and --fresh; the Vagrantfile names the "
                "boxes, HOLDFAST_BOX another, and `vagrant box update` fetches newer ones"
            )
        _need_vagrant()
        self.layout.run.mkdir(parents=True, exist_ok=True)  # a lab from here on, should it fail
        self.vagrant("up", *(machine.name for machine in wish.machines))
        self.introduce()

    def down(self) -> None:
        """Destroy the machines; nothing of them is left."""
        self.vagrant("destroy", "--force")
        self.layout.inventory.unlink(missing_ok=True)
        shutil.rmtree(self.layout.run, ignore_errors=True)

    def show(self) -> bool:
        """Let Vagrant show the machines; whether there are some and all run."""
        self.vagrant("status")
        states = [each.state for each in self.states().values() if each.state != _NOT_CREATED]
        return bool(states) and set(states) == {_RUNNING}

    def state(self, machine: Machine) -> State:
        """What Vagrant says of one."""
        return self.states().get(machine.name, State())

    def states(self) -> dict[str, State]:
        """What Vagrant says of each, by name."""
        return parse_status(self._ask("status", "--machine-readable"))

    def introduce(self) -> None:
        """Let ssh and Ansible know the machines that run."""
        states = self.states()
        running = [name for name, each in states.items() if each.state == _RUNNING]
        told = self._ask("ssh-config", *running)
        self.layout.run.mkdir(parents=True, exist_ok=True)
        self.layout.ssh_config.write_text(told)
        self.layout.inventory.write_text(inventory(self.layout, parse_keys(told), states))

    def vagrant(self, *words: str) -> None:
        """Let Vagrant do something, and say so in its own words.

        Raises:
            LabError: it is not there, or failed.
        """
        try:
            code = subprocess.run([_PROGRAM, *words], cwd=_CHECKOUT, check=False).returncode
        except FileNotFoundError as error:
            raise _missing() from error
        if code:
            raise LabError(f"vagrant {' '.join(words)} ended with status {code}; it said why above")

    def _ask(self, *words: str) -> str:
        _need_vagrant()
        return run([_PROGRAM, *words], folder=_CHECKOUT, deadline=_DEADLINE)


def _need_vagrant() -> None:
    if shutil.which(_PROGRAM) is None:
        raise _missing()


def _missing() -> LabError:
    return LabError(
        "vagrant is not on PATH; install it with a provider (on Debian and Ubuntu: apt install "
        "vagrant vagrant-libvirt libvirt-daemon-system), or use LAB=uml"
    )


def parse_status(told: str) -> dict[str, State]:
    """The machines in what `vagrant status --machine-readable` wrote.

    Its lines are `timestamp,target,type,data`.
    """
    found: dict[str, dict[str, str]] = {}
    for line in told.splitlines():
        _, target, kind, data = (*line.split(",", 3), "", "", "", "")[:4]
        if target and kind in {"provider-name", "state"}:
            found.setdefault(target, {})[kind] = data
    return {
        name: State(each.get("provider-name", ""), each.get("state", _NOT_CREATED))
        for name, each in found.items()
    }


def parse_keys(told: str) -> dict[str, str]:
    """The private key of each machine in what `vagrant ssh-config` wrote, by name."""
    keys: dict[str, str] = {}
    name = ""
    for line in told.splitlines():
        word, _, value = line.strip().partition(" ")
        name = value if word == "Host" else name
        if word == "IdentityFile":
            keys.setdefault(name, value.strip('"'))
    return keys


def inventory(layout: Layout, keys: Mapping[str, str], states: Mapping[str, State]) -> str:
    """The inventory of the machines that have a key."""

    def host(machine: Machine) -> dict[str, Any]:
        provider = states.get(machine.name, State()).provider
        device = _EXPORT_DEVICES.get(provider, _OTHERS_DEVICE)
        disk = {"export_disk": device} if machine.export_disk else {}
        key = {"ansible_ssh_private_key_file": keys[machine.name]}
        return {"ansible_host": machine.address, **key, **disk}

    machines = [machine for machine in MACHINES if machine.name in keys]
    return render(layout, machines, host, _variables())


def _variables() -> dict[str, Any]:
    known = f'UserKnownHostsFile="{_CHECKOUT / ".vagrant/known_hosts"}"'
    return {
        "ansible_user": "vagrant",
        "ansible_python_interpreter": "/usr/bin/python3",
        # As in inventory/vagrant.yml; the Vagrantfile forgets the keys of machines that are gone.
        "ansible_ssh_common_args": f"-o {shlex.quote(known)} -o StrictHostKeyChecking=accept-new"
        " -o IdentitiesOnly=yes",
        "ansible_pipelining": True,
    }
