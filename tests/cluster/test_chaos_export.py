"""An export that goes away, and comes back, is waited for; nothing on it is taken as gone."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from testbed.programs import Programs
from tests.burst import CLAIMS, Burst
from tests.chaos import Cluster, Outage, cluster_of_its_own, tell
from tests.cluster.objects import name_of
from tests.support import eventually

pytestmark = pytest.mark.timeout(300)

# Root passes every permission bit, unless the capability to do so is taken from it.
UNPRIVILEGED = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")


@pytest.fixture
def cluster(programs: Programs, tmp_path: Path) -> Iterator[Cluster]:
    with cluster_of_its_own(programs, tmp_path) as own:
        yield own


@contextmanager
def moved_away(root: Path) -> Iterator[None]:
    aside = root.with_name("aside")
    root.rename(aside)
    yield
    aside.rename(root)


@contextmanager
def unmounted(root: Path) -> Iterator[None]:
    """What is beneath a lost mount: an empty directory."""
    with moved_away(root):
        root.mkdir()
        yield
        root.rmdir()  # fails if anything was made in it


@contextmanager
def forbidden(root: Path) -> Iterator[None]:
    root.chmod(0)
    yield
    root.chmod(0o755)


Going = Callable[[Path], AbstractContextManager[None]]
WAYS = [
    pytest.param(moved_away, "cannot open the export's root", id="moved-away"),
    pytest.param(unmounted, "an export without .holdfast/export is mounted here", id="unmounted"),
    pytest.param(forbidden, "Permission denied", id="forbidden"),
]


def prefix() -> tuple[str, ...]:
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root reads everything, and there is no setpriv to prevent it")
    return UNPRIVILEGED


@pytest.mark.parametrize(("goes", "reason"), WAYS)
def test_an_export_that_goes_in_a_burst_of_claims_is_waited_for(
    cluster: Cluster, goes: Going, reason: str
) -> None:
    burst = Burst(cluster, prefix=prefix())
    with burst.provisioner as provisioner:
        burst.begin()
        with goes(cluster.root), Outage(provisioner) as outage:
            burst.go_on()
            outage.begins()
            outage.lasts(20)
            made = len(cluster.volumes())
        outage.assert_it_was_borne(reason)
        assert made < CLAIMS
        started = time.monotonic()
        cluster.await_bound(CLAIMS)
        tell(f"all Bound {time.monotonic() - started:.1f} s after the export was back")
        assert all(cluster.directory(volume).is_dir() for volume in cluster.volumes())
        cluster.await_confirmed(CLAIMS)
        assert len(cluster.volumes()) == CLAIMS
        eventually(provisioner.is_ready, what="it is ready again")


@pytest.mark.parametrize(("goes", "reason"), WAYS)
def test_an_export_that_goes_while_claims_are_deleted_has_lost_none_of_their_data(
    cluster: Cluster, goes: Going, reason: str
) -> None:
    archive, erase = (
        cluster.make_class(),
        cluster.make_class("e", parameters={"onDelete": "delete"}),
    )
    with cluster.provisioner(prefix=prefix()) as provisioner:
        names = cluster.make_claims(archive, 40) + cluster.make_claims(erase, 20, "erase")
        cluster.await_bound(len(names))
        files = write_names(cluster)
        delete(cluster, names[::2])
        eventually(lambda: provisioner.lines("volume reclaimed"), what="a volume is reclaimed")
        with goes(cluster.root), Outage(provisioner) as outage:
            delete(cluster, names[1::2])
            outage.begins()
            outage.lasts(12)
            assert cluster.volumes()
        outage.assert_it_was_borne(reason)
        eventually(lambda: not cluster.volumes(), what="all volumes are reclaimed")
        eventually(lambda: not any(cluster.root.glob(".holdfast/trash/*")), what="trash is empty")

        # It says so after the volume is gone.
        eventually(lambda: len(provisioner.lines("volume reclaimed")) == len(names))
        reclaimed = provisioner.lines("volume reclaimed")
        assert sorted(line["outcome"] for line in reclaimed) == 40 * ["archived"] + 20 * ["trashed"]
        left = {file.name for file in cluster.root.glob("archived-*/*")}
        assert left == {file for file in files if not file.startswith("erase")}
        others = [path.name for path in cluster.root.iterdir() if path.name != ".holdfast"]
        assert all(name.startswith("archived-") for name in others)


def write_names(cluster: Cluster) -> set[str]:
    """Each claim's tenant writes a file of its name; the names."""
    volumes = {name_of(volume): volume for volume in cluster.volumes()}
    for claim, volume in cluster.bound_claims().items():
        (cluster.directory(volumes[volume]) / claim).touch()
    return set(cluster.bound_claims())


def delete(cluster: Cluster, names: list[str]) -> None:
    for name in names:
        cluster.delete_claim(name)
