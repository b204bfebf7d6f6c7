"""An export that hangs, as a hard NFS mount does while its server is away, holds up nobody else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.controller.export_client import ExportClient
from holdfast.controller.export_metrics import ExportMetrics
from holdfast.controller.metrics import Metrics
from holdfast.exports.errors import TimedOut
from holdfast.exports.export import Export
from holdfast.exports.interface import Grant, Leader, Term
from testbed.programs import Programs
from tests.chaos import Cluster, Outage, Provisioner, cluster_of_its_own, let_go
from tests.support import eventually

pytestmark = pytest.mark.timeout(200)

DEADLINE = 2  # seconds
PLACES = 16  # calls to one export that may be in flight


@pytest.fixture
def cluster(programs: Programs, tmp_path: Path) -> Iterator[Cluster]:
    with cluster_of_its_own(programs, tmp_path) as own:
        yield own


@pytest.fixture
def flags(tmp_path: Path) -> Path:
    folder = tmp_path / "flags"
    folder.mkdir()
    return folder


@pytest.fixture
def provisioner(cluster: Cluster, flags: Path) -> Iterator[Provisioner]:
    with cluster.provisioner(
        command=("-m", "tests.hanging", "run"),
        HANGING=str(flags),
        HOLDFAST_EXPORT_DEADLINE=str(DEADLINE),
    ) as running:
        running.await_line("term begun")
        yield running


def test_an_export_that_hangs_is_said_on_the_claims_and_served_from_when_it_answers(
    cluster: Cluster, flags: Path, provisioner: Provisioner
) -> None:
    nfs = cluster.make_class()
    eventually(provisioner.is_ready, what="it is ready")
    with Outage(provisioner) as outage:
        names = cluster.hang(nfs, flags, 1, "first")
        names += cluster.make_claims(nfs, 49)
        cluster.refusal(names[0], f"the export did not answer in {DEADLINE} s")
        outage.begins()
        outage.lasts(20)
    outage.assert_it_was_borne(f"the export did not answer in {DEADLINE} s")
    assert cluster.volumes() == []
    let_go(flags)
    cluster.await_bound(len(names))
    cluster.await_confirmed(len(names))
    assert len(cluster.volumes()) == len(names)
    eventually(provisioner.is_ready, what="it is ready again")


def test_a_claim_whose_directory_hangs_does_not_hold_up_other_claims(
    cluster: Cluster, flags: Path, provisioner: Provisioner
) -> None:
    nfs, hang = cluster.make_class(), flags / "stuck"
    hang.touch()
    cluster.claim(nfs, "stuck")
    cluster.refusal("stuck", f"the export did not answer in {DEADLINE} s")
    others = cluster.make_claims(nfs, 50)
    cluster.await_bound(len(others))
    assert provisioner.ask("/healthz")[0] == 200
    hang.unlink()
    cluster.await_bound(len(others) + 1)
    cluster.await_confirmed(len(others) + 1)
    assert len(cluster.volumes()) == len(others) + 1


def test_a_claim_that_is_deleted_while_its_directory_hangs_leaves_nothing(
    cluster: Cluster, flags: Path, provisioner: Provisioner
) -> None:
    nfs, hang = cluster.make_class(parameters={"onDelete": "delete"}), flags / "stuck"
    hang.touch()
    cluster.claim(nfs, "stuck")
    cluster.refusal("stuck", f"the export did not answer in {DEADLINE} s")
    cluster.delete_claim("stuck")
    eventually(lambda: not cluster.claims(), what="the claim is gone")
    hang.unlink()
    # An attempt that waits for the export makes the volume; one between two tries is undone.
    ends = "volume reclaimed", "unfinished volume undone"
    eventually(lambda: any(map(provisioner.lines, ends)), what="the attempt is ended")
    eventually(lambda: not cluster.volumes(), what="the volume is gone")
    eventually(lambda: not any(cluster.root.glob(".holdfast/trash/*")), what="trash is empty")
    assert [path.name for path in cluster.root.iterdir()] == [".holdfast"]
    assert cluster.records() == {}


@pytest.mark.timeout(30)
def test_calls_about_one_volume_take_one_place_however_often_they_are_tried(tmp_path: Path) -> None:
    export, hang = Export(tmp_path), threading.Event()
    export.initialise("an-export")
    grant = Grant(Term(Leader("a-cluster", "a-lease"), 1))
    directories = ExportClient(
        export, 0.05, ExportMetrics(Metrics(), "default"), grant=lambda _: grant
    )
    for _ in range(2 * PLACES):
        with pytest.raises(TimedOut):
            directories.change("create", lambda *_: hang.wait(), "stuck")
    directories.seconds = directories._lane._seconds = 10.0  # from here on nothing is to hang
    assert directories.read("find", lambda export: export.find("other"), "other") is None
    assert directories.is_busy()

    hang.set()

    assert directories.read("find", lambda export: export.find("stuck"), "stuck") is None
    assert not directories.is_busy()


def test_a_volume_whose_directory_hangs_does_not_hold_up_the_deletion_of_others(
    cluster: Cluster, flags: Path, provisioner: Provisioner
) -> None:
    nfs, hang = cluster.make_class(), flags / "stuck"
    names = ["stuck", *cluster.make_claims(nfs, 20)]
    cluster.claim(nfs, "stuck")
    cluster.await_bound(len(names))
    stuck = cluster.bound("stuck")
    hang.touch()
    for name in names:
        cluster.delete_claim(name)
    eventually(lambda: len(cluster.volumes()) == 1, what="all others are reclaimed")
    assert cluster.directory(stuck).is_dir()
    hang.unlink()
    cluster.gone(stuck)
    assert len(list(cluster.root.glob("archived-*"))) == len(names)
    assert not cluster.directory(stuck).exists()
    assert provisioner.is_running()


def test_sigterm_ends_a_process_whose_export_hangs(
    cluster: Cluster, flags: Path, provisioner: Provisioner
) -> None:
    """Calls about more claims than there are places hang, and then the probe does."""
    cluster.hang(cluster.make_class(), flags, PLACES + 4)
    eventually(lambda: not provisioner.is_ready(), what="the probe hangs as well")

    assert provisioner.stop(within=30) == 0
