"""What one operation takes where there are few volumes, and where there are many.

In this process and without a control plane, so that nothing else is measured. All volumes are of
one namespace, in whose folder their directories are: then each has all others for neighbours.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

from kubernetes.client import Configuration

from holdfast.claims.build_volume import volume
from holdfast.claims.decide import Plan
from holdfast.controller.caches import Caches
from holdfast.controller.directory_spec import spec_of_plan
from holdfast.controller.export_view import ExportView
from holdfast.exports.export import Export
from holdfast.exports.interface import Grant, Leader
from holdfast.kube.api import Api
from holdfast.kube.work_queue import WorkQueue
from tests.bench import objects

# By operation and number of volumes, in microseconds of processor time.
Curve = dict[str, dict[int, float]]

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
_SAMPLES = 500


def measure(folder: Path, most: int, say: Callable[[str], object]) -> Curve:
    """The operations at each of the sizes up to `most`, on an export in `folder`."""
    sizes = [size for size in SIZES if size <= most]
    if not sizes:
        return {}
    folder.mkdir()
    stages = [_Creating(folder), _Overlapping(), _Queueing()]
    curve: Curve = {stage.name: {} for stage in stages}
    before = 0
    for size in sizes:
        say(f"operations with {size} volumes …")
        for stage in stages:
            stage.grow(range(before, size - _SAMPLES))
            samples = [stage.sample(number) for number in range(size - _SAMPLES, size)]
            curve[stage.name][size] = median(samples) / 1000
        before = size
    return curve


class _Stage:
    """An operation; each one adds a volume."""

    name = ""

    def grow(self, numbers: range) -> None:
        for number in numbers:
            self.sample(number)

    def sample(self, number: int) -> int:
        """Nanoseconds."""
        raise NotImplementedError


class _Creating(_Stage):
    """A directory and its record, and the confirmation that the volume is written."""

    name = "create"

    def __init__(self, folder: Path) -> None:
        self._export = Export(folder)
        self._export.initialise(objects.EXPORT_ID)
        self._term = self._export.begin(Leader("cluster", "bench")).term

    def sample(self, number: int) -> int:
        asked = spec_of_plan(_plan(number))
        began = time.thread_time_ns()
        self._export.create(Grant(self._term), asked)
        self._export.confirm(Grant(self._term), asked.volume)
        return time.thread_time_ns() - began


class _Overlapping(_Stage):
    """Whether another volume has the directory that a claim asks for."""

    name = "overlapping"

    def __init__(self) -> None:
        api = Api(Configuration())
        caches = Caches(api, objects.PROVISIONER, lambda: None)
        self._view = ExportView(caches, objects.PROVISIONER, objects.ADDRESS)

    def sample(self, number: int) -> int:
        plan = _plan(number)
        obj = volume(plan, objects.ADDRESS, finalizer=True, export_id=objects.EXPORT_ID)
        obj["metadata"] |= {"uid": plan.ref.uid, "resourceVersion": str(number + 1)}
        began = time.thread_time_ns()
        found = list(self._view.overlapping(plan.directory))
        took = time.thread_time_ns() - began
        if found:
            raise ValueError(found)
        self._view.update_from_response(obj)
        return took


class _Queueing(_Stage):
    """A key is added to those that are due, and another taken and done."""

    name = "queue"

    def __init__(self) -> None:
        self._queue = WorkQueue()

    def sample(self, number: int) -> int:
        self._queue.add(f"key-{number}")
        began = time.thread_time_ns()
        self._queue.add(f"more-{number}")
        if (key := self._queue.get(0)) is not None:
            self._queue.done(key)
        return time.thread_time_ns() - began


def _plan(number: int) -> Plan:
    plan = objects.plan(number)
    return replace(plan, directory=f"{plan.ref.namespace}/{plan.ref.name}")
