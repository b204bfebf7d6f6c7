"""etcd goes back to a snapshot, keeps what it had, and a run that was broken off costs nothing."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.care import (
    etcd,
    files,
    image_program,
    make_data,
    restore,
    static_pods,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.care.data_directory import DataDirectory
from ansible_collections.holdfast.nfs.plugins.module_utils.care.errors import Trouble
from ansible_collections.holdfast.nfs.plugins.module_utils.care.restore import Restore
from ansible_collections.holdfast.nfs.plugins.module_utils.care.shelf import Shelf
from ansible_collections.holdfast.nfs.plugins.modules import etcd_restore

from testbed.waiting import until
from tests.unit.roles.care.given import NOW, manifest, process, snapshot, write
from tests.unit.roles.running import Result, refusal, run


class Cut(Exception):
    """The connection is lost, or the machine."""


class Machine:
    """A control plane with data, and an etcdutl that makes some of a snapshot."""

    def __init__(self, root: Path) -> None:
        self.root, self.data = root, root / "etcd"
        self.manifests, self.parked = root / "manifests", root / "parked"
        self.lock, self.made = root / "lock", self.data / ".holdfast-restored"
        self.fails, self.answers, self.version = False, True, "3.6.0"
        write(self.data / "member/snap/db", "old")
        for part in static_pods.PARTS:
            write(self.manifests / f"{part}.yaml", f"{part}\n")
        write(self.manifests / "etcd.yaml", manifest(self.data))
        write(self.manifests / "mine.yaml", "a pod of the administrator's\n")
        cluster = etcd.read_manifest(self.manifests / "etcd.yaml").cluster
        self.shelf = Shelf(root / "kept", "control", 3, cluster)
        self.shelf.folder.mkdir()
        self.snapshot = self.shelf.add([snapshot(b"new")], NOW)

    def of(self, path: Path | None = None) -> Restore:
        given = self.manifests, self.parked, self.lock, self.root
        return Restore(path or self.snapshot, *given)

    def plan(self, path: Path | None = None) -> str:
        return " ".join(self.of(path).plan("control"))

    def restore(self) -> list[str]:
        return list(self.of().steps())

    @contextmanager
    def etcdutl(self, _: str) -> Iterator[Path]:
        yield Path("/etcdutl")

    def run(self, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        words = [str(word) for word in command]
        if words[1:3] == ["snapshot", "status"]:
            told = json.dumps({"hash": 1, "version": self.version})
            return subprocess.CompletedProcess(words, 0, told, "")
        if words[1:] == ["version"]:
            said = "etcdutl version: 3.6.8\nAPI version: 3.6\n"
            return subprocess.CompletedProcess(words, 0, said, "")
        into = next(word.partition("=")[2] for word in words if word.startswith("--data-dir"))
        assert not Path(into).exists()
        assert "--bump-revision=1000000000" in words
        assert "--initial-cluster=control=https://192.0.2.11:2380" in words
        write(Path(into) / "member/snap/db", "new")
        said = "Error: out of space\n" if self.fails else ""
        return subprocess.CompletedProcess(words, int(self.fails), "", said)

    def status(self, _: etcd.Etcd) -> dict[str, str]:
        if not self.answers:
            raise Trouble("etcd does not answer at https://127.0.0.1:2379.")
        return {"leader": "331"}

    def found(self) -> tuple[str, list[str], list[str]]:
        """The data in use, that which was kept, and the manifests in their place."""
        database = self.data / "member/snap/db"
        kept = [path / "snap/db" for path in self.data.glob("member.before-*")]
        return (
            database.read_text() if database.exists() else "",
            [path.read_text() for path in kept],
            sorted(path.stem for path in self.manifests.iterdir()),
        )


ALL = sorted([*static_pods.PARTS, "mine"])


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setattr(make_data, "etcdutl", made.etcdutl)
    monkeypatch.setattr(make_data, "run", made.run)
    monkeypatch.setattr(etcd, "status", made.status)
    monkeypatch.setattr(static_pods, "running", lambda _: [])
    return made


def test_a_plan_says_what_is_lost_and_changes_nothing(machine: Machine) -> None:
    told = machine.plan()

    assert f"control: the cluster goes back to the snapshot {machine.snapshot}, of " in told
    assert "what was changed in the cluster since then is lost" in told
    assert "the API server is down meanwhile" in told
    assert f"etcd's data of now stays beside it, as {machine.data}/member.before-TIME" in told
    assert "has not taken that snapshot" not in told
    assert machine.found() == ("old", [], ALL)
    assert not machine.parked.exists()


def test_a_plan_warns_of_a_snapshot_that_may_be_another_cluster_s(
    machine: Machine, tmp_path: Path
) -> None:
    brought = tmp_path / "brought.db"
    brought.write_bytes(snapshot(b"from elsewhere"))

    assert "this cluster's timer has not taken that snapshot" in machine.plan(brought)

    former = Shelf(machine.shelf.folder, "control", 3, "of-a-former-cluster")
    path = former.add([snapshot(b"of a former cluster")], NOW + timedelta(days=1))
    assert "this cluster's timer has not taken that snapshot" in machine.plan(path)


def test_a_plan_does_not_believe_notes_that_others_may_have_written(machine: Machine) -> None:
    machine.shelf.folder.chmod(0o777)

    assert "this cluster's timer has not taken that snapshot" in machine.plan()


def test_the_data_of_a_snapshot_takes_the_place_of_the_former_which_is_kept(
    machine: Machine,
) -> None:
    done = machine.restore()

    assert machine.found() == ("new", ["old"], ALL)
    assert not machine.parked.exists()
    assert not (machine.made).exists()
    assert done[0] == f"made a data directory of {machine.snapshot}"
    assert done[-1] == "started the control plane"


def test_it_may_be_restored_a_second_time_and_all_former_data_is_kept(
    machine: Machine,
) -> None:
    machine.restore()
    write(machine.data / "member/snap/db", "later")
    machine.restore()

    data, kept, _ = machine.found()
    assert (data, sorted(kept)) == ("new", ["later", "old"])


def test_data_that_was_lost_altogether_is_no_hindrance(machine: Machine) -> None:
    (machine.data / "member/snap/db").unlink()
    (machine.data / "member/snap").rmdir()
    (machine.data / "member").rmdir()

    machine.restore()

    assert machine.found() == ("new", [], ALL)


STEPS = [
    (restore, "make"),
    (Restore, "_park"),
    (Restore, "_await_end"),
    (DataDirectory, "exchange"),
    (Restore, "_bring_back"),
    (Restore, "_await_answer"),
]


def cut(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    step: tuple[object, str],
    when: str = "before",
) -> None:
    """A restore that is broken off before a step of it, or after."""
    of, name = step
    real = getattr(of, name)

    def broken(*given: object) -> None:
        if when == "after":
            real(*given)
        raise Cut

    with monkeypatch.context() as patch:
        patch.setattr(of, name, broken)
        with pytest.raises(Cut):
            machine.restore()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step[1])
def test_the_next_run_after_one_that_was_broken_off_restores(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, step: tuple[object, str], when: str
) -> None:
    cut(machine, monkeypatch, step, when)

    machine.restore()

    data, kept, manifests = machine.found()
    assert (data, manifests) == ("new", ALL)
    assert "old" in kept
    assert not machine.parked.exists()
    assert not (machine.made).exists()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step[1])
def test_after_a_run_that_was_broken_off_another_snapshot_may_be_chosen(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, step: tuple[object, str], when: str
) -> None:
    """The timer may have removed the first one since."""
    cut(machine, monkeypatch, step, when)
    other = machine.shelf.add([snapshot(b"other")], NOW + timedelta(hours=1))
    machine.snapshot.unlink()

    machine.plan(other)
    list(machine.of(other).steps())

    data, kept, manifests = machine.found()
    assert (data, manifests) == ("new", ALL)
    assert "old" in kept


def test_new_data_that_somebody_tidied_away_is_made_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut(machine, monkeypatch, STEPS[3])
    shutil.rmtree(machine.made)

    machine.restore()

    assert machine.found() == ("new", ["old"], ALL)


def renames(monkeypatch: pytest.MonkeyPatch, left: int) -> None:
    """So many files and folders change their names, and then the machine stops."""
    count = [left]

    def counted(real: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        def change(path: Path, target: Path) -> Path:
            count[0] -= 1
            if count[0] < 0:
                raise Cut
            return real(path, target)

        return change

    monkeypatch.setattr(Path, "replace", counted(Path.replace))
    monkeypatch.setattr(Path, "rename", counted(Path.rename))


def test_data_that_etcd_made_between_two_runs_is_kept_too(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut between the two renames; somebody starts the control plane by hand, so etcd is empty."""
    with monkeypatch.context() as patch:
        renames(patch, 5)
        with pytest.raises(Cut):
            machine.restore()
    for path in machine.parked.glob("*.yaml"):
        path.replace(machine.manifests / path.name)
    write(machine.data / "member/snap/db", "empty")

    machine.restore()

    data, kept, manifests = machine.found()
    assert (data, sorted(kept), manifests) == ("new", ["empty", "old"], ALL)
    assert not machine.parked.exists()


def test_a_restore_weeks_after_one_that_was_broken_off_restores_too(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.rmdir

    def stop(*_: object, **__: object) -> None:
        raise Cut

    def remove(path: Path) -> None:
        (stop if path == machine.parked else real)(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", stop)
        patch.setattr(Path, "rmdir", remove)
        with pytest.raises(Cut):
            machine.restore()
    write(machine.data / "member/snap/db", "weeks of work")

    machine.restore()

    data, kept, _ = machine.found()
    assert (data, sorted(kept)) == ("new", ["old", "weeks of work"])


def test_a_plan_says_that_the_control_plane_is_stopped_already(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut(machine, monkeypatch, STEPS[2])

    assert "the API server is down already, since an earlier run was broken off" in machine.plan()


@pytest.mark.parametrize("renamed", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
def test_a_power_cut_between_two_renames_is_made_good(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, renamed: int
) -> None:
    """Four manifests go and come back; in between the former data and the new change places."""
    with monkeypatch.context() as patch:
        renames(patch, renamed - 1)
        with pytest.raises(Cut):
            machine.restore()

    machine.restore()

    data, kept, manifests = machine.found()
    assert (data, manifests) == ("new", ALL)
    # Where the data was in place already, it is set aside as any that is found.
    assert kept in (["old"], ["old", "new"], ["new", "old"])


def test_what_is_no_snapshot_is_refused_before_anything_is_stopped(
    machine: Machine, tmp_path: Path
) -> None:
    other = write(tmp_path / "notes.txt", "x" * 4096)

    for path in (other, tmp_path / "absent.db", tmp_path):
        with pytest.raises(Trouble):
            list(machine.of(path).steps())
        with pytest.raises(Trouble):
            machine.plan(path)
    assert machine.found() == ("old", [], ALL)


def test_a_restore_that_etcdutl_refuses_stops_nothing(machine: Machine) -> None:
    machine.fails = True

    with pytest.raises(Trouble, match=r"etcdutl does not restore .*: Error: out of space"):
        machine.restore()
    assert machine.found() == ("old", [], ALL)
    assert not (machine.made).exists()


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_a_second_restore_is_refused_while_one_runs(machine: Machine, step: int) -> None:
    """It would put data in place that the first has made by half."""
    first = machine.of().steps()
    for _ in range(step):
        next(first)
    before = machine.found()

    with pytest.raises(Trouble, match=r"A restore runs on this machine.*/lock: a process"):
        machine.restore()

    assert machine.found() == before
    assert len([*first]) == 4 - step
    assert machine.found() == ("new", ["old"], ALL)
    machine.restore()


@pytest.mark.parametrize("verb", ["init", "join", "upgrade", "reset"])
def test_a_kubeadm_that_runs_is_not_disturbed(machine: Machine, verb: str) -> None:
    """It writes the manifests that a restore moves."""
    process(machine.root, 99, "/usr/local/bin/kubeadm", verb)

    with pytest.raises(Trouble, match="kubeadm runs"):
        machine.plan()
    with pytest.raises(Trouble, match="kubeadm runs"):
        machine.restore()

    assert not machine.parked.exists()
    assert not machine.made.exists()


def test_a_restore_that_failed_holds_up_no_other(machine: Machine) -> None:
    machine.fails = True
    with pytest.raises(Trouble):
        machine.restore()
    machine.fails = False

    machine.restore()

    assert machine.found() == ("new", ["old"], ALL)


def test_a_cluster_of_several_members_is_refused(machine: Machine) -> None:
    members = "a=https://192.0.2.11:2380,b=https://192.0.2.12:2380"
    write(machine.manifests / "etcd.yaml", manifest(machine.data, members=members))

    with pytest.raises(Trouble, match="etcd has 2 members"):
        machine.plan()


def test_pods_that_do_not_stop_are_named_and_the_data_is_not_touched(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore, "STOPPED", 0.0)
    running = {"etcd": [static_pods.Process(1, 0.0)]}
    monkeypatch.setattr(static_pods, "running", lambda part: running.get(part, []))

    with pytest.raises(Trouble, match="etcd still runs 0 s after its manifest was moved"):
        machine.restore()
    assert (machine.data / "member/snap/db").read_text() == "old"


def test_the_process_that_has_the_data_open_is_named(machine: Machine) -> None:
    """With no more than Debian has: fuser is a package of its own."""
    database = machine.data / "member/snap/db"
    command = ["flock", "--exclusive", str(database), "sleep", "60"]
    with subprocess.Popen(command, start_new_session=True) as other:
        try:
            until(lambda: files.users(database) != "a process", 10)
            with pytest.raises(Trouble, match=rf"Process {other.pid}\b.* has .*/db open still"):
                machine.restore()
        finally:
            os.killpg(other.pid, signal.SIGKILL)


def test_an_etcd_that_nobody_knows_of_is_not_robbed_of_its_data(machine: Machine) -> None:
    database = machine.data / "member/snap/db"
    with database.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        with pytest.raises(Trouble, match=r"A process has .* open still"):
            machine.restore()
    assert database.read_text() == "old"


def module(machine: Machine, monkeypatch: pytest.MonkeyPatch, *, check: bool = False) -> Result:
    monkeypatch.setattr(etcd_restore, "Restore", machine.of)
    return run(etcd_restore.main, check=check, snapshot=str(machine.snapshot), machine="control")


def test_the_module_says_in_check_mode_what_would_happen(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = module(machine, monkeypatch, check=True)

    assert result["changed"] is True
    assert result["plan"][0].startswith("control: the cluster goes back")
    assert result["steps"] == []
    assert machine.found() == ("old", [], ALL)


def test_the_module_restores(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(module(machine, monkeypatch)["steps"]) == 4
    assert machine.found() == ("new", ["old"], ALL)


def test_the_module_fails_with_what_was_done_and_how_to_go_on(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore, "STOPPED", 0.0)
    monkeypatch.setattr(static_pods, "running", lambda _: [static_pods.Process(1, 0.0)])
    monkeypatch.setattr(etcd_restore, "Restore", machine.of)

    said = refusal(etcd_restore.main, snapshot=str(machine.snapshot), machine="control")

    assert said.startswith("etcd of control was not restored. etcd, kube-apiserver")
    assert f"So far it made a data directory of {machine.snapshot}. The control plane is" in said
    assert said.endswith(
        "Run this again, with this snapshot or another one; or start it with the data that etcd "
        f"had: mv {machine.parked}/*.yaml {machine.manifests}/ && rmdir {machine.parked}"
    )


def test_the_module_says_how_to_put_data_back_that_was_set_aside(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut between the two renames, and the snapshot is gone too."""
    with monkeypatch.context() as patch:
        renames(patch, 5)
        with pytest.raises(Cut):
            machine.restore()
    machine.snapshot.unlink()
    monkeypatch.setattr(etcd_restore, "Restore", machine.of)

    said = refusal(etcd_restore.main, snapshot=str(machine.snapshot), machine="control")

    assert "is no file of this machine" in said
    subprocess.run(said.partition("etcd had: ")[2], shell=True, check=True)
    assert machine.found() == ("old", [], ALL)
    assert not machine.parked.exists()


def test_the_module_says_that_nothing_was_changed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.fails = True
    monkeypatch.setattr(etcd_restore, "Restore", machine.of)

    said = refusal(etcd_restore.main, snapshot=str(machine.snapshot), machine="control")

    assert said.endswith(": Error: out of space. Nothing was changed.")


def test_the_module_says_nothing_of_a_control_plane_that_another_run_has_stopped(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To start it now would put the data of the other run at risk."""
    first = machine.of().steps()
    next(first)
    next(first)
    monkeypatch.setattr(etcd_restore, "Restore", machine.of)

    said = refusal(etcd_restore.main, snapshot=str(machine.snapshot), machine="control")

    assert said.startswith("etcd of control was not restored. A restore runs on this machine")
    assert said.endswith("Nothing was changed.")
    assert len([*first]) == 2


@pytest.mark.parametrize("version", ["3.7.0", "4.0.0", "3.10.1"])
def test_a_snapshot_of_a_newer_etcd_is_refused_before_anything_is_stopped(
    machine: Machine, version: str
) -> None:
    """etcdutl restores it, and says nothing; etcd ends as soon as it reads it."""
    machine.version = version

    with pytest.raises(
        Trouble, match=r"is of etcd .*, and registry\.k8s\.io/etcd:3\.6\.8-0, which"
    ):
        machine.restore()
    assert machine.found() == ("old", [], ALL)


@pytest.mark.parametrize("version", ["3.6.0", "3.5.0", "2.38.0", ""])
def test_a_snapshot_of_this_etcd_or_an_earlier_one_is_restored(
    machine: Machine, version: str
) -> None:
    machine.version = version
    machine.restore()

    assert machine.found() == ("new", ["old"], ALL)


@pytest.mark.parametrize("image", ["mirror/etcd:stable", "registry:5000/etcd@sha256:0a1b"])
def test_where_the_image_s_name_has_no_version_that_of_its_program_counts(
    machine: Machine, image: str
) -> None:
    path = machine.manifests / "etcd.yaml"
    path.write_text(path.read_text().replace("registry.k8s.io/etcd:3.6.8-0", image))
    machine.restore()

    machine.version = "3.7.0"
    with pytest.raises(Trouble, match=r"is of etcd 3\.7, and"):
        machine.restore()


def test_an_etcd_that_does_not_come_up_is_told_with_the_commands_that_lead_back(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.answers = False
    monkeypatch.setattr(restore, "ANSWERS", 0.0)
    monkeypatch.setattr(etcd_restore, "Restore", machine.of)

    said = refusal(etcd_restore.main, snapshot=str(machine.snapshot), machine="control")

    assert "is in place, but etcd is not well 0 s after its start. etcd does not answer" in said
    assert machine.found() == ("new", ["old"], ALL)
    commands = said.partition("go back to the former: ")[2].partition(". So far")[0]
    assert "while pgrep -x etcd" in commands
    subprocess.run(commands.replace("pgrep -x etcd", "false"), shell=True, check=True)
    assert machine.found() == ("old", [], ALL)


def test_an_etcd_that_takes_its_time_is_waited_for(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([{"leader": "0"}, {}, {"leader": "331"}])
    monkeypatch.setattr(etcd, "status", lambda _: next(answers))
    monkeypatch.setattr(time, "sleep", lambda _: None)

    machine.restore()

    assert [*answers] == []


class Containerd:
    """ctr, and an image that may have the program."""

    def __init__(self, mount: Path, *, has: bool) -> None:
        self.mount, self.has, self.ran = mount, has, list[str]()

    def run(self, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        self.ran.append(str(command[4]))
        path = self.mount / image_program.ETCDUTL
        if command[4] == "mount" and self.has:
            write(path, "program")
        elif command[4] == "unmount" and path.exists():
            subprocess.run(["rm", "-r", self.mount / "usr"], check=True)
        return subprocess.CompletedProcess(command, 0, "", "")


@pytest.mark.parametrize("has", [True, False])
def test_etcdutl_comes_from_etcd_s_image_or_the_machine(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    has: bool,  # noqa: FBT001 - a case of the table
) -> None:
    monkeypatch.setattr(image_program, "MOUNT", tmp_path / "mount")
    containerd = Containerd(tmp_path / "mount", has=has)
    monkeypatch.setattr(image_program, "run", containerd.run)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: "/usr/bin/etcdutl")

    with image_program.etcdutl("registry.k8s.io/etcd:3.6.8-0") as found:
        assert found == (
            tmp_path / "mount/usr/local/bin/etcdutl" if has else Path("/usr/bin/etcdutl")
        )
    assert containerd.ran == ["unmount", "mount", "unmount"]
    assert not (tmp_path / "mount").exists()


def test_no_etcdutl_at_all_is_told_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_program, "MOUNT", tmp_path / "mount")
    monkeypatch.setattr(image_program, "run", Containerd(tmp_path / "mount", has=False).run)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)

    with (
        pytest.raises(Trouble, match="There is no etcdutl, which restores snapshots: not in the"),
        image_program.etcdutl("registry.k8s.io/etcd:3.5.1-0"),
    ):
        pass
