"""Two replicas and one path: the leader is held up in a call, the other serves the path again."""

from __future__ import annotations

import itertools
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

import pytest

from testbed.controlplane import ControlPlane
from tests.chaos import Cluster, Provisioner, tell
from tests.layout import own_paths, paths_on, place_of, tenants_paths, wanted_own_paths
from tests.support import eventually
from tests.warden import Point, Warden, points

Operation = Literal["create", "delete", "archive"]
Way = Literal["frozen", "hung", "hung beside another export"]
LOST = 4  # exit code
_numbers = itertools.count()
_REPOSITORY = Path(__file__).parents[3]
_CLAIM = "data"
_OLD, _NEW = "old", "new"  # files
_TEXT = "of the new claim\n"
_LONGEST_IN_TRASH = 60.0
_PATIENCE = 180.0  # many runs go on at the same time


def need_seccomp() -> None:
    """Skips a test where no process can be held up, unless nothing may be left out (CI)."""
    done = subprocess.run(
        [sys.executable, "-c", "from tests.held import listen; listen()"],
        cwd=_REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and not os.environ.get("CI"):
        pytest.skip(f"no process can be held up in a call: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True)
class HoldUp:
    """One run.

    Attributes:
        operation: what the leader does when it is held up.
        number: tells runs apart.
        point: the call in which it is, as `points_of` gave it.
        seconds: that the call is held at least; longer where the other needs longer.
        again: the claim is made again meanwhile; else nothing at all may be left.
        way: `frozen`: the whole leader is; `hung`: it goes on, and its later calls hang as well;
            beside another export that it serves, it does not end then, and its calls come late.
    """

    operation: Operation
    number: int
    point: Point
    seconds: float
    way: Way
    again: bool = True

    def __str__(self) -> str:
        return f"{self.operation} {self.way} in {self.number}: {self.point}"


class Stage:
    """An export with two replicas, in a namespace of its own, which `name` begins."""

    def __init__(
        self, plane: ControlPlane, folder: Path, name: str, *, beside: bool = False
    ) -> None:
        """`beside`: the replicas serve another export as well."""
        namespace = f"{name}-{next(_numbers)}"  # several tests use one control plane
        plane.client.send("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        folder.mkdir(parents=True)
        root = folder / "export"
        root.mkdir()
        self.cluster = Cluster(plane, root, namespace)
        self.directory = f"{namespace}/{_CLAIM}"
        self.warden = Warden(root, {namespace: "NAMESPACE"})
        self._config = self._write_config(folder) if beside else {}
        self.leader = self._replica("leader", ("-m", "tests.held", "run"), WARDEN=self.warden.name)
        self.other = self._replica("other")

    def _write_config(self, folder: Path) -> dict[str, str]:
        other = folder / "other-export"
        other.mkdir()
        lines = [
            f"- {{name: {name}, server: {self.cluster.server}, path: {path}, mount: {root}, "
            "deadline: 5}"
            for name, path, root in (
                ("default", "/export", self.cluster.root),
                ("other", "/other", other),
            )
        ]
        file = folder / "exports.yaml"
        file.write_text("\n".join(["exports:", *lines]), encoding="utf-8")
        return {"HOLDFAST_CONFIG": str(file)}

    def _replica(
        self, identity: str, command: tuple[str, ...] = ("-m", "holdfast", "run"), **more: str
    ) -> Provisioner:
        return self.cluster.provisioner(
            identity,
            command=command,
            ENABLE_LEADER_ELECTION="true",
            **(self._config or {"HOLDFAST_EXPORT_DEADLINE": "5"}),
            **more,
        )

    @contextmanager
    def leading(self, operation: Operation) -> Iterator[None]:
        """The leader is at work, and the operation is the next that it has to do."""
        on_delete = "archive" if operation == "archive" else "delete"
        pattern = {"pathPattern": "${.PVC.namespace}/${.PVC.name}", "onDelete": on_delete}
        self._class = self.cluster.make_class(parameters=pattern)
        with ExitStack() as stack:
            stack.enter_context(self.warden)
            stack.enter_context(self.leader)
            _await_term(self.leader)
            if operation != "create":
                self.serve(_OLD)
            yield

    def serve(self, file: str) -> str:
        """Makes the claim and writes a file once it is Bound; its volume."""
        self.cluster.claim(self._class, _CLAIM)
        volume = self.await_served()
        (self.cluster.root / self.directory / file).write_text(_TEXT, encoding="utf-8")
        return volume

    def await_served(self) -> str:
        """Waits until the claim is Bound and its volume confirmed; the volume."""
        eventually(self.cluster.bound_claims, _PATIENCE, "the claim is Bound")
        volume = self.cluster.bound_claims()[_CLAIM]
        eventually(lambda: volume in self.cluster.records(), _PATIENCE, "it is confirmed")
        return volume

    def begin(self, operation: Operation) -> None:
        """Gives the leader the operation to do."""
        if operation == "create":
            self.cluster.claim(self._class, _CLAIM)
        else:
            self.cluster.delete_claim(_CLAIM)

    def delete(self) -> None:
        """Deletes the claim; returns once it is gone."""
        if self.cluster.find_claim(_CLAIM):
            self.cluster.delete_claim(_CLAIM)
        eventually(lambda: self.cluster.find_claim(_CLAIM) is None, _PATIENCE, "the claim is gone")

    def await_export(self, live: str, archived: list[str]) -> None:
        """Waits until the export holds this and nothing else.

        Args:
            live: the claim's volume, with its file; empty where there is no claim.
            archived: the files in archives, each of which has one of its own.
        """
        number = 1 if live else 0
        eventually(lambda: len(self.cluster.volumes()) == number, _PATIENCE, f"{number} volumes")
        try:
            eventually(lambda: not self._difference(live, archived), _PATIENCE)
        except AssertionError as error:
            difference = sorted(self._difference(live, archived))
            raise AssertionError(f"too much or too little: {difference}") from error

    def _difference(self, live: str, archived: list[str]) -> set[str]:
        """What is there and should not be, or should be and is not."""
        root, records = self.cluster.root, self.cluster.records()
        parents = [self.directory.partition("/")[0]] if live else []
        wanted = {*parents}
        files = []
        for name, record in records.items():
            place = place_of(record)
            files += [_NEW] if name == live else _names_in(root / place)
            wanted |= {place, f"{place}/{files[-1]}" if files else ""}
        own = wanted_own_paths(records, parents) ^ own_paths(root)
        wrong = set() if sorted(files) == sorted(archived + [_NEW] * bool(live)) else {*files}
        if live and (live not in records or not self._is_whole(records[live])):
            wrong.add(live)
        return (wanted ^ tenants_paths(root)) | {f".holdfast/{path}" for path in own} | wrong

    def _is_whole(self, record: dict[str, Any]) -> bool:
        """Whether the new claim's directory is the one recorded, may be used, and has its file."""
        directory = self.cluster.root / self.directory
        status = directory.stat()
        return (
            stat.S_IMODE(status.st_mode) == 0o777
            and record["state"] == "live"
            and record["inode"]["number"] == status.st_ino
            and (directory / _NEW).read_text(encoding="utf-8") == _TEXT
        )


class Watch:
    """Looks all the time whether the new claim's file is where things are removed."""

    def __init__(self, root: Path) -> None:
        self._own = root / ".holdfast"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.seconds = 0.0  # that it was there, in all

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        before = time.monotonic()
        while not self._over.wait(0.2):
            now = time.monotonic()
            if any(Path(path).name == _NEW for path in paths_on(self._own)):
                self.seconds += now - before
            before = now


def points_of(plane: ControlPlane, folder: Path, operation: Operation) -> list[Point]:
    """The calls with which one operation changes an export, from its begin to its very end."""
    stage = Stage(plane, folder / operation, f"{operation}-points")
    with stage.leading(operation):
        stage.warden.watch()
        stage.begin(operation)
        if operation == "create":
            stage.await_served()
        else:
            stage.await_export("", [_OLD] if operation == "archive" else [])
        return points(list(stage.warden.seen))


def run(plane: ControlPlane, folder: Path, hold_up: HoldUp) -> None:
    """Holds a leader up in one call; raises AssertionError where anything is not as it should be.

    In the end the new claim is deleted as well: what belongs to nobody would be left then.
    """
    again = "again" if hold_up.again else "once"
    way, _, beside = hold_up.way.partition(" ")
    name = f"{hold_up.operation}-{again}-{way}-{'beside-' * bool(beside)}{hold_up.number}"
    stage = Stage(plane, folder / name, name, beside=bool(beside))
    with stage.leading(hold_up.operation), stage.other, Watch(stage.cluster.root) as watch:
        eventually(stage.other.is_ready, _PATIENCE, "the other stands by")
        held_at = _hold_up(stage, hold_up)
        stage.delete()
        volume = stage.serve(_NEW) if hold_up.again else ""
        _await_term(stage.other)
        _wait_until(held_at + hold_up.seconds)
        _go_on(stage, hold_up)
        archived = [_OLD] if hold_up.operation == "archive" else []
        stage.await_export(volume, archived)
        assert watch.seconds < _LONGEST_IN_TRASH
        assert stage.other.leads()
        stage.delete()
        stage.await_export("", archived + [_NEW] * bool(archived and volume))


def run_all(plane: ControlPlane, folder: Path, hold_ups: Sequence[HoldUp], at_once: int) -> None:
    """Runs them side by side, for mostly they wait; raises AssertionError with all that failed."""
    failed = []
    with ThreadPoolExecutor(at_once) as pool:
        runs = [(hold_up, pool.submit(run, plane, folder, hold_up)) for hold_up in hold_ups]
        for hold_up, done in runs:
            if error := done.exception():
                failed.append(f"{hold_up}\n    {type(error).__name__}: {error}")
    assert not failed, f"{len(failed)} of {len(runs)}, in {folder}:\n" + "\n".join(failed)


def _await_term(replica: Provisioner) -> None:
    """Waits until it has begun a term on the export that the claim is served from."""
    eventually(
        lambda: any(line["export"] == "default" for line in replica.lines("term begun")),
        _PATIENCE,
        f"{replica.identity} has begun a term",
    )


def _hold_up(stage: Stage, hold_up: HoldUp) -> float:
    """Has the leader do it until it is held up; the moment."""
    stage.warden.watch(
        hold=hold_up.point,
        all_after=hold_up.way != "frozen",
        when_held=partial(stage.leader.signal, signal.SIGSTOP) if hold_up.way == "frozen" else None,
    )
    stage.begin(hold_up.operation)
    assert stage.warden.holds.wait(_PATIENCE), f"{hold_up.point} never came"
    return time.monotonic()


def _go_on(stage: Stage, hold_up: HoldUp) -> None:
    """Has the calls that are held carried out, after another has begun to lead."""
    if hold_up.way == "hung":
        assert stage.leader.process.wait(_PATIENCE) == LOST
        _assert_it_ended_in_time(stage)
        late = [f"{call}: {call.carry_out()}" for call in stage.warden.kept]
        tell(f"{hold_up}; late: {late}")
        return
    stage.warden.release()
    if hold_up.way == "frozen":
        stage.leader.signal(signal.SIGCONT)
    else:
        assert stage.leader.is_running()
    eventually(
        lambda: _stands_by(stage.leader), _PATIENCE, "the former leader knows that it is one"
    )


def _assert_it_ended_in_time(stage: Stage) -> None:
    """The process ended before the other could have the lease."""
    ended = stage.leader.lines("lease lost while calls to the export hang: the process exits")
    led = stage.other.lines("this replica leads")
    assert _moment(ended[-1]) < _moment(led[0])


def _stands_by(replica: Provisioner) -> bool:
    if not replica.is_running():
        assert replica.process.returncode == LOST
        return True
    return bool(replica.lines("this replica does not lead")) and replica.is_ready()


def _moment(line: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(line["timestamp"])


def _names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
