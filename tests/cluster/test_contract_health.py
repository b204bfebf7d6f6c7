"""Probes and metrics: what a kubelet and Prometheus are told, also while things are broken."""

from __future__ import annotations

import shutil
import threading

import pytest

from holdfast import __version__
from holdfast.controller.permissions import NEEDED
from holdfast.kube.resources import CLASSES
from testbed.controlplane import ControlPlane
from testbed.programs import Programs
from tests.cluster.faults import Hang
from tests.cluster.running import Running
from tests.cluster.site import Site
from tests.support import eventually

CONTRACT = (
    "controller_persistentvolumeclaim_provision_total",
    "controller_persistentvolumeclaim_provision_failed_total",
    "controller_persistentvolumeclaim_provision_duration_seconds_bucket",
    "controller_persistentvolume_delete_total",
    "controller_persistentvolume_delete_failed_total",
    "controller_persistentvolume_delete_duration_seconds_bucket",
)


def is_ready(running: Running) -> bool:
    return running.get("/readyz") == (200, "ok\n")


def why_not_ready(running: Running, words: str) -> str:
    """Waits until it is not ready for this reason; all that is said."""

    def look() -> str:
        status, text = running.get("/readyz")
        return text if status == 503 and words in text else ""

    return eventually(look, what=f"not ready because of {words!r}")


def test_it_is_live_and_ready_when_all_is_well(site: Site) -> None:
    running = site.serve()

    eventually(lambda: is_ready(running))
    assert running.get("/healthz") == (200, "ok\n")


def test_it_is_not_called_dead_while_it_starts(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kubelet that asks early waits for the answer: threads to come are no dead threads."""
    running, answers = site.stand_by(), list[int]()
    kubelet = threading.Thread(target=lambda: answers.append(running.get("/healthz")[0]))
    start = running.manager.caches.start

    def start_late() -> None:
        kubelet.start()
        kubelet.join(1.0)
        start()

    monkeypatch.setattr(running.manager.caches, "start", start_late)
    running.start()

    eventually(lambda: answers)
    kubelet.join()
    assert answers == [200]


def test_any_other_path_says_which_there_are(site: Site) -> None:
    running = site.serve()

    eventually(lambda: is_ready(running))
    assert running.get("/nothing") == (404, "not found: use /healthz, /readyz or /metrics\n")


def test_the_six_metrics_of_the_contract_and_our_own(site: Site) -> None:
    (site.root / "file").touch()
    running = site.serve()
    storage_class = site.make_class(parameters={"pathPattern": "${.PVC.labels.at}"})
    volume = site.bound(site.claim(storage_class))
    site.refusal(site.claim(storage_class, "refused", labels={"at": "file"}), "'file'")
    site.delete_claim("data")
    site.gone(volume)
    broken = site.bound(site.claim(storage_class))
    site.recorded(broken)
    site.directory(broken).rmdir()
    site.directory(broken).touch()
    site.delete_claim("data")
    site.said(broken["metadata"]["name"], "VolumeFailedDelete", "directory")
    eventually(lambda: running.metric(CONTRACT[0]) == 2)  # counted after the claim is Bound

    status, text = running.get("/metrics")

    assert status == 200
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    for name in CONTRACT:
        found = [float(value) for key, value in values.items() if key.startswith(name + "{")]
        assert found
        assert max(found) >= 1, name
    labels = f'{{class="{storage_class}",source=""}}'
    assert float(values[f"{CONTRACT[0]}{labels}"]) == 2
    for queue in ("claims", "volumes"):  # one of each failed, and is due again now and then
        assert float(values[f'holdfast_{queue}_queue_depth{{export="default"}}']) <= 1
    assert float(values['holdfast_leader{export="default"}']) == 1
    assert float(values['holdfast_export_up{export="default"}']) == 1
    assert float(values["holdfast_api_up"]) == 1
    assert values[f'holdfast_build_info{{version="{__version__}"}}'] == "1.0"
    create = '{export="default",operation="create"}'
    assert float(values[f"holdfast_export_operation_duration_seconds_count{create}"]) >= 2
    assert float(values[f"holdfast_export_operation_failed_total{create}"]) >= 1


def test_a_replica_that_stands_by_is_ready_and_does_not_lead(site: Site) -> None:
    first = site.serve(leader_election=True, identity="first")
    eventually(lambda: first.metric("holdfast_leader") == 1)

    second = site.serve(leader_election=True, identity="second")

    eventually(lambda: is_ready(second))
    assert second.metric("holdfast_leader") == 0


class TestAnExportInTrouble:
    def test_it_is_live_and_not_ready_while_the_export_hangs(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A restart would not cure the server, and would hang in the same mount.

        The claim's call hangs before the probe does, after which no call is tried any more.
        """
        running = site.serve(export_deadline=1.0)
        eventually(lambda: is_ready(running))
        hangs = {name: Hang(getattr(running.export, name)) for name in ("create", "probe")}
        monkeypatch.setattr(running.export, "create", hangs["create"])
        site.refusal(site.claim(site.make_class()), "did not answer")

        monkeypatch.setattr(running.export, "probe", hangs["probe"])

        # It did not answer in 1 s, or soon hangs in earlier calls.
        assert why_not_ready(running, "the export ").startswith("export: ")
        assert running.get("/healthz")[0] == 200
        assert running.metric("holdfast_export_up") == 0
        for hang in hangs.values():
            hang.over.set()
        eventually(lambda: is_ready(running))
        site.bound("data")

    def test_it_says_that_the_export_is_missing_and_makes_nothing_in_its_place(
        self, site: Site
    ) -> None:
        shutil.rmtree(site.root)

        running = site.serve()

        assert "export: cannot open" in why_not_ready(running, str(site.root))
        assert running.get("/healthz")[0] == 200
        assert not site.root.exists()
        site.root.mkdir()
        eventually(lambda: is_ready(running))

    def test_a_mount_that_was_lost_is_not_taken_for_an_empty_export(self, site: Site) -> None:
        """The directory beneath the mount point is empty: volumes are not reclaimed as gone."""
        running = site.serve()
        volume = site.bound(site.claim(site.make_class()))
        mounted = site.root.rename(site.root.parent / "mounted")
        site.root.mkdir()

        site.delete_claim("data")

        assert why_not_ready(running, ".holdfast").startswith("export: ")
        site.released(volume)
        assert list(site.root.iterdir()) == []
        site.root.rmdir()
        mounted.rename(site.root)
        site.gone(volume)
        assert {path.split("-")[0] for path in site.tree()} == {"archived"}


def test_it_is_live_and_not_ready_while_the_api_server_is_away(
    programs: Programs, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("away")
    with ControlPlane(programs, folder / "plane", api_qps=2000) as plane:
        root = folder / "export"
        root.mkdir()
        site = Site(plane, "default", root)
        running = site.stand_by()
        running.manager.api_circuit._period = 1.0
        running.start()
        eventually(lambda: is_ready(running))

        plane.apiserver.kill()

        assert why_not_ready(running, "No answer").startswith("API server: ")
        assert running.get("/healthz")[0] == 200
        assert running.metric("holdfast_api_up") == 0
        plane.apiserver.start()
        eventually(lambda: is_ready(running))
        site.close()


def test_it_says_which_permission_is_missing(site: Site) -> None:
    """Without it nothing can be read, so nothing is done; but it lives, and waits for the grant."""
    user = f"blind-{site.namespace}"
    site.grant(user, NEEDED | {CLASSES: ("watch",)})

    running = site.serve(kubeconfig=str(site.plane.kubeconfig_for(user)))

    assert why_not_ready(running, "cannot list resource").startswith("API server: ")
    assert running.get("/healthz")[0] == 200
    site.grant(user, {CLASSES: ("list",)})
    eventually(lambda: is_ready(running))


def test_a_thread_that_ended_is_not_live(site: Site) -> None:
    running = site.serve()
    eventually(lambda: is_ready(running))

    running.manager.exports["default"].view.claim_queue.shut_down()

    eventually(lambda: "thread claims-0 has ended" in running.get("/healthz")[1])
    assert running.get("/healthz")[0] == 503
