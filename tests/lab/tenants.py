"""Claims that come and go all the time, and what their tenants have written.

Each claim's directory is named by its namespace and name, so that a new claim comes to where an
older one's directory was. What a tenant writes is its claim's uid: found anywhere else than in
that claim's directory or archive, it is somebody else's data.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from testbed.errors import LabError
from testbed.waiting import until
from tests.lab.examples.cluster import Cluster
from tests.lab.seeds import EXPORT

NAMESPACE: Final = "tenants"
FILE: Final = "whose"  # in each directory: the claim's uid
ACTIONS: Final = ("archive", "delete")
_NAMES: Final = tuple(f"{action}-{number}" for action in ACTIONS for number in range(12))
_DELETED: Final = 2  # claims in one round
_PAUSE: Final = 2.0  # seconds between two rounds: the cluster's machines are slow
_BACK: Final = 240.0  # seconds to work again: pods may have to be made anew for it

Claims = dict[str, dict[str, Any]]


class Tenants:
    """A thread that makes and deletes claims, and writes to those that are bound."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        self._cluster = cluster
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._disk = threading.Lock()  # held by who writes to the server's disk, or changes it
        self._thread = threading.Thread(target=self._run, name="tenants")
        self._error: BaseException | None = None
        self.rounds = 0
        self.claims: dict[str, str] = {}  # the name of each that ever was, by uid
        self.begun: set[str] = set()  # uids of which a tenant may have written
        self.written: set[str] = set()  # and of which the disk said that it has

    def start(self) -> None:
        """Makes the namespace and the classes, then the claims; returns at once after that."""
        self._create({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": NAMESPACE}})
        self._create(*map(_class, ACTIONS))
        self._thread.start()

    def end(self) -> None:
        """Ends the thread."""
        self._stop.set()
        self._thread.join()

    def stop(self) -> None:
        """Deletes no more claims; every one that is there is bound and written to afterwards."""
        self.end()
        self._raise()
        until(self._is_whole, _BACK, "every claim of the tenants is bound", pause=1.0)
        self._write(self._now())

    @contextmanager
    def off_the_disk(self) -> Iterator[None]:
        """Tenants write nothing within, while claims come and go on: their disk is away."""
        with self._disk:
            yield

    def await_more(self) -> None:
        """Waits until new claims are served and written to."""
        before = len(self.written)
        what = f"more than {before} claims are written to"
        until(lambda: len(self.written) > before + 2 or self._raise(), _BACK, what, pause=0.5)

    def await_rounds(self, number: int) -> None:
        """Waits until claims have come and gone a few times more."""
        before = self.rounds
        until(lambda: self.rounds >= before + number or self._raise(), _BACK, pause=0.5)

    def _raise(self) -> bool:
        if self._error is not None:
            raise self._error
        return False

    def _run(self) -> None:
        try:
            while not self._stop.wait(_PAUSE):
                self._round()
                self.rounds += 1
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._error = error

    def _round(self) -> None:
        claims = self._now()
        if self._disk.acquire(blocking=False):
            try:
                self._write(claims)
            except LabError:  # the server is away: the tenants write once it is back
                self.begun |= {uid_of(claim) for claim in claims.values() if is_bound(claim)}
            finally:
                self._disk.release()
        self._delete(claims)
        self._make(claims)

    def _now(self) -> Claims:
        listed = self._cluster.get("pvc", f"--namespace={NAMESPACE}")["items"]
        claims = {claim["metadata"]["name"]: claim for claim in listed}
        self.claims |= {uid_of(claim): name for name, claim in claims.items()}
        return claims

    def _is_whole(self) -> bool:
        claims = self._now()
        self._make(claims)
        return len(claims) == len(_NAMES) and all(map(is_bound, claims.values()))

    def _write(self, claims: Claims) -> None:
        """Writes to every claim that is bound, in one go: onto the disk before it is told."""
        uids = {
            uid_of(claim): name
            for name, claim in claims.items()
            if is_bound(claim) and uid_of(claim) not in self.written
        }
        self.begun |= uids.keys()
        lines = [
            f"echo {uid} | sudo dd of={EXPORT}/{NAMESPACE}/{name}/{FILE} conv=fsync status=none"
            for uid, name in uids.items()
        ]
        if lines:
            self._cluster.guest("nfs").ssh(" && ".join(lines), deadline=120)
        self.written |= uids.keys()

    def _delete(self, claims: Claims) -> None:
        """Of those that are bound, only ones that were written to: the others' turn comes."""
        may_go = [
            name
            for name, claim in claims.items()
            if "deletionTimestamp" not in claim["metadata"]
            and (uid_of(claim) in self.written or not is_bound(claim))
        ]
        if len(may_go) >= _DELETED:
            gone = self._random.sample(sorted(may_go), _DELETED)
            words = ("delete", "pvc", *gone, f"--namespace={NAMESPACE}", "--wait=false")
            self._cluster.kubectl(*words)

    def _make(self, claims: Claims) -> None:
        """Makes what is missing, of the same names."""
        missing = [name for name in _NAMES if name not in claims]
        if missing:
            self._create(*map(_claim, missing))

    def _create(self, *objects: dict[str, Any]) -> None:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self._cluster.kubectl("create", "--filename=-", text=text)


def uid_of(claim: dict[str, Any]) -> str:
    """By which a claim is told from another of its name."""
    return str(claim["metadata"]["uid"])


def is_bound(claim: dict[str, Any]) -> bool:
    """Whether a claim has its volume, and is not on its way out."""
    return claim["status"]["phase"] == "Bound" and "deletionTimestamp" not in claim["metadata"]


def _class(action: str) -> dict[str, Any]:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": f"tenants-{action}"},
        "provisioner": "holdfast.io/nfs",
        "parameters": {
            "onDelete": action,
            "pathPattern": "${.PVC.namespace}/${.PVC.name}",
        },
    }


def _claim(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "storageClassName": f"tenants-{name.partition('-')[0]}",
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }
