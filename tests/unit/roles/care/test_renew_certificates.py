"""Certificates are renewed before they end, and what was left undone is done by the next run."""

from __future__ import annotations

import fcntl
import os
import pwd
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.care import (
    renew_certificates,
    static_pods,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.care.errors import Trouble
from ansible_collections.holdfast.nfs.plugins.module_utils.control_plane.kubeconfig import marked

from tests.unit.roles.care.given import certificate, kubeconfig, part, process, write

NOW = datetime.now(tz=UTC)


class Machine:
    """A control plane: its files, and what is run on it."""

    def __init__(self, root: Path) -> None:
        self.root, self.ran, self.restarted = root, list[str](), list[str]()
        self.kubeadm = (0, "")
        self.made_for = 365.0  # days
        self.make(300)
        write(root / "etc/kubernetes/pki/ca.crt", certificate(20, NOW))
        write(root / "var/lib/kubelet/pki/kubelet-client-current.pem", certificate(10, NOW))
        self.start_all(ago=-5.0)

    def make(self, days: float) -> None:
        """What kubeadm makes, and renews."""
        for name in ("etcd/server", "etcd/peer", "apiserver"):
            write(self.root / f"etc/kubernetes/pki/{name}.crt", certificate(days, NOW))
        for name in ("admin", "controller-manager", "scheduler"):
            write(self.root / f"etc/kubernetes/{name}.conf", kubeconfig(days, NOW))

    def start_all(self, ago: float) -> None:
        """As if each part had begun so many seconds ago."""
        for number, name in enumerate(static_pods.PARTS):
            part(self.root, 10 + number, name, f"uid{number}", ago)

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        self.ran.append(" ".join(command))
        code, err = self.kubeadm
        if not code and "renew" in command:
            self.make(self.made_for)
        return subprocess.CompletedProcess(command, code, "", err)

    def restart(self, name: str, *_: object) -> None:
        self.restarted.append(name)

    def steps(self, days: int = 60, admin: str = "") -> list[str]:
        return list(renew_certificates.steps(self.root, days, admin))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setattr(renew_certificates, "_run", made.run)
    monkeypatch.setattr(static_pods, "restart", made.restart)
    return made


def test_nothing_is_done_while_none_ends(machine: Machine) -> None:
    """An authority and the kubelet's own are not kubeadm's to renew."""
    assert machine.steps() == []
    assert machine.ran == []
    assert machine.restarted == []


def test_all_are_renewed_when_one_ends(machine: Machine) -> None:
    write(machine.root / "etc/kubernetes/scheduler.conf", kubeconfig(59, NOW))

    (said,) = machine.steps()

    assert machine.ran == ["/usr/local/bin/kubeadm certs renew all"]
    assert "scheduler.conf would have ended" in said


def test_parts_that_run_with_former_certificates_are_restarted(machine: Machine) -> None:
    """Seen to by the times of files and processes: also where an earlier run was broken off."""
    machine.start_all(ago=50.0)

    said = machine.steps()

    assert machine.restarted == [
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
    ]
    assert machine.ran == []
    assert said[0] == "restarted etcd, which ran with former certificates"


def test_only_the_part_that_reads_a_new_file_is_restarted(machine: Machine) -> None:
    part(machine.root, 13, "kube-scheduler", "uid3", ago=50.0)

    machine.steps()

    assert machine.restarted == ["kube-scheduler"]


def test_a_failure_of_kubeadm_is_told_and_nothing_is_restarted(machine: Machine) -> None:
    write(machine.root / "etc/kubernetes/scheduler.conf", kubeconfig(1, NOW))
    machine.kubeadm = (1, "error: no key of the authority\n")
    machine.start_all(ago=50.0)

    with pytest.raises(Trouble, match="certs renew all failed: error: no key of the authority"):
        machine.steps()
    assert machine.restarted == []


@pytest.mark.parametrize("text", [certificate(30, NOW), "no certificate"], ids=["soon", "none"])
def test_what_somebody_else_put_beside_them_is_left_alone(machine: Machine, text: str) -> None:
    """Seen: a user's certificate, which kubeadm does not renew, had all renewed each night."""
    write(machine.root / "etc/kubernetes/pki/users/alice.crt", text)
    write(machine.root / "etc/kubernetes/kubelet.conf", kubeconfig(3, NOW))

    assert machine.steps() == []
    assert machine.ran == []


def test_what_still_ends_soon_after_a_renewal_is_named_and_nothing_is_restarted(
    machine: Machine,
) -> None:
    machine.make(10)
    machine.made_for = 30
    machine.start_all(ago=50.0)

    with pytest.raises(Trouble, match=r"apiserver.crt, .*admin.conf, .*control_plane_renewal_days"):
        machine.steps()
    assert machine.restarted == []


def test_files_written_while_the_clock_was_ahead_have_their_part_restarted_once(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen: at every run, until the clock had come to the time of the files."""
    machine.start_all(ago=3600.0)
    monkeypatch.setattr(static_pods, "restart", lambda *_: machine.start_all(ago=-1.0))
    really, touched = renew_certificates._changed, set[Path]()

    def changed(path: Path) -> float:
        return really(path) + (0 if path in touched else 7200)

    def utime(path: Path, *, ns: tuple[int, int]) -> None:
        assert ns[1] == path.stat().st_mtime_ns
        touched.add(path)

    monkeypatch.setattr(renew_certificates, "_changed", changed)
    monkeypatch.setattr(os, "utime", utime)

    first, second = machine.steps(), machine.steps()
    assert "restarted etcd, which ran with former certificates" in first
    assert second == []


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (None, "cannot be run: No such file or directory"),
        ("#!/bin/sh\nexec sleep 30\n", r"had not ended after 0.2 s"),
    ],
    ids=["missing", "hanging"],
)
def test_a_kubeadm_that_does_not_run_or_end_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str | None, said: str
) -> None:
    Machine(tmp_path).make(3)
    kubeadm = tmp_path / "kubeadm"
    if program:
        write(kubeadm, program).chmod(0o755)
    monkeypatch.setattr(renew_certificates, "KUBEADM", str(kubeadm))
    monkeypatch.setattr(renew_certificates, "_SECONDS", 0.2)

    with pytest.raises(Trouble, match=f"{kubeadm} {said}"):
        list(renew_certificates.steps(tmp_path, 60, ""))


@pytest.mark.parametrize("verb", ["init", "join", "upgrade", "reset"])
def test_a_kubeadm_that_runs_is_not_disturbed(machine: Machine, verb: str) -> None:
    process(machine.root, 99, "/usr/local/bin/kubeadm", verb)

    with pytest.raises(Trouble, match="kubeadm runs on this machine"):
        machine.steps()


def test_a_machine_without_a_control_plane_is_told(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="runs no control plane"):
        list(renew_certificates.steps(tmp_path, 60, ""))


@pytest.fixture
def file(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The kubeconfig of the administrator, who has none yet."""
    entry = SimpleNamespace(pw_dir=str(tmp_path / "home"), pw_uid=os.getuid(), pw_gid=os.getgid())
    monkeypatch.setattr(pwd, "getpwnam", {"admin": entry}.__getitem__)
    assert machine.root == tmp_path
    return tmp_path / "home/.kube/config"


def test_the_administrators_kubeconfig_is_written_anew(machine: Machine, file: Path) -> None:
    write(file, marked(kubeconfig(3, NOW)))
    current = (machine.root / "etc/kubernetes/admin.conf").read_text()

    assert machine.steps(admin="admin") == [f"wrote {file} anew"]
    assert file.read_text() == marked(current)
    assert file.stat().st_mode & 0o777 == 0o600
    assert machine.steps(admin="admin") == []


@pytest.mark.parametrize("text", ["", "mine\n"], ids=["none", "another's"])
def test_a_kubeconfig_that_the_role_did_not_write_is_left(
    machine: Machine, file: Path, text: str
) -> None:
    machine.kubeadm = (1, "kubectl cannot read it")
    if text:
        write(file, text)

    assert machine.steps(admin="admin") == []
    assert (file.read_text() if file.exists() else "") == text


def test_an_administrator_who_is_gone_is_named(
    machine: Machine, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not file.exists()
    monkeypatch.setattr(pwd, "getpwnam", {}.__getitem__)

    with pytest.raises(Trouble, match="control_plane_admin is admin, who is no user"):
        machine.steps(admin="admin")


def test_the_program_tells_what_it_did_and_ends_with_1_where_it_could_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(renew_certificates, "LOCK", tmp_path / "lock")
    monkeypatch.setattr(renew_certificates, "steps", lambda *_: iter(["restarted etcd"]))
    assert renew_certificates.main(["--days=60"]) == 0
    assert capsys.readouterr().out == "restarted etcd\n"

    def fail(*_: object) -> list[str]:
        raise Trouble("It cannot be done.")

    monkeypatch.setattr(renew_certificates, "steps", fail)
    assert renew_certificates.main(["--days=60"]) == 1
    assert capsys.readouterr().err == "It cannot be done.\n"


def test_times_are_compared_as_the_kernel_has_them(machine: Machine) -> None:
    """A copy keeps the time of its content, but not that of its inode."""
    path = machine.root / "etc/kubernetes/scheduler.conf"
    machine.start_all(ago=50.0)
    for other in (machine.root / "etc/kubernetes").rglob("*"):
        os.utime(other, (time.time() - 1000, time.time() - 1000))

    assert path.stat().st_mtime < time.time() - 900
    assert "kube-scheduler" in renew_certificates.outdated(machine.root)


def test_the_timer_and_a_playbook_do_not_run_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, done = tmp_path / "lock", list[str]()

    def steps(*_: object) -> list[str]:
        done.append("ran")
        return done

    monkeypatch.setattr(renew_certificates, "LOCK", lock)
    monkeypatch.setattr(renew_certificates, "steps", steps)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        second = Thread(target=renew_certificates.main, args=[["--days=60"]])
        second.start()
        second.join(0.5)
        assert done == []
    second.join(10)
    assert done == ["ran"]


class Answering(BaseHTTPRequestHandler):
    """A part of the control plane, or a proxy; it notes what it is asked."""

    def do_GET(self) -> None:
        code = self.server.codes.pop(0) if self.server.codes else 200  # type: ignore[attr-defined]
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(code)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Server(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.asked, self.codes = list[str](), list[int]()
        Thread(target=self.serve_forever, args=[0.05], daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.shutdown()
    made.server_close()


def test_a_part_is_asked_without_the_proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen: 403 of a proxy, which stood for a part that is well."""
    proxy = Server()
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setattr(renew_certificates, "HEALTH", {"etcd": f"{server.url}/health"})

    assert renew_certificates.is_well("etcd") is True
    assert (server.asked, proxy.asked) == (["/health"], [])
    proxy.shutdown()
    proxy.server_close()


@pytest.mark.parametrize(("code", "well"), [(200, True), (401, True), (403, True), (503, False)])
def test_a_part_that_asks_who_one_is_has_answered(
    server: Server, monkeypatch: pytest.MonkeyPatch, *, code: int, well: bool
) -> None:
    monkeypatch.setattr(renew_certificates, "HEALTH", {"etcd": f"{server.url}/health"})
    server.codes.append(code)

    assert renew_certificates.is_well("etcd") is well
