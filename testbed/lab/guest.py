"""One machine of a lab: its disks, its process, and when it can be reached."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from testbed.errors import LabError
from testbed.lab import network
from testbed.lab.background import Background
from testbed.lab.commands import run
from testbed.lab.layout import Layout
from testbed.lab.machines import EXPORT_DEVICE, Machine, spread
from testbed.lab.reaching import ssh
from testbed.lab.seed import write_seed
from testbed.programs.cache import discard

START_DEADLINE: Final = 180.0  # seconds to sshd, with four starting on busy cores
_SSH: Final = 22
_BOOT_ID: Final = "cat /proc/sys/kernel/random/boot_id"


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
class UmlGuest:
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

    @property
    def export_device(self) -> str:
        """Its second disk, if it has one."""
        return EXPORT_DEVICE

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
        within = [*network.inside(self.layout.namespace), *on_one_processor(self.machine)]
        self.process.start([*within, made.kernel, *self._arguments(made)])

    def await_ssh(self, given_up: threading.Event, deadline: float = START_DEADLINE) -> None:
        """Wait until its sshd answers. For threads of their own: they enter the lab's network.

        Raises:
            LabError: it ended, or did not answer in time; with its console's last lines.
        """
        network.enter(self.layout.namespace)
        until = time.monotonic() + deadline
        while not answers(self.machine.address) and not given_up.wait(0.1):
            self.process.raise_if_ended()
            if time.monotonic() > until:
                raise LabError(
                    f"{self.machine.name} had no sshd after {deadline:.0f} s; "
                    f"its console ends with:\n{self.process.tail()}"
                )

    def ssh(self, command: str, deadline: float = 60.0) -> str:
        """Run a command on it; what it wrote to stdout.

        Raises:
            LabError: it failed, or had not ended after `deadline` seconds.
        """
        return ssh(self.layout, self.machine.name, command, deadline)

    def power_off(self, deadline: float = 30.0) -> None:
        """Let it end by itself, and cut its power when it has not after `deadline` seconds."""
        if self.process.pid() is not None:
            with contextlib.suppress(LabError):  # the connection may end before the command
                self.ssh("sudo systemctl poweroff", deadline)
            self.process.await_end(deadline)
        self.process.kill()

    def reboot(self, deadline: float = START_DEADLINE) -> None:
        """Let it start anew in order, and wait until it can be reached.

        Raises:
            LabError: it did not come back in time.
        """
        before = self.ssh(_BOOT_ID)
        with contextlib.suppress(LabError):
            self.ssh("sudo systemctl reboot")
        until = time.monotonic() + deadline
        while not self._is_back(before):
            self.process.raise_if_ended()
            if time.monotonic() > until:
                raise LabError(
                    f"{self.machine.name} was not back after {deadline:.0f} s; "
                    f"its console ends with:\n{self.process.tail()}"
                )
            time.sleep(0.5)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()

    def cut_power(self) -> None:
        """End it at once, start it again from the same disks, wait until it can be reached."""
        self.process.kill()
        self.start()
        await_all([self])

    def _is_back(self, before: str) -> bool:
        try:
            return self.ssh(_BOOT_ID, deadline=10) != before
        except LabError:
            return False

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
        # Quicker than ptrace; guests are not kept apart from the memory of their own kernel by
        # it, so this is for machines that nobody attacks.
        "seccomp=on",
        # With two, the driver of the disks loses an interrupt under load sooner or later, and
        # every process that reads or writes waits for ever.
        "ncpus=1",
        f"vec0:transport=raw,ifname={machine.name},depth=64,mac={machine.mac}",
        "con0=null,fd:1",
        "con=null",
        "ssl=null",
        "panic=-1",
        f"uml_dir={sockets}",
        f"umid={machine.name}",
        f"systemd.hostname={machine.name}",
    ]


def on_one_processor(machine: Machine) -> list[str]:
    """The words before its command that keep it on one of the processors that we may use.

    At each system call of a guest its process and that of its kernel take turns. Where they do so
    on one processor a call takes half the time (9 instead of 16 to 29 microseconds).
    """
    processor = spread(sorted(os.sched_getaffinity(0)))[machine]
    return ["taskset", "--cpu-list", str(processor)]


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


def await_all(guests: Sequence[UmlGuest]) -> None:
    """Wait until all of them can be reached; the first that cannot ends it.

    Raises:
        LabError: one cannot.
    """
    if not guests:
        return
    given_up = threading.Event()
    # Threads of their own, that end here: they have left this machine's network.
    with ThreadPoolExecutor(len(guests)) as threads:
        try:
            for done in as_completed(threads.submit(one.await_ssh, given_up) for one in guests):
                done.result()
        finally:
            given_up.set()


def reachable(guests: Sequence[UmlGuest]) -> list[bool]:
    """Which of them can be reached now."""
    if not guests:
        return []

    def look(guest: UmlGuest) -> bool:
        if guest.process.pid() is None:  # then there may be no network either
            return False
        network.enter(guest.layout.namespace)
        return answers(guest.machine.address)

    with ThreadPoolExecutor(len(guests)) as threads:
        return list(threads.map(look, guests))
