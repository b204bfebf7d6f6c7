"""Sets etcd back to a snapshot, and keeps what it had.

A run that was broken off leaves no note, and none is taken up: the next does the whole again, with
the snapshot that it is given, whether it finds the control plane running or stopped. No data that
it finds is overwritten or removed. What can fail without harm comes first: the new data is made
beside the old before anything is stopped.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from . import etcd, static_pods
from .data_directory import DataDirectory
from .errors import Trouble
from .files import users
from .kubeadm import is_changing
from .make_data import make
from .shelf import Shelf, is_private, make_private
from .snapshot_file import check

MANIFESTS = Path("/etc/kubernetes/manifests")
PARKED = Path("/etc/kubernetes/holdfast-restore")  # not in the folder that the kubelet looks into
LOCK = Path("/run/holdfast-restore.lock")  # held as long as a restore runs; the file itself stays
STOPPED = 180.0  # seconds in which the kubelet has to have ended the pods
ANSWERS = 300.0  # in which it has to have started etcd, and that to answer


class Busy(Trouble):
    """Another run is at it, so that nothing can be said of how things are."""


@dataclass(frozen=True, slots=True)
class Restore:
    """One snapshot, on this machine."""

    snapshot: Path
    manifests: Path = MANIFESTS
    parked: Path = PARKED
    lock: Path = LOCK
    root: Path = Path("/")

    def plan(self, machine: str) -> list[str]:
        """What would happen, a sentence each; nothing is changed.

        Raises:
            Busy: a restore runs.
            Trouble: it cannot be restored.
        """
        with _alone(self.lock):
            _refuse_kubeadm(self.root)
            return self._plan(machine)

    def _plan(self, machine: str) -> list[str]:
        digest, own = check(self.snapshot), self._etcd()
        _refuse_several(own)
        when = datetime.fromtimestamp(self.snapshot.stat().st_mtime, tz=UTC)
        back = (
            f"{machine}: the cluster goes back to the snapshot {self.snapshot}, of "
            f"{when:%Y-%m-%d %H:%M} UTC by its file; what was changed in the cluster since then is "
            "lost. Data on NFS exports is not touched, but volumes made since then are unknown."
        )
        down = f"{machine}: the API server is down meanwhile, for a minute or two; pods go on."
        stays = f"{machine}: etcd's data of now stays beside it, as {own.data}/member.before-TIME."
        return [back, self._stopped(machine) or down, stays, *self._stranger(digest, own, machine)]

    def steps(self) -> Iterator[str]:
        """Restore it; what was done.

        Raises:
            Busy: a restore runs.
            Trouble: a step failed; the next run, of any snapshot, begins anew.
        """
        with _alone(self.lock):
            yield from self._steps()

    def _steps(self) -> Iterator[str]:
        _refuse_kubeadm(self.root)
        check(self.snapshot)
        own = self._etcd()
        _refuse_several(own)
        data = DataDirectory(own.data)
        make(self.snapshot, own, data.made)
        yield f"made a data directory of {self.snapshot}"
        self._park()
        self._await_end()
        data.refuse_open()
        yield "stopped the control plane"
        yield data.exchange()
        self._bring_back()
        yield "started the control plane"
        self._await_answer(own)

    def way_on(self) -> str:
        """What to do where the control plane is stopped; empty where it is not."""
        if not self._parked():
            return ""
        try:
            back = DataDirectory(self._etcd().data).put_back()
        except Trouble:
            back = ""
        return (
            "The control plane is stopped. Run this again, with this snapshot or another one; or "
            f"start it with the data that etcd had: {back}mv {self.parked}/*.yaml "
            f"{self.manifests}/ && rmdir {self.parked}"
        )

    def _etcd(self) -> etcd.Etcd:
        there, parked = self.manifests / "etcd.yaml", self.parked / "etcd.yaml"
        return etcd.read_manifest(parked if parked.exists() and not there.exists() else there)

    def _parked(self) -> list[Path]:
        paths = [self.parked / f"{part}.yaml" for part in static_pods.PARTS]
        return [path for path in paths if path.exists()]

    def _stopped(self, machine: str) -> str:
        if not self._parked():
            return ""
        return (
            f"{machine}: the API server is down already, since an earlier run was broken off, and "
            "is started at the end."
        )

    def _stranger(self, digest: str, own: etcd.Etcd, machine: str) -> Iterator[str]:
        folder = self.snapshot.parent
        own_ones = Shelf(folder, own.name, 1, own.cluster).taken() if is_private(folder) else {}
        if digest not in own_ones.values():
            yield (
                f"{machine}: this cluster's timer has not taken that snapshot; see that it is of "
                "this cluster. The nodes and pods of another one cannot use it."
            )

    def _park(self) -> None:
        make_private(self.parked)
        for part in static_pods.PARTS:
            manifest = self.manifests / f"{part}.yaml"
            if manifest.exists():
                manifest.replace(self.parked / manifest.name)

    def _await_end(self) -> None:
        until = time.monotonic() + STOPPED
        while left := [part for part in static_pods.PARTS if static_pods.running(part)]:
            if time.monotonic() > until:
                raise Trouble(
                    f"{', '.join(left)} still runs {STOPPED:.0f} s after its manifest was moved to "
                    f"{self.parked}; see that the kubelet runs (systemctl status kubelet)."
                )
            time.sleep(1)

    def _bring_back(self) -> None:
        for manifest in self._parked():
            manifest.replace(self.manifests / manifest.name)
        with suppress(OSError):  # somebody has put something there
            self.parked.rmdir()

    def _await_answer(self, own: etcd.Etcd) -> None:
        until = time.monotonic() + ANSWERS
        while why := _silence(own):
            if time.monotonic() > until:
                raise Trouble(
                    f"The data of {self.snapshot} is in place, but etcd is not well {ANSWERS:.0f} "
                    f"s after its start. {why} If it cannot use that data, {self._undo(own)}"
                )
            time.sleep(1)

    def _undo(self, own: etcd.Etcd) -> str:
        """The commands that bring the former data back where etcd never answered with the new."""
        undo = DataDirectory(own.data).undo()
        there, aside = self.manifests / "etcd.yaml", self.manifests.with_name("etcd.yaml")
        if not undo:
            return "restore another snapshot; there is no former data."
        return (
            f"go back to the former: mv {there} {aside}; while pgrep -x etcd; do sleep 1; done; "
            f"{undo} && mv {aside} {there}"
        )


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """The kernel lets the lock go with the process, however that ends."""
    number = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _hold(number, lock)
        yield
    finally:
        os.close(number)


def _hold(number: int, lock: Path) -> None:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Busy(
            "A restore runs on this machine, perhaps of a run that lost its connection, with "
            f"{lock}: {users(lock)}. Wait for its end, and see then what is in the cluster."
        ) from None


def _silence(own: etcd.Etcd) -> str:
    """Why etcd cannot be used; empty if it can."""
    try:
        return "" if etcd.status(own).get("leader", "0") != "0" else "It has no leader."
    except Trouble as trouble:
        return str(trouble)


def _refuse_kubeadm(root: Path) -> None:
    """It writes the manifests that a restore moves."""
    if is_changing(root):
        raise Trouble("kubeadm runs; run this again when it has ended (pgrep -a kubeadm).")


def _refuse_several(own: etcd.Etcd) -> None:
    if len(own.members) > 1:
        raise Trouble(
            f"etcd has {len(own.members)} members ({', '.join(own.members)}); this restores "
            "a cluster of one. Follow https://etcd.io/docs/v3.6/op-guide/recovery/."
        )
