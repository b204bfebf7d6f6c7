"""A snapshot of a real etcd that has certificates as kubeadm makes them, and the way back."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.care import (
    etcd,
    make_data,
    static_pods,
    take_snapshot,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.care.errors import Trouble
from ansible_collections.holdfast.nfs.plugins.module_utils.care.restore import Restore
from ansible_collections.holdfast.nfs.plugins.module_utils.care.snapshot_file import check
from ansible_collections.holdfast.nfs.plugins.module_utils.health.control_plane import etcd_faults

from testbed.certificates import Authority
from testbed.ports import LOOPBACK, free_ports
from testbed.programs import find_program, find_programs
from testbed.supplies.recipes import ETCDUTL
from testbed.waiting import until

MANIFEST = """\
spec:
  containers:
  - command:
    - etcd
{arguments}
    image: registry.k8s.io/etcd:3.6.8-0
"""


class Member:
    """One etcd, whose certificates and manifest are where kubeadm has them beside each other."""

    def __init__(self, root: Path) -> None:
        self.root, self.manifests = root, root / "manifests"
        pki = Authority(root / "pki")
        server = pki.peer("server")
        pki.client("healthcheck-client", "kube-etcd-healthcheck-client", ["kubeadm:cluster-admins"])
        port, peers = free_ports(2)
        url, peer = f"https://{LOOPBACK}:{port}", f"http://{LOOPBACK}:{peers}"
        self.data = root / "data"
        self.arguments = [
            *(f"--advertise-client-urls={url}", f"--listen-client-urls={url}"),
            *(f"--cert-file={server.certificate}", f"--key-file={server.key}"),
            *("--client-cert-auth=true", f"--trusted-ca-file={pki.pair.certificate}"),
            *(f"--data-dir={self.data}", "--name=control", f"--initial-cluster=control={peer}"),
            *(f"--initial-advertise-peer-urls={peer}", f"--listen-peer-urls={peer}"),
            "--unsafe-no-fsync",
        ]
        self.manifests.mkdir()
        lines = "\n".join(f"    - {word}" for word in self.arguments)
        (self.manifests / "etcd.yaml").write_text(MANIFEST.format(arguments=lines))
        self.etcd = etcd.read_manifest(self.manifests / "etcd.yaml")

    @contextmanager
    def running(self) -> Iterator[None]:
        log = (self.root / "log").open("w")
        command: list[str | Path] = [find_programs().etcd, *self.arguments]
        with log, subprocess.Popen(command, stdout=log, stderr=log) as process:
            try:
                until(self.answers, 30, "etcd to answer")
                yield
            finally:
                process.terminate()

    def answers(self) -> bool:
        try:
            return str(etcd.status(self.etcd)["leader"]) != "0"
        except (Trouble, KeyError):
            return False

    def call(self, path: str, **body: str) -> dict[str, Any]:
        """What it answers; keys and values are in base64."""
        encoded = {name: base64.b64encode(text.encode()).decode() for name, text in body.items()}
        host, port = etcd._address(self.etcd)
        connection = HTTPSConnection(host, port, context=etcd._context(self.etcd), timeout=20)
        connection.request("POST", path, json.dumps(encoded))
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def put(self, key: str, value: str) -> None:
        self.call("/v3/kv/put", key=key, value=value)

    def value(self, key: str) -> str:
        found = self.call("/v3/kv/range", key=key).get("kvs", [{"value": ""}])
        return base64.b64decode(found[0]["value"]).decode()


@pytest.fixture
def member(tmp_path: Path) -> Member:
    return Member(tmp_path)


def take(member: Member) -> Path:
    return take_snapshot.take(member.root / "kept", 3, member.manifests / "etcd.yaml")


def test_a_snapshot_is_taken_with_nothing_but_python(member: Member) -> None:
    with member.running():
        member.put("/registry/precious", "x" * 100_000)
        path = take(member)

    assert check(path)
    assert b"/registry/precious" in path.read_bytes()


def test_an_etcd_that_is_well_has_no_faults_and_one_that_is_not_has(member: Member) -> None:
    with member.running():
        assert list(etcd_faults(etcd.status(member.etcd))) == []

    with pytest.raises(Trouble, match="etcd does not answer"):
        etcd.status(member.etcd)


@pytest.fixture
def etcdutl(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program as the image would bring it, and no static pods."""
    program = find_program(ETCDUTL)

    @contextmanager
    def found(_: str) -> Iterator[Path]:
        yield program

    monkeypatch.setattr(make_data, "etcdutl", found)
    monkeypatch.setattr(static_pods, "running", lambda _: [])


def restoring(member: Member, path: Path) -> Iterator[str]:
    return Restore(path, member.manifests, member.root / "parked", member.root / "lock").steps()


@pytest.mark.usefixtures("etcdutl")
def test_a_snapshot_of_a_newer_etcd_is_refused(member: Member) -> None:
    with member.running():
        member.put("/registry/a", "before")
        path = take(member)
    manifest = member.manifests / "etcd.yaml"
    manifest.write_text(manifest.read_text().replace("etcd:3.6.8-0", "etcd:3.5.21-0"))

    with pytest.raises(Trouble, match=r"is of etcd 3\.6, and registry\.k8s\.io/etcd:3\.5\.21-0"):
        next(restoring(member, path))


@pytest.mark.usefixtures("etcdutl")
def test_an_etcd_takes_up_the_snapshot_and_forgets_what_came_after(member: Member) -> None:
    with member.running():
        member.put("/registry/a", "before")
        path = take(member)
        member.put("/registry/a", "after")
        revision = member.call("/v3/kv/range", key="/")["header"]["revision"]

    steps = restoring(member, path)
    done = [next(steps) for _ in range(4)]

    assert done[-1] == "started the control plane"
    with member.running():
        assert [*steps] == []  # it has seen that etcd answers
        assert member.value("/registry/a") == "before"
        # What clients have seen is older than all that they see from now on.
        later = member.call("/v3/kv/range", key="/")["header"]["revision"]
        assert int(later) > int(revision)
        member.put("/registry/a", "again")
        assert member.value("/registry/a") == "again"
    (kept,) = member.data.glob("member.before-*")
    assert b"after" in (kept / "snap/db").read_bytes() or (kept / "wal").is_dir()
