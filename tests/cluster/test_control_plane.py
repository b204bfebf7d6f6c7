"""The testbed's control plane is a real one, can be broken at will, and leaves nothing behind."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from testbed.client import Json
from testbed.controlplane import ControlPlane
from testbed.errors import KubectlError, RequestError, StartError
from testbed.kubelet import NODE, SELECTED_NODE, Kubelet
from testbed.manifests import stateful_set, static_volume, waiting_class
from testbed.ports import LOOPBACK, free_ports, is_free
from testbed.processes import Process
from testbed.programs import Programs
from testbed.waiting import until

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def own(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane that these tests may break."""
    with ControlPlane(programs, tmp_path_factory.mktemp("own")) as running:
        yield running


def processes_of(plane: ControlPlane) -> tuple[Process, Process, Process]:
    return plane.etcd, plane.apiserver, plane.controller_manager


def ports_of(plane: ControlPlane) -> set[int]:
    words = [word for process in processes_of(plane) for word in process.command]
    found = {urllib3.util.parse_url(word.partition("=")[2]).port for word in words if "://" in word}
    found |= {int(word.partition("=")[2]) for word in words if word.startswith("--secure-port=")}
    return {port for port in found if port is not None}


def group_is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def write_configmap(plane: ControlPlane, name: str) -> None:
    body = {"metadata": {"name": name}}
    plane.client.send("POST", "/api/v1/namespaces/default/configmaps", body)


def has_configmap(plane: ControlPlane, name: str) -> bool:
    return answers(plane, f"/api/v1/namespaces/default/configmaps/{name}")


def answers(plane: ControlPlane, path: str) -> bool:
    try:
        return plane.client.status(plane.url + path) == 200
    except OSError:  # not in time: it may have much to do after its start
        return False


class TestWhatItServes:
    def test_it_is_the_version_that_the_project_names(self, control_plane: ControlPlane) -> None:
        assert control_plane.client.get("/version")["gitVersion"] == "v1.36.3"

    def test_kubectl_speaks_to_it(self, control_plane: ControlPlane, namespace: str) -> None:
        manifest = json.dumps(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "from-stdin"}}
        )

        control_plane.kubectl("apply", "-n", namespace, "-f", "-", input=manifest)

        assert "from-stdin" in control_plane.kubectl("get", "-n", namespace, "configmaps")

    def test_what_kubectl_says_of_its_failure_is_in_the_error(
        self, control_plane: ControlPlane
    ) -> None:
        with pytest.raises(KubectlError, match='configmaps "missing" not found'):
            control_plane.kubectl("get", "configmap", "missing")

    def test_a_user_may_do_what_rbac_gives_to_their_group_and_nothing_else(
        self, control_plane: ControlPlane, namespace: str
    ) -> None:
        control_plane.kubectl(
            "create", "role", "reader", "-n", namespace, "--verb=list", "--resource=secrets"
        )
        control_plane.kubectl(
            "create", "rolebinding", "reader", "-n", namespace, "--role=reader", "--group=auditors"
        )
        config = control_plane.kubeconfig_for("system:someone", ["auditors"])
        as_someone = f"--kubeconfig={config}"

        listed = control_plane.kubectl("get", "secrets", "-n", namespace, as_someone)

        assert listed == ""
        with pytest.raises(KubectlError, match='User "system:someone" cannot list'):
            control_plane.kubectl("get", "pods", "-n", namespace, as_someone)

    def test_a_token_is_that_of_the_service_account(
        self, control_plane: ControlPlane, namespace: str
    ) -> None:
        control_plane.kubectl("create", "serviceaccount", "robot", "-n", namespace)

        token = control_plane.token_for(namespace, "robot")

        # Without --kubeconfig's own certificate, which would win over the token.
        answer = control_plane.kubectl(
            "--kubeconfig=/dev/null",
            f"--server={control_plane.url}",
            f"--token={token}",
            f"--certificate-authority={control_plane.authority}",
            "auth",
            "whoami",
        )
        assert f"system:serviceaccount:{namespace}:robot" in answer

    def test_controllers_have_their_own_limits_unless_others_are_asked_for(
        self, control_plane: ControlPlane, own: ControlPlane
    ) -> None:
        assert "--kube-api-qps=2000" in control_plane.controller_manager.command
        assert not [word for word in own.controller_manager.command if "qps" in word]


class TestBreakingIt:
    @pytest.fixture(autouse=True)
    def whole(self, own: ControlPlane) -> None:
        """A kube-controller-manager that starts while there is no API server ends by itself."""
        own.start()

    @pytest.mark.parametrize("name", ["etcd", "apiserver", "controller_manager"])
    def test_each_program_comes_back_where_it_was_with_its_data(
        self, own: ControlPlane, name: str
    ) -> None:
        process: Process = getattr(own, name)
        configmap = name.replace("_", "-")
        write_configmap(own, configmap)
        before = process.pid

        process.kill()
        assert group_is_gone(before)
        process.start()

        assert process.pid != before
        until(lambda: has_configmap(own, configmap))

    def test_a_paused_server_accepts_and_does_not_answer_until_resumed(
        self, own: ControlPlane
    ) -> None:
        own.apiserver.pause()
        try:
            with pytest.raises(OSError, match="Read timed out"):
                own.client.status(f"{own.url}/readyz")
        finally:
            own.apiserver.resume()

        until(lambda: answers(own, "/readyz"))

    def test_a_program_that_does_not_end_when_asked_is_killed(self, own: ControlPlane) -> None:
        group = own.apiserver.pid

        own.apiserver.stop(deadline=0.1)  # its clients stay on, and it waits for them

        assert group_is_gone(group)
        own.apiserver.start()

    def test_a_paused_program_can_be_stopped(self, own: ControlPlane) -> None:
        group = own.controller_manager.pid
        own.controller_manager.pause()

        own.controller_manager.stop()

        assert group_is_gone(group)
        own.controller_manager.start()

    def test_starting_what_runs_changes_nothing(self, own: ControlPlane) -> None:
        before = [process.pid for process in processes_of(own)]

        own.start()

        assert [process.pid for process in processes_of(own)] == before

    def test_a_program_that_somebody_else_killed_can_be_started_again(
        self, own: ControlPlane
    ) -> None:
        before = own.controller_manager.pid
        os.kill(before, signal.SIGKILL)
        os.waitid(os.P_PID, before, os.WEXITED | os.WNOWAIT)

        own.controller_manager.start()

        assert own.controller_manager.pid != before

    def test_kubectl_that_gets_no_answer_is_given_up(self, own: ControlPlane) -> None:
        own.apiserver.pause()
        try:
            with pytest.raises(KubectlError, match=r"get namespaces: not within 0\.3 s"):
                own.kubectl("get", "namespaces", deadline=0.3)
        finally:
            own.apiserver.resume()

    def test_a_program_started_by_a_thread_outlives_that_thread(self, own: ControlPlane) -> None:
        own.controller_manager.kill()

        starter = threading.Thread(target=own.controller_manager.start)
        starter.start()
        starter.join()

        assert not group_is_gone(own.controller_manager.pid)
        assert own.apiserver.pid


class TestNothingIsLeft:
    def test_after_the_block_no_process_and_no_port_is_left(
        self, programs: Programs, tmp_path: Path
    ) -> None:
        with ControlPlane(programs, tmp_path) as plane:
            groups = [process.pid for process in processes_of(plane)]
            ports = ports_of(plane)
            assert len(ports) == 4
            assert not any(is_free(port) for port in ports)

        assert all(group_is_gone(group) for group in groups)
        assert all(is_free(port) for port in ports)

    def test_after_a_failed_start_nothing_runs_and_the_error_shows_the_log(
        self, programs: Programs, tmp_path: Path
    ) -> None:
        broken = dataclasses.replace(programs, apiserver=Path("/bin/false"))
        plane = ControlPlane(broken, tmp_path)

        with pytest.raises(StartError, match="false ended with status 1"):
            plane.start()

        assert all(is_free(port) for port in ports_of(plane))
        with pytest.raises(StartError, match="etcd is not running"):
            plane.etcd.pause()

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
    def test_a_parent_that_dies_takes_everything_with_it(
        self, programs: Programs, tmp_path: Path, number: signal.Signals
    ) -> None:
        with subprocess.Popen(
            [sys.executable, "-c", PARENT, tmp_path, *map(str, dataclasses.astuple(programs))],
            stdout=subprocess.PIPE,
            cwd=REPOSITORY,
            text=True,
        ) as parent:
            assert parent.stdout is not None
            groups = json.loads(parent.stdout.readline())
            assert len(groups) == 3
            parent.send_signal(number)

        until(lambda: all(group_is_gone(group) for group in groups))


PARENT = """
import json, pathlib, sys, time
from testbed.controlplane import ControlPlane
from testbed.programs import Programs
programs = Programs(*map(pathlib.Path, sys.argv[2:]))
with ControlPlane(programs, pathlib.Path(sys.argv[1])) as plane:
    running = plane.etcd, plane.apiserver, plane.controller_manager
    print(json.dumps([process.pid for process in running]), flush=True)
    time.sleep(60)
"""


class TestPorts:
    def test_a_port_taken_after_it_was_chosen_is_not_the_end(
        self, programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with socket.create_server((LOOPBACK, 0)) as thief:
            taken = thief.getsockname()[1]
            chosen = iter([[taken, *free_ports(3)]])
            monkeypatch.setattr(
                "testbed.controlplane.free_ports",
                lambda count: next(chosen, None) or free_ports(count),
            )

            with ControlPlane(programs, tmp_path) as plane:
                assert taken not in ports_of(plane)


@dataclasses.dataclass(frozen=True)
class Scene:
    """A namespace of a control plane, and what the tests below ask of it."""

    plane: ControlPlane
    namespace: str

    def apply(self, manifest: Json) -> None:
        self.plane.kubectl("apply", "-n", self.namespace, "-f", "-", input=json.dumps(manifest))

    def find(self, path: str) -> Json | None:
        try:
            return self.plane.client.get(path.format(f"namespaces/{self.namespace}"))
        except RequestError:
            return None

    def ready_replicas(self, name: str) -> int:
        found = self.find(f"/apis/apps/v1/{{}}/statefulsets/{name}")
        return 0 if found is None else int(found["status"].get("readyReplicas", 0))

    def await_replicas(self, name: str, count: int) -> None:
        until(lambda: self.ready_replicas(name) == count)


@pytest.fixture
def scene(control_plane: ControlPlane, namespace: str, kubelet: Kubelet) -> Scene:
    assert kubelet is not None
    return Scene(control_plane, namespace)


class TestStandInForTheKubelet:
    def test_a_stateful_set_without_claims_gets_all_its_replicas(self, scene: Scene) -> None:
        scene.apply(stateful_set("plain", 3, None))

        scene.await_replicas("plain", 3)

    def test_a_stateful_set_with_volumes_gets_all_its_replicas(self, scene: Scene) -> None:
        for number in range(3):
            scene.apply(static_volume(f"{scene.namespace}-{number}", scene.namespace))

        scene.apply(stateful_set("with-claims", 3, scene.namespace))

        scene.await_replicas("with-claims", 3)

    def test_a_pod_whose_claim_has_no_volume_is_not_started(self, scene: Scene) -> None:
        scene.apply(static_volume(f"{scene.namespace}-only", scene.namespace))

        scene.apply(stateful_set("short", 2, scene.namespace))

        until(lambda: scene.find("/api/v1/{}/pods/short-1") is not None)
        # What it would do for the second pod, it does for one made afterwards too.
        scene.apply(stateful_set("later", 1, None))
        scene.await_replicas("later", 1)
        assert scene.ready_replicas("short") == 1

    def test_a_claim_that_waits_for_its_consumer_is_given_a_node(self, scene: Scene) -> None:
        scene.apply(waiting_class(scene.namespace))

        scene.apply(stateful_set("waits", 1, scene.namespace))

        path = "/api/v1/{}/persistentvolumeclaims/data-waits-0"
        until(lambda: SELECTED_NODE in str(scene.find(path)))
        claim = scene.find(path)
        assert claim is not None
        assert claim["metadata"]["annotations"][SELECTED_NODE] == NODE
        assert scene.find(f"/api/v1/nodes/{NODE}") is not None

    def test_a_deleted_pod_goes_and_its_successor_is_started(self, scene: Scene) -> None:
        scene.apply(stateful_set("again", 1, None))
        scene.await_replicas("again", 1)
        first = scene.find("/api/v1/{}/pods/again-0")
        assert first is not None

        scene.plane.kubectl("delete", "pod", "again-0", "-n", scene.namespace)

        until(lambda: is_running_again(scene.find("/api/v1/{}/pods/again-0"), first))


def is_running_again(pod: Json | None, first: Json) -> bool:
    if pod is None or pod["metadata"]["uid"] == first["metadata"]["uid"]:
        return False
    return bool(pod["status"]["phase"] == "Running")


def test_the_stand_in_goes_on_after_the_server_was_away(own: ControlPlane) -> None:
    with Kubelet(own.client):
        own.apiserver.kill()
        own.apiserver.start()
        own.restart_controllers()
        scene = Scene(own, "default")

        scene.apply(stateful_set("plain", 1, None))

        scene.await_replicas("plain", 1)


def test_the_stand_in_ends_also_when_the_server_is_frozen(own: ControlPlane) -> None:
    kubelet = Kubelet(own.client)
    kubelet.start()
    own.apiserver.pause()
    try:
        kubelet.stop()

        names = {thread.name for thread in threading.enumerate()}
        assert not {name for name in names if name.startswith("watch /api/v1/pods")}
    finally:
        own.apiserver.resume()
