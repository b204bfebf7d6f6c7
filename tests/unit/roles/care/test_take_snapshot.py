"""A snapshot is taken without etcdctl, and a server that is down costs no more than the copy."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.care import (
    copy_snapshot,
    etcd,
    take_snapshot,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.care.errors import Trouble
from ansible_collections.holdfast.nfs.plugins.module_utils.care.shelf import Shelf

from tests.unit.roles.care.given import NOW, manifest, snapshot, write


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The manifest of an etcd that answers."""
    monkeypatch.setattr(etcd, "snapshot", lambda _: iter([snapshot()[:512], snapshot()[512:]]))
    return write(tmp_path / "etcd.yaml", manifest(tmp_path / "data"))


def given(tmp_path: Path, *more: str) -> list[str]:
    return [f"--directory={tmp_path}/kept", "--keep=3", f"--manifest={tmp_path}/etcd.yaml", *more]


def test_the_manifest_of_kubeadm_is_read(tmp_path: Path) -> None:
    own = etcd.read_manifest(write(tmp_path / "etcd.yaml", manifest(tmp_path / "data")))

    assert own.image == "registry.k8s.io/etcd:3.6.8-0"
    assert (own.name, own.data) == ("control", tmp_path / "data")
    assert own.members == ["control=https://192.0.2.11:2380"]


def test_a_manifest_that_is_another_s_is_told_with_what_it_lacks(tmp_path: Path) -> None:
    path = write(tmp_path / "etcd.yaml", "image: x\n    - --name=a\n")

    with pytest.raises(Trouble, match="lacks data-dir, initial-cluster, listen-client-urls"):
        etcd.read_manifest(path)


def test_a_cluster_is_told_from_one_of_the_same_node_by_its_authority(tmp_path: Path) -> None:
    def cluster(authority: str) -> str:
        path = str(write(tmp_path / "ca.crt", authority))
        text = manifest(tmp_path, authority=path)
        return etcd.read_manifest(write(tmp_path / "etcd.yaml", text)).cluster

    assert cluster("one") == cluster("one")
    assert cluster("one") != cluster("another")


def test_an_authority_that_is_gone_is_told(tmp_path: Path) -> None:
    text = manifest(tmp_path, authority="/nowhere/ca.crt")

    with pytest.raises(Trouble, match=r"/nowhere/ca\.crt, etcd's authority, cannot be read"):
        _ = etcd.read_manifest(write(tmp_path / "etcd.yaml", text)).cluster


def test_a_machine_without_etcd_is_told() -> None:
    with pytest.raises(Trouble, match="This machine runs no etcd of kubeadm's"):
        etcd.read_manifest(Path("/nowhere/etcd.yaml"))


def test_an_etcd_that_does_not_answer_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "etcd.yaml", manifest(tmp_path, listen="https://127.0.0.1:1"))

    with pytest.raises(Trouble, match=r"etcd does not answer at https://127\.0\.0\.1:1"):
        list(etcd.snapshot(etcd.read_manifest(path)))


@pytest.mark.usefixtures("config")
def test_a_snapshot_is_taken_and_the_folder_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take_snapshot.main(given(tmp_path)) == 0

    (path,) = (tmp_path / "kept").glob("*.db")
    assert path.read_bytes() == snapshot()
    assert capsys.readouterr().out == f"took {path}\n"
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o700


@pytest.mark.usefixtures("config")
def test_an_etcd_that_fails_costs_no_former_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    take_snapshot.main(given(tmp_path))

    def broken(_: etcd.Etcd) -> list[bytes]:
        raise Trouble("etcd broke its snapshot off: no leader.")

    monkeypatch.setattr(etcd, "snapshot", broken)

    assert take_snapshot.main(given(tmp_path)) == 1
    assert capsys.readouterr().err == "etcd broke its snapshot off: no leader.\n"
    assert len([*(tmp_path / "kept").glob("*.db")]) == 1


@pytest.mark.usefixtures("config")
def test_a_folder_in_which_others_may_write_gets_no_snapshot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept").chmod(0o777)

    assert take_snapshot.main(given(tmp_path)) == 1
    assert "Others than root may write in" in capsys.readouterr().err


@pytest.mark.usefixtures("config")
def test_a_disk_that_fails_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(take_snapshot, "make_private", fail)

    assert take_snapshot.main(given(tmp_path)) == 1
    assert capsys.readouterr().err == "[Errno 5] Input/output error\n"


def hangs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lines: str) -> Path:
    """The copy becomes a program of these lines; where it may leave a note."""
    program = write(tmp_path / "other/copying.py", lines)
    real = subprocess.Popen

    def start(command: list[str], **how: object) -> subprocess.Popen[str]:
        return real([sys.executable, str(program), *command[3:]], **how)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(copy_snapshot, "release", lambda: None)
    return program


@pytest.mark.usefixtures("config")
def test_a_copy_that_hangs_is_ended_and_the_snapshot_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a child of its own, as mount.nfs is one of mount: it holds no pipe open."""
    lines = "import subprocess, time\nsubprocess.Popen(['sleep', '600'])\ntime.sleep(600)\n"
    hangs(monkeypatch, tmp_path, lines)
    before = time.monotonic()

    code = take_snapshot.main(given(tmp_path, "--copy-to=192.0.2.1:/x", "--copy-seconds=0.5"))

    assert code == 1
    assert time.monotonic() - before < 20
    said = capsys.readouterr().err
    assert "was taken, but not copied to 192.0.2.1:/x (etcd_snapshots_copy_to): no answer" in said
    assert len([*(tmp_path / "kept").glob("*.db")]) == 1


@pytest.mark.usefixtures("config")
def test_a_copy_that_fails_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hangs(monkeypatch, tmp_path, "import sys\nsys.exit('the server refused it')\n")

    assert take_snapshot.main(given(tmp_path, "--copy-to=192.0.2.1:/x")) == 1
    assert "the server refused it" in capsys.readouterr().err


@pytest.mark.usefixtures("config")
def test_a_copy_that_ends_well_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hangs(monkeypatch, tmp_path, "")

    assert take_snapshot.main(given(tmp_path, "--copy-to=192.0.2.1:/x")) == 0
    assert "to 192.0.2.1:/x\n" in capsys.readouterr().out


def test_a_copy_has_the_name_of_the_snapshot_and_is_pruned_alike(tmp_path: Path) -> None:
    export = tmp_path / "export"
    export.mkdir()
    paths = [tmp_path / f"etcd-a-b-2026112{day}T120000Z.db" for day in (6, 7, 8)]
    for path in paths:
        path.write_bytes(snapshot())
        copied = copy_snapshot.put(path, Shelf(export, "a-b", 2, "c1", tmp_path / "notes"))

    assert copy_snapshot.member(copied) == "a-b"
    assert copied.name == "etcd-a-b-20261128T120000Z.db"
    # What is noted is on the disk of this machine: others may write on the export.
    assert sorted(path.name for path in export.iterdir()) == [path.name for path in paths[1:]]


def test_a_note_on_the_export_is_not_believed(tmp_path: Path) -> None:
    export, victim = tmp_path / "export", tmp_path / "victim"
    export.mkdir()
    victim.write_bytes(snapshot(b"precious"))
    noted = {str(victim): victim.read_bytes()[-32:].hex()}
    (export / ".etcd-control-c1.json").write_text(json.dumps(noted))
    path = tmp_path / "etcd-control-20261128T120000Z.db"
    path.write_bytes(snapshot())

    copy_snapshot.put(path, Shelf(export, "control", 1, "c1", tmp_path / "notes"))

    assert victim.exists()


def test_each_export_has_notes_of_its_own() -> None:
    folder = Path("/var/backups/etcd")
    found = {copy_snapshot.notes(folder, source) for source in ("nas:/a", "nas:/b", "nas:/b")}

    assert len(found) == 2
    assert {path.parent for path in found} == {folder}


def test_a_copy_that_was_damaged_on_the_way_is_no_copy(tmp_path: Path) -> None:
    path = tmp_path / f"etcd-control-{NOW:%Y%m%dT%H%M%SZ}.db"
    path.write_bytes(snapshot()[:-40])

    with pytest.raises(Trouble):
        copy_snapshot.put(path, Shelf(tmp_path, "control", 2, "c1"))


def test_an_export_that_cannot_be_mounted_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 32, "", "mount.nfs: Connection refused\n")

    monkeypatch.setattr(copy_snapshot, "_run", run)
    monkeypatch.setattr(copy_snapshot, "MOUNT", tmp_path / "mount")

    assert copy_snapshot.main([str(tmp_path / "x.db"), "192.0.2.1:/x", "3", "c1"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("192.0.2.1:/x cannot be mounted (mount.nfs: Connection refused); see")


def test_the_mount_of_a_copy_ends_by_itself() -> None:
    """A hard mount of a server that is down would hold the timer for ever."""
    options = copy_snapshot.OPTIONS.split(",")

    assert {"soft", "retry=0"} <= {*options}
    assert "hard" not in options
