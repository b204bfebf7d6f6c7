"""Sets etcd back to a snapshot, and keeps what it had.

A run that was broken off leaves no note, and none is taken up: the next does the whole again, with
the snapshot that it is given, whether it finds the control plane running or stopped. No data that
it finds is overwritten or removed. What can fail without harm comes first: the new data is made
beside the old before anything is stopped.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from . import etcd, static_pods
from .errors import Trouble
from .image_program import etcdutl, run
from .shelf import Shelf, is_private, make_private
from .snapshot_file import check

MANIFESTS = Path("/etc/kubernetes/manifests")
PARKED = Path("/etc/kubernetes/holdfast-restore")  # not in the folder that the kubelet looks into
LOCK = Path("/run/holdfast-restore.lock")  # held as long as a restore runs; the file itself stays
MADE = ".holdfast-restored"  # in etcd's data directory, until its member takes the former's place
STOPPED = 180.0  # seconds in which the kubelet has to have ended the pods
# Clients that remember a later revision than the snapshot's would wait for it, and miss changes:
# https://etcd.io/docs/v3.6/op-guide/recovery/#restoring-with-revision-bump
BUMP = 1_000_000_000


class Busy(Trouble):
    """Another run is at it, so that nothing can be said of how things are."""


@dataclass(frozen=True, slots=True)
class Restore:
    """One snapshot, on this machine."""

    snapshot: Path
    manifests: Path = MANIFESTS
    parked: Path = PARKED
    lock: Path = LOCK

    def plan(self, machine: str) -> list[str]:
        """What would happen, a sentence each; nothing is changed.

        Raises:
            Busy: a restore runs.
            Trouble: it cannot be restored.
        """
        with _alone(self.lock):
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
        check(self.snapshot)
        own = self._etcd()
        _refuse_several(own)
        self._make(own)
        yield f"made a data directory of {self.snapshot}"
        self._park()
        self._await_end(own)
        yield "stopped the control plane"
        yield _told(self._exchange(own), own)
        self._bring_back()
        yield "started the control plane"

    def way_on(self) -> str:
        """What to do where the control plane is stopped; empty where it is not."""
        if not self._parked():
            return ""
        try:
            back = _back(self._etcd())
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

    def _make(self, own: etcd.Etcd) -> None:
        made = own.data / MADE
        shutil.rmtree(made, ignore_errors=True)  # of a run that was broken off
        own.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with etcdutl(own.image) as program:
            done = run([program, *self._arguments(made, own)])
        if done.returncode:
            shutil.rmtree(made, ignore_errors=True)
            said = " ".join((done.stderr or done.stdout).split())
            raise Trouble(f"etcdutl does not restore {self.snapshot}: {said}")
        os.sync()

    def _arguments(self, made: Path, own: etcd.Etcd) -> list[str]:
        peers = own.arguments.get("initial-advertise-peer-urls", own.members[0].partition("=")[2])
        return [
            *("snapshot", "restore", str(self.snapshot), f"--data-dir={made}"),
            *(f"--name={own.name}", f"--initial-cluster={own.members[0]}"),
            f"--initial-advertise-peer-urls={peers}",
            *(f"--bump-revision={BUMP}", "--mark-compacted"),
        ]

    def _park(self) -> None:
        make_private(self.parked)
        for part in static_pods.PARTS:
            manifest = self.manifests / f"{part}.yaml"
            if manifest.exists():
                manifest.replace(self.parked / manifest.name)

    def _await_end(self, own: etcd.Etcd) -> None:
        until = time.monotonic() + STOPPED
        while left := [part for part in static_pods.PARTS if static_pods.running(part)]:
            if time.monotonic() > until:
                raise Trouble(
                    f"{', '.join(left)} still runs {STOPPED:.0f} s after its manifest was moved to "
                    f"{self.parked}; see that the kubelet runs (systemctl status kubelet)."
                )
            time.sleep(1)
        _refuse_open(own.data / "member/snap/db")

    def _exchange(self, own: etcd.Etcd) -> Path | None:
        """Where the former data is now; None if there was none."""
        member, made = own.data / "member", own.data / MADE
        kept = own.data / f"member.before-{datetime.now(tz=UTC):%Y%m%dT%H%M%S.%fZ}"
        had = member.exists()
        if had:
            member.rename(kept)
        (made / "member").rename(member)
        shutil.rmtree(made, ignore_errors=True)
        os.sync()
        return kept if had else None

    def _bring_back(self) -> None:
        for manifest in self._parked():
            manifest.replace(self.manifests / manifest.name)
        with suppress(OSError):  # somebody has put something there
            self.parked.rmdir()


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
            "A restore runs on this machine, perhaps of a run that lost its connection; wait for "
            f"the end of its process (fuser {lock}), and see then what is in the cluster."
        ) from None


def _refuse_several(own: etcd.Etcd) -> None:
    if len(own.members) > 1:
        raise Trouble(
            f"etcd has {len(own.members)} members ({', '.join(own.members)}); this restores "
            "a cluster of one. Follow https://etcd.io/docs/v3.6/op-guide/recovery/."
        )


def _kept(own: etcd.Etcd) -> list[Path]:
    """All former data, of this run and others, the last at the end."""
    return sorted(own.data.glob("member.before-*"))


def _back(own: etcd.Etcd) -> str:
    """The command for where the former data is set aside and none is in its place."""
    kept, member = _kept(own), own.data / "member"
    return f"mv {kept[-1]} {member} && " if kept and not member.exists() else ""


def _told(kept: Path | None, own: etcd.Etcd) -> str:
    if kept:
        return f"kept the former data in {kept}"
    earlier = _kept(own)
    return f"found what an earlier run kept in {earlier[-1]}" if earlier else "found no former data"


def _refuse_open(database: Path) -> None:
    """See that no etcd has the database open, whoever started it: it holds a lock."""
    if not database.exists():
        return
    with database.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Trouble(
                f"A process has {database} open still (fuser {database}); end it, then run this "
                "again."
            ) from None
