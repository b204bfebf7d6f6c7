"""One machine of a lab: its disks, its process, and when it can be reached."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from testbed.errors import LabError
from testbed.lab import network
from testbed.lab.background import Background
from testbed.lab.commands import run
from testbed.lab.layout import Layout
from testbed.lab.machines import Machine
from testbed.lab.seed import write_seed
from testbed.programs.cache import discard

START_DEADLINE: Final = 180.0  # seconds to sshd, with four starting on busy cores
_SSH: Final = 22


@dataclass(frozen=True)
class Made:
    """What a machine's disks were made for; it starts again from the same.

    Attributes:
        suite: its Debian release.
        kernel: the program.
        image: the disk beneath its own.
    """

    suite: str
    kernel: str
    image: str


@dataclass(frozen=True)
class Guest:
    """A machine in a lab; there once it was made, running once it was started."""

    layout: Layout
    machine: Machine

    @property
    def process(self) -> Background:
        """The process that is the machine."""
        name = self.machine.name
        run_folder = self.layout.run
        return Background(name, run_folder / f"{name}.json", run_folder / f"{name}.console")

    @property
    def host_key(self) -> Path:
        """The private key by which ssh knows the machine."""
        return self.layout.run / f"{self.machine.name}_host_key"

    def made(self) -> Made | None:
        """What its disks were made for; None when there are none."""
        try:
            return Made(**json.loads(self._disk("json").read_text()))
        except FileNotFoundError:
            return None

    def make(self, made: Made) -> None:
        """Make its keys and disks; the record of them comes last."""
        discard(self.host_key)
        make_key(self.host_key, self.machine.name)
        write_seed(
            self.machine,
            made.suite,
            self._disk("seed"),
            host_key=self.host_key,
            user_key=self.layout.key.with_suffix(".pub").read_text(),
        )
        if self.machine.export_disk:
            with self._disk("export").open("wb") as disk:
                disk.truncate(self.machine.export_disk << 30)
        self._disk("json").write_text(json.dumps(asdict(made)))

    def start(self) -> None:
        """Switch it on.

        Raises:
            LabError: it was not made, or what it was made from is gone.
        """
        made = self.made()
        if made is None:
            raise LabError(f"{self.machine.name} has no disks yet; make it with `up`")
        for path in (made.kernel, made.image):
            if not Path(path).exists():
                raise LabError(
                    f"{self.machine.name} was made from {path}, which is gone; "
                    "end the lab with `down` and make it anew"
                )
        words = [*network.inside(self.layout.namespace), made.kernel, *self._arguments(made)]
        self.process.start(words)

    def await_ssh(self, deadline: float = START_DEADLINE) -> None:
        """Wait until its sshd answers. For threads of their own: they enter the lab's network.

        Raises:
            LabError: it ended, or did not answer in time; with its console's last lines.
        """
        network.enter(self.layout.namespace)
        until = time.monotonic() + deadline
        while not answers(self.machine.address):
            self.process.raise_if_ended()
            if time.monotonic() > until:
                raise LabError(
                    f"{self.machine.name} had no sshd after {deadline:.0f} s; "
                    f"its console ends with:\n{self.process.tail()}"
                )
            time.sleep(0.1)

    def power_off(self, deadline: float = 30.0) -> None:
        """Let it end by itself, and cut its power when it has not after `deadline` seconds."""
        if self.process.pid() is not None:
            command = [*self._ssh_words(), self.machine.name, "sudo systemctl poweroff"]
            run(["sh", "-c", '"$@" || :', "sh", *command], deadline=deadline)
            self.process.await_end(deadline)
        self.process.kill()

    def _ssh_words(self) -> list[str | Path]:
        """The words of an ssh that asks nobody."""
        return ["ssh", "-F", self.layout.ssh_config, "-o", "BatchMode=yes"]

    def discard(self) -> None:
        """Cut its power and throw its disks away."""
        self.process.kill()
        for suffix in ("json", "cow", "seed", "export"):
            self._disk(suffix).unlink(missing_ok=True)
        self.process.record.unlink(missing_ok=True)

    def _disk(self, suffix: str) -> Path:
        return self.layout.disks / f"{self.machine.name}.{suffix}"

    def _arguments(self, made: Made) -> list[str]:
        return arguments(
            self.machine,
            disk=f"{self._disk('cow')},{made.image}",
            export=self._disk("export"),
            seed=self._disk("seed"),
            sockets=self.layout.run / "uml",
        )


def arguments(machine: Machine, *, disk: str, export: Path, seed: Path, sockets: Path) -> list[str]:
    """The kernel's command line; `disk` is `OWN,BENEATH`."""
    return [
        f"ubd0={disk}",
        *([f"ubd1={export}"] if machine.export_disk else []),
        f"ubd2={seed}",
        "root=/dev/ubda",
        "rw",
        f"mem={machine.memory}M",
        # The only mode in which it has several processors; guests are not kept apart from the
        # memory of their own kernel by it, so this is for machines that nobody attacks.
        "seccomp=on",
        "ncpus=2",  # what kubeadm asks for
        f"vec0:transport=raw,ifname={machine.name},depth=64,mac={machine.mac}",
        "con0=null,fd:1",
        "con=null",
        "ssl=null",
        "panic=-1",
        f"uml_dir={sockets}",
        f"umid={machine.name}",
        f"systemd.hostname={machine.name}",
    ]


def answers(address: str) -> bool:
    """Whether an sshd greets at this address."""
    try:
        with socket.create_connection((address, _SSH), timeout=2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def make_key(path: Path, comment: str) -> None:
    """Make a key pair, the public one beside it with `.pub`."""
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])


def await_all(guests: Sequence[Guest]) -> None:
    """Wait until all of them can be reached; the first that cannot ends it."""
    if not guests:
        return
    # Threads of their own, that end here: they have left this machine's network.
    with ThreadPoolExecutor(len(guests)) as threads:
        for done in [threads.submit(guest.await_ssh) for guest in guests]:
            done.result()
