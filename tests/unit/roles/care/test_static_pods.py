"""A part of the control plane is told from another program of its name, and restarted."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.care import static_pods
from ansible_collections.holdfast.nfs.plugins.module_utils.care.errors import Trouble
from ansible_collections.holdfast.nfs.plugins.module_utils.care.static_pods import Process

from tests.unit.roles.care.given import part, process


def pids(root: Path, name: str = "etcd") -> list[int]:
    return [one.pid for one in static_pods.running(name, root)]


def test_the_process_of_a_static_pod_is_found(tmp_path: Path) -> None:
    part(tmp_path, 10, "etcd", "abc")
    part(tmp_path, 11, "kube-apiserver", "def")

    assert pids(tmp_path) == [10]


def test_another_etcd_of_the_machine_or_of_a_pod_is_left_alone(tmp_path: Path) -> None:
    part(tmp_path, 10, "etcd", "abc")
    process(tmp_path, 11, "/usr/bin/etcd")
    process(tmp_path, 12, "etcd", pod="of-somebody")
    process(tmp_path, 13, "/usr/local/bin/etcdctl", pod="abc")

    assert pids(tmp_path) == [10]


def test_a_machine_without_pods_has_none(tmp_path: Path) -> None:
    process(tmp_path, 11, "/usr/bin/etcd")

    assert pids(tmp_path) == []


def test_it_is_told_when_a_process_began(tmp_path: Path) -> None:
    part(tmp_path, 10, "etcd", "abc", ago=100.0)
    (found,) = static_pods.running("etcd", tmp_path)

    assert found.began == pytest.approx(time.time() - 100, abs=5)


class Machine:
    """Whose kubelet starts a part again that was ended; a stubborn one needs SIGKILL."""

    def __init__(self, *, stubborn: bool = False, kubelet: bool = True) -> None:
        self.now, self.stubborn, self.kubelet = [1], stubborn, kubelet
        self.sent: list[int] = []

    def running(self, _: str) -> list[Process]:
        return [Process(pid, 0.0) for pid in self.now]

    def kill(self, pid: int, sent: int) -> None:
        self.sent.append(sent)
        if pid in self.now and (not self.stubborn or sent == signal.SIGKILL):
            self.now = [pid + 1] if self.kubelet else []


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[[Machine], Machine]:
    def set_up(machine: Machine) -> Machine:
        monkeypatch.setattr(static_pods, "running", machine.running)
        monkeypatch.setattr(os, "kill", machine.kill)
        monkeypatch.setattr(static_pods, "END", 0.0)
        monkeypatch.setattr(static_pods, "BACK", 0.1)
        return machine

    return set_up


def test_a_part_is_asked_to_end_and_its_successor_is_waited_for(
    on: Callable[[Machine], Machine],
) -> None:
    machine = on(Machine())
    answers = iter([False, True])

    static_pods.restart("etcd", lambda: next(answers), pause=0.0)

    assert machine.sent == [signal.SIGTERM]
    assert machine.now == [2]


def test_one_that_does_not_end_is_killed(on: Callable[[Machine], Machine]) -> None:
    machine = on(Machine(stubborn=True))

    static_pods.restart("etcd", lambda: True, pause=0.0)

    assert machine.sent == [signal.SIGTERM, signal.SIGKILL]


def test_one_that_does_not_come_back_is_told(on: Callable[[Machine], Machine]) -> None:
    on(Machine(kubelet=False))

    with pytest.raises(Trouble, match="etcd was ended, so that it reads its new certificates"):
        static_pods.restart("etcd", lambda: True, pause=0.01)
