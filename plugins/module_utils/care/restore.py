"""Sets etcd back to a snapshot, and keeps what it had.

Each step looks at what is there, so that a run that was broken off is taken up by the next. What
can fail without harm comes first: the new data is made beside the old before anything is stopped.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
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
NOTE = "restore.json"
STOPPED = 180.0  # seconds in which the kubelet has to have ended the pods
# Clients that remember a later revision than the snapshot's would wait for it, and miss changes:
# https://etcd.io/docs/v3.6/op-guide/recovery/#restoring-with-revision-bump
BUMP = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Restore:
    """One snapshot, on this machine."""

    snapshot: Path
    manifests: Path = MANIFESTS
    parked: Path = PARKED

    def plan(self, machine: str) -> list[str]:
        """What would happen, a sentence each; nothing is changed.

        Raises:
            Trouble: it cannot be restored.
        """
        digest, own = check(self.snapshot), self._etcd()
        self._refuse(digest, own)
        when = datetime.fromtimestamp(self.snapshot.stat().st_mtime, tz=UTC)
        back = (
            f"{machine}: the cluster goes back to the snapshot {self.snapshot}, of "
            f"{when:%Y-%m-%d %H:%M} UTC by its file; what was changed in the cluster since then is "
            "lost. Data on NFS exports is not touched, but volumes made since then are unknown."
        )
        return [
            back,
            f"{machine}: the API server is down meanwhile, for a minute or two; pods go on.",
            f"{machine}: etcd's data of now stays beside it, as {own.data}/member.before-TIME.",
            *self._stranger(digest, own, machine),
        ]

    def steps(self) -> Iterator[str]:
        """Restore it; what was done.

        Raises:
            Trouble: a step failed; the next run of the same snapshot goes on with it.
        """
        digest, own = check(self.snapshot), self._etcd()
        self._refuse(digest, own)
        if not self._noted():
            self._make(digest, own)
            yield f"made a data directory of {self.snapshot}"
        self._park()
        self._await_end(own)
        yield "stopped the control plane"
        self._exchange(digest, own)
        yield f"kept the former data in {self._kept(own)}"
        self._bring_back(digest, own)
        yield "started the control plane"

    def _etcd(self) -> etcd.Etcd:
        parked = self.parked / "etcd.yaml"
        return etcd.read_manifest(parked if parked.exists() else self.manifests / "etcd.yaml")

    def _refuse(self, digest: str, own: etcd.Etcd) -> None:
        if len(own.members) > 1:
            raise Trouble(
                f"etcd has {len(own.members)} members ({', '.join(own.members)}); this restores "
                "a cluster of one. Follow https://etcd.io/docs/v3.6/op-guide/recovery/."
            )
        if (before := self._noted()) and before["digest"] != digest:
            raise Trouble(
                f"An earlier run began to restore {before['snapshot']}, and has not ended; run it "
                "again with that snapshot first."
            )

    def _stranger(self, digest: str, own: etcd.Etcd, machine: str) -> Iterator[str]:
        folder = self.snapshot.parent
        own_ones = Shelf(folder, own.name, 1, own.cluster).taken() if is_private(folder) else {}
        if digest not in own_ones.values():
            yield (
                f"{machine}: this cluster's timer has not taken that snapshot; see that it is of "
                "this cluster. The nodes and pods of another one cannot use it."
            )

    def _noted(self) -> dict[str, str]:
        path = self.parked / NOTE
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def _new(self, digest: str, own: etcd.Etcd) -> Path:
        return own.data / f".restored-{digest[:12]}"

    def _kept(self, own: etcd.Etcd) -> Path:
        """Where the former data is kept; the same in each run until one comes to its end."""
        name = f"member.before-{datetime.now(tz=UTC):%Y%m%dT%H%M%S.%fZ}"
        return own.data / self._noted().get("kept", name)

    def _make(self, digest: str, own: etcd.Etcd) -> None:
        new = self._new(digest, own)
        shutil.rmtree(new, ignore_errors=True)  # of a run that was broken off here
        own.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with etcdutl(own.image) as program:
            done = run([program, *self._arguments(new, own)])
        if done.returncode:
            shutil.rmtree(new, ignore_errors=True)
            said = " ".join((done.stderr or done.stdout).split())
            raise Trouble(
                f"etcdutl does not restore {self.snapshot}, and nothing was stopped: {said}"
            )
        self._note(digest, self._kept(own).name)

    def _note(self, digest: str, kept: str) -> None:
        make_private(self.parked)
        note = {"snapshot": str(self.snapshot), "digest": digest, "kept": kept}
        unfinished = self.parked / f"{NOTE}.unfinished"
        unfinished.write_text(json.dumps(note))
        unfinished.replace(self.parked / NOTE)

    def _arguments(self, new: Path, own: etcd.Etcd) -> list[str]:
        peers = own.arguments.get("initial-advertise-peer-urls", own.members[0].partition("=")[2])
        return [
            *("snapshot", "restore", str(self.snapshot), f"--data-dir={new}"),
            *(f"--name={own.name}", f"--initial-cluster={own.members[0]}"),
            f"--initial-advertise-peer-urls={peers}",
            *(f"--bump-revision={BUMP}", "--mark-compacted"),
        ]

    def _park(self) -> None:
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
                    f"{self.parked}; see that the kubelet runs (systemctl status kubelet), then "
                    "run this again."
                )
            time.sleep(1)
        _refuse_open(own.data / "member/snap/db")

    def _exchange(self, digest: str, own: etcd.Etcd) -> None:
        new, now = self._new(digest, own), own.data / "member"
        if not (new / "member").exists():
            return  # an earlier run has done it
        if now.exists():
            now.rename(self._kept(own))
        (new / "member").rename(now)
        os.sync()

    def _bring_back(self, digest: str, own: etcd.Etcd) -> None:
        new = self._new(digest, own)
        if new.exists():
            new.rmdir()  # only its member was in it
        for part in static_pods.PARTS:
            manifest = self.parked / f"{part}.yaml"
            if manifest.exists():
                manifest.replace(self.manifests / manifest.name)
        (self.parked / NOTE).unlink(missing_ok=True)
        self.parked.rmdir()


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
