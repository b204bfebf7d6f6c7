"""Several exports in processes of their own: a fault of one export stays with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from testbed.programs import Programs
from tests.chaos import PATIENCE, Cluster, Provisioner, cluster_of_its_own, let_go
from tests.support import eventually

pytestmark = pytest.mark.timeout(240)

DEADLINE = 2  # seconds
HUNG = "lease lost while calls to the export hang: this replica will not lead again until they have"


class ExportInterface:
    """A cluster, folders that are its exports, and the file that lists them."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder
        self.file = folder / "exports.yaml"
        self.classes: dict[str, str] = {}

    def write(self, *names: str) -> None:
        """Lists these exports, and makes a class for each that has none."""
        lines = ["exports:"]
        for name in names:
            (self.folder / name).mkdir(exist_ok=True)
            address = f"server: {self.cluster.server}, path: /srv/{name}"
            mounted = f"mount: {self.folder / name}, deadline: {DEADLINE}"
            lines.append(f"  - {{name: {name}, {address}, {mounted}}}")
            if name not in self.classes:
                parameters = {"export": name, "onDelete": "delete"}
                self.classes[name] = self.cluster.make_class(f"of-{name}", parameters=parameters)
        self.file.write_text("\n".join(lines))

    def flags_of(self, replica: str) -> Path:
        """The folder of flags that let calls of one replica hang (`tests.hanging`)."""
        folder = self.folder / f"flags-of-{replica}"
        folder.mkdir(exist_ok=True)
        return folder

    def hang(self, replica: str, export: str, count: int) -> list[str]:
        """Has one replica's calls about new claims hang, and then all to their export; the names.

        The replica must lead the export.
        """
        flags, then = self.flags_of(replica), f"all-of-{export}"
        name = f"{export}-data"
        return self.cluster.hang(self.classes[export], flags, count, name, then)

    def replica(self, identity: str) -> Provisioner:
        return self.cluster.provisioner(
            identity,
            command=("-m", "tests.hanging", "run"),
            HANGING=str(self.flags_of(identity)),
            HOLDFAST_CONFIG=str(self.file),
            ENABLE_LEADER_ELECTION="true",
        )

    def claims(self, export: str, count: int) -> list[str]:
        return self.cluster.make_claims(self.classes[export], count, f"{export}-data")

    def bound(self, export: str) -> set[str]:
        return {name for name in self.cluster.bound_claims() if name.startswith(f"{export}-")}

    def await_bound(self, export: str, count: int) -> None:
        eventually(lambda: len(self.bound(export)) == count, PATIENCE, f"{export}: {count} Bound")

    def directories(self, export: str) -> set[str]:
        return {one.name for one in (self.folder / export).iterdir()} - {".holdfast"}


@pytest.fixture
def exports(programs: Programs, tmp_path: Path) -> Iterator[ExportInterface]:
    with cluster_of_its_own(programs, tmp_path) as cluster:
        made = ExportInterface(cluster, tmp_path)
        made.write("fast", "slow", "third")
        yield made


@pytest.fixture
def lone(exports: ExportInterface) -> Iterator[Provisioner]:
    with exports.replica("lone") as running:
        for name in ("fast", "slow", "third"):
            eventually(lambda name=name: running.gauge("holdfast_term_begun", name) == 1)  # type: ignore[misc]
        yield running


@pytest.fixture
def two(exports: ExportInterface) -> Iterator[list[Provisioner]]:
    with ExitStack() as stack:
        replicas = [
            stack.enter_context(exports.replica(identity)) for identity in ("first", "second")
        ]
        for name in ("fast", "slow", "third"):
            eventually(lambda name=name: leaders(replicas, name))  # type: ignore[misc]
        yield replicas


def leaders(replicas: list[Provisioner], export: str) -> list[Provisioner]:
    return [replica for replica in replicas if replica.leads(export)]


def test_calls_that_hang_do_not_end_the_process_that_serves_other_exports(
    exports: ExportInterface, lone: Provisioner
) -> None:
    """Its lease runs out; those of the others are held in the same term all the time."""
    before = exports.cluster.lease("fast")["leaseTransitions"]
    exports.hang("lone", "slow", 10)

    lone.await_line(HUNG + " ended")
    exports.claims("fast", 30)
    exports.await_bound("fast", 30)

    assert lone.is_running()
    assert lone.is_ready()
    assert exports.cluster.lease("fast")["leaseTransitions"] == before
    assert exports.bound("slow") == set()
    let_go(exports.flags_of("lone"))
    exports.await_bound("slow", 10)
    eventually(lambda: len(exports.directories("slow")) == 10)


def test_what_hung_in_one_replica_changes_nothing_once_the_other_leads(
    exports: ExportInterface, two: list[Provisioner]
) -> None:
    """The replica that hangs stays; what its calls do late is refused by the export's terms."""
    [leader] = leaders(two, "slow")
    [other] = [one for one in two if one is not leader]
    [claim] = exports.hang(leader.identity, "slow", 1)

    leader.await_line(HUNG + " ended")
    exports.await_bound("slow", 1)
    [directory] = exports.directories("slow")
    data = exports.folder / "slow" / directory / "data"
    data.write_text("of the claim")
    let_go(exports.flags_of(leader.identity))
    eventually(lambda: "export slow available" in str(leader.lines()))

    assert leader.is_running()
    assert other.leads("slow")
    assert data.read_text() == "of the claim"
    exports.cluster.delete_claim(claim)
    eventually(lambda: exports.directories("slow") == set())


def test_replicas_share_the_exports_and_those_of_a_lost_one_move(
    exports: ExportInterface, two: list[Provisioner]
) -> None:
    """Each is kept from one of the exports: the first to start may lead all of them."""
    names = ("fast", "slow", "third")
    for replica, away in zip(two, ("third", "fast"), strict=True):
        (exports.flags_of(replica.identity) / f"all-of-{away}").touch()
    apart = [two[:1], two[1:]]
    eventually(lambda: [leaders(two, name) for name in ("fast", "third")] == apart, PATIENCE)
    [lost] = eventually(lambda: leaders(two, "slow"))
    [left] = [replica for replica in two if replica is not lost]
    for replica in two:
        let_go(exports.flags_of(replica.identity))
    for name in names:
        exports.claims(name, 10)

    lost.kill()

    for name in names:
        eventually(lambda name=name: left.leads(name))  # type: ignore[misc]
        exports.await_bound(name, 10)
        assert len(exports.directories(name)) == 10


def test_an_export_is_added_and_removed_while_claims_are_served(
    exports: ExportInterface, lone: Provisioner
) -> None:
    exports.claims("fast", 30)
    exports.write("fast", "slow", "fourth")

    exports.claims("fourth", 10)
    exports.await_bound("fourth", 10)
    exports.await_bound("fast", 30)
    eventually(lambda: exports.cluster.lease("third")["holderIdentity"] == "")

    assert lone.is_running()
    assert len(lone.lines("holdfast starts")) == 1


def test_a_removed_export_reclaims_nothing_until_it_is_back(
    exports: ExportInterface, lone: Provisioner
) -> None:
    [claim] = exports.claims("third", 1)
    exports.await_bound("third", 1)
    exports.write("fast", "slow")
    lone.await_line("export removed")

    exports.cluster.delete_claim(claim)
    eventually(lambda: exports.cluster.find_claim(claim) is None)
    exports.claims("fast", 5)
    exports.await_bound("fast", 5)
    assert len(exports.directories("third")) == 1

    exports.write("fast", "slow", "third")
    eventually(lambda: exports.directories("third") == set())
    eventually(lambda: len(exports.cluster.volumes()) == 5)
