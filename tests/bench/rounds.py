"""What is measured, each on a control plane of its own: the floor, the provisioner, many volumes.

A control plane gets slower with what it holds, so no side may inherit another's.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from holdfast.claims.build_volume import volume
from holdfast.claims.decide import Plan
from holdfast.exports.export import Export
from holdfast.exports.record import Record
from testbed.controlplane import ControlPlane
from testbed.programs import Programs
from tests.bench import floor, objects
from tests.bench.burst import Burst
from tests.bench.connection import Poster, Server
from tests.bench.processor import Meter, Spent
from tests.bench.provisioner import Provisioner, is_upkeep, without_upkeep

QPS = 2000  # of kube-controller-manager's client; its default of 20 would be all that is measured
_SETTLE = 3.0  # seconds in which a new control plane ends its own beginnings
_CONNECTIONS = 4
_TAIL = 6.0  # seconds after the burst, in which its events are sent
_PAGE = 500  # volumes that one request for the list brings
_RELIST = 300.0


@dataclass(frozen=True)
class Floor:
    """What the control plane and the floor's writer took for one burst."""

    burst: Burst
    spent: Spent


@dataclass(frozen=True)
class Served:
    """What the provisioner took for one burst; memory in MiB, times in seconds.

    Attributes:
        calls: requests for the claims, by "verb resource"; `upkeep`: all others meanwhile.
        events: how many events on claims the API server holds from it.
        idle_rss: before the burst; `rss`: after it; `peak`: the most there was.
    """

    burst: Burst
    spent: Spent
    calls: Counter[str]
    upkeep: Counter[str]
    events: int
    idle_rss: float
    rss: float
    peak: float
    start_to_ready: float
    idle_cpu_percent: float | None


@dataclass(frozen=True)
class Many:
    """Memory in MiB of a provisioner that was started with many volumes there.

    Attributes:
        rss: once it is ready.
        peak: the most there was, also when the API server came back and all was listed again.
    """

    volumes: int
    rss: float
    peak: float
    start_to_ready: float


class Bench:
    """Runs rounds: control planes below `folder`, which should be on a real disk.

    What a round leaves there stays until the owner of the folder removes it: ext4 looks for
    inodes that were not freed lately, and takes its time over it.
    """

    def __init__(self, programs: Programs, folder: Path, exports: Path, claims: int) -> None:
        self._programs = programs
        self._folder = folder
        self._exports = exports
        self._claims = claims
        self._numbers = itertools.count(1)
        self._tail = _TAIL

    def floor(self) -> Floor:
        """The bench writes the volumes itself.

        What the control plane does by itself counts for both sides, so it is measured as long
        after the burst as the provisioner had work in the round before.
        """
        with self._plane() as plane, floor.running(plane) as writer:
            meter = Meter(plane, writer)
            burst = Burst.run(plane, self._claims)
            time.sleep(self._tail)
            return Floor(burst, meter.read())

    def provisioner(self, *, idle_seconds: float = 0.0) -> Served:
        """The provisioner does; its idle processor time is measured for so many seconds."""
        with self._plane() as plane, Provisioner.running(plane, self._export(plane)) as one:
            idle_rss, before = one.rss_mib(), one.calls()
            meter = Meter(plane, one.process.pid)
            burst = Burst.run(plane, self._claims)
            bound = time.monotonic()
            one.await_quiet()
            self._tail, spent = time.monotonic() - bound, meter.read()
            calls = one.calls() - before
            return Served(
                burst=burst,
                spent=spent,
                calls=without_upkeep(calls),
                upkeep=Counter({call: n for call, n in calls.items() if is_upkeep(call)}),
                events=_events(plane),
                idle_rss=idle_rss,
                rss=one.rss_mib(),
                peak=one.rss_mib("VmHWM"),
                start_to_ready=one.start_to_ready,
                idle_cpu_percent=one.idle_cpu_percent(idle_seconds) if idle_seconds else None,
            )

    def many(self, volumes: int) -> Many:
        """The provisioner starts where so many volumes are, their claims and their records.

        They are written as they would be found, because binding them would take minutes;
        kube-controller-manager, which would want to do it, is stopped.
        """
        with self._plane() as plane:
            plane.controller_manager.stop()
            root = self._export(plane)
            _write_many(plane, root, volumes)
            with Provisioner.running(plane, root) as one:
                rss, lists = one.rss_mib(), one.calls()["list persistentvolumes"]
                plane.apiserver.kill()
                plane.apiserver.start()
                one.await_lists(lists + -(-volumes // _PAGE), _RELIST)
                return Many(volumes, rss, one.rss_mib("VmHWM"), one.start_to_ready)

    def _export(self, plane: ControlPlane) -> Path:
        return self._exports / plane.folder.name

    @contextmanager
    def _plane(self) -> Iterator[ControlPlane]:
        folder = self._folder / f"plane-{next(self._numbers)}"
        with ControlPlane(self._programs, folder, api_qps=QPS) as plane:
            plane.client.send("POST", objects.CLASSES, objects.storage_class())
            namespace = {"metadata": {"name": objects.NAMESPACE}}
            plane.client.send("POST", objects.NAMESPACES, namespace)
            time.sleep(_SETTLE)
            yield plane


def _events(plane: ControlPlane) -> int:
    events = plane.client.get(objects.EVENTS)["items"]
    ours = [e for e in events if e["source"]["component"].startswith(objects.PROVISIONER.name)]
    return sum(event["count"] for event in ours)


def _write_many(plane: ControlPlane, root: Path, count: int) -> None:
    root.mkdir()
    Export(root).initialise(objects.EXPORT_ID)
    records = root / ".holdfast" / "volumes"
    server = Server(plane.url, plane.folder / "certificates")
    shares = [range(first, count, _CONNECTIONS) for first in range(_CONNECTIONS)]
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        list(pool.map(lambda share: _write_share(server, records, share), shares))


def _write_share(server: Server, records: Path, numbers: range) -> None:
    volumes, claims = Poster(server, objects.VOLUMES), Poster(server, objects.CLAIMS)
    for number in numbers:
        plan = objects.plan(number)
        volumes.post(volume(plan, objects.ADDRESS, finalizer=True, export_id=objects.EXPORT_ID))
        claims.post(objects.bound_claim(number, plan.volume))
        (records / plan.volume).write_bytes(_record(plan).dump())


def _record(plan: Plan) -> Record:
    return Record(
        volume=plan.volume,
        export=objects.EXPORT_ID,
        directory=plan.directory,
        claim=plan.ref,
        storage_class=plan.storage_class.name,
        size=plan.claim.size,
        reclaim_policy=plan.storage_class.reclaim_policy,
        on_delete=plan.action,
    )
