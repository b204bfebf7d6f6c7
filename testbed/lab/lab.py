"""The whole lab: made, looked at, ended."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from rich.console import Console

from testbed.errors import LabError
from testbed.lab import host, network, services
from testbed.lab.guest import Made, UmlGuest, await_all, make_key, reachable
from testbed.lab.image import Image, find_image
from testbed.lab.interface import Wish
from testbed.lab.kernel import find_kernel
from testbed.lab.layout import Layout
from testbed.lab.machines import MACHINES, Machine
from testbed.lab.packages import find_packages
from testbed.lab.reaching import inventory, known_hosts, ssh_config
from testbed.lab.status import look, table
from testbed.packages import need
from testbed.supplies import building, push_provisioner, registry_storage, release_tree

Report = Callable[[str], None]


class UmlLab:
    """A lab of User-mode Linux machines, there or not."""

    def __init__(self, layout: Layout, report: Report = print) -> None:
        self.layout: Final = layout
        self._report = report

    def guest(self, name: str) -> UmlGuest:
        """The machine of a name.

        Raises:
            LabError: the lab has none.
        """
        for guest in self.guests():
            if guest.machine.name == name:
                return guest
        raise LabError(
            f"the lab {self.layout.name!r} has no machine {name!r}; make it with "
            f"`python -m testbed.lab up {name}`"
        )

    def guests(self) -> list[UmlGuest]:
        """The machines that were made, running or not."""
        return [guest for guest in self._all() if guest.made() is not None]

    def up(self, wish: Wish) -> None:
        """Make what is missing, start what does not run, and wait until all can be reached.

        Raises:
            LabError: something could not be made or started; what was new is gone again.
        """
        host.check_system()
        need(host.PACKAGES, "to make machines", self._report)
        with self._locked():
            missing = [guest for guest in self._all(wish.machines) if guest.process.pid() is None]
            new = [guest for guest in missing if guest.made() is None]
            if wish.fresh and self.guests():
                raise LabError("machines were made from the older images; end the lab with `down`")
            try:
                self._make_place(missing)
                self._make(new, wish)
                self._start(missing)
                if not wish.bare:
                    self._provide_image(wish)
                await_all(missing)
            except BaseException:
                self._take_back(missing, new)
                raise

    def inside(self) -> list[str]:
        """The words before a command with which it reaches the machines' addresses."""
        return network.inside(self.layout.namespace)

    def show(self) -> bool:
        """Print a table of the machines; whether there are some and all can be reached."""
        rows = look(self.guests())
        Console().print(table(self.layout, rows))
        return bool(rows) and all(row.reached for row in rows)

    def down(self) -> None:
        """End everything, in order where it still answers; nothing is left, whatever happened."""
        if self.layout.run.exists():
            with self._locked():
                self._power_off()
                self._remove()
        else:
            self._remove()

    def _all(self, machines: Sequence[Machine] = MACHINES) -> list[UmlGuest]:
        return [UmlGuest(self.layout, machine) for machine in machines]

    def _make_place(self, missing: Sequence[UmlGuest]) -> None:
        self.layout.disks.mkdir(parents=True, exist_ok=True, mode=0o700)
        host.check_room([guest.machine for guest in missing], self.layout.disks)
        if not self.layout.key.exists():
            make_key(self.layout.key, f"lab {self.layout.name}")

    def _make(self, new: Sequence[UmlGuest], wish: Wish) -> None:
        network.make(self.layout.namespace, list(MACHINES))
        services.start_files(self.layout)
        if not wish.bare:
            self._supply(wish.versions)
        if new:
            self._make_disks(new, wish)

    def _make_disks(self, new: Sequence[UmlGuest], wish: Wish) -> None:
        kernel = find_kernel(self._report, fresh=wish.fresh)
        suites = {guest: wish.suite or guest.machine.suite for guest in new}
        images = {
            suite: self._image(suite, fresh=wish.fresh) for suite in sorted(set(suites.values()))
        }
        for guest, suite in suites.items():
            guest.make(Made(suite, str(kernel), str(images[suite].disk)))

    def _image(self, suite: str, *, fresh: bool) -> Image:
        image = find_image(suite, self._report, fresh=fresh)
        packages = find_packages(image, self._report, fresh=fresh)
        services.publish(self.layout, {f"debian/{suite}": packages})
        return image

    def _supply(self, versions: Sequence[str]) -> None:
        tree = release_tree(self._report, versions)
        services.publish(self.layout, {name: tree / name for name in ("release", "helm")})
        services.start_registry(self.layout, registry_storage(self._report, versions))

    def _provide_image(self, wish: Wish) -> None:
        """The provisioner's, or where it is built of."""
        if not wish.unpublished:
            push_provisioner(services.images(self.layout), self._report)
            return
        packages = building.find_debian(self._report)
        wheels = building.find_python(self._report)
        services.publish(self.layout, {services.IMAGE_APT: packages, services.IMAGE_PIP: wheels})

    def _start(self, guests: Sequence[UmlGuest]) -> None:
        self._introduce()
        if guests:
            self._report(f"starting {', '.join(guest.machine.name for guest in guests)} …")
        for guest in guests:
            guest.start()

    def _introduce(self) -> None:
        """Let ssh and Ansible know the machines that were made."""
        made = self.guests()
        machines = [guest.machine for guest in made]
        keys = {guest.machine: guest.host_key for guest in made}
        (self.layout.run / "known_hosts").write_text(known_hosts(keys))
        self.layout.ssh_config.write_text(ssh_config(self.layout, machines))
        self.layout.inventory.write_text(inventory(self.layout, machines))

    def _take_back(self, started: Sequence[UmlGuest], new: Sequence[UmlGuest]) -> None:
        for guest in started:
            guest.process.kill()
        for guest in new:
            guest.discard()
        if self.guests():
            self._introduce()
        else:
            self._remove()

    def _power_off(self) -> None:
        guests = self.guests()
        answering = [guest for guest, yes in zip(guests, reachable(guests), strict=True) if yes]
        if answering:  # the others have nobody to ask, and go with the network
            with ThreadPoolExecutor(len(answering)) as threads:
                list(threads.map(UmlGuest.power_off, answering))

    def _remove(self) -> None:
        network.end(self.layout.namespace)
        self.layout.inventory.unlink(missing_ok=True)
        for folder in (self.layout.disks, self.layout.run):
            if folder.exists():
                shutil.rmtree(folder)
            with contextlib.suppress(OSError):  # another lab is there, or it never was
                folder.parent.rmdir()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one at a time make or end this lab."""
        handle = self._lock()
        try:
            yield
        finally:
            os.close(handle)

    def _lock(self) -> int:
        while True:
            self.layout.run.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.layout.run, os.O_RDONLY)
            fcntl.flock(handle, fcntl.LOCK_EX)
            if os.fstat(handle).st_nlink:
                return handle
            os.close(handle)  # whom we waited for has ended the lab, and the folder with it
