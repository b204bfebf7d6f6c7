"""One cluster with all that acts in it: people, the controller manager, the network, replicas."""

from __future__ import annotations

from collections.abc import Callable

from tests.search.beside import Beside
from tests.search.cluster import Cluster
from tests.search.controller_manager import ControllerManager
from tests.search.faults import Faults
from tests.search.network import Network
from tests.search.nfs_subdir import NfsSubdir
from tests.search.people import People
from tests.search.replicas import Replicas
from tests.search.scenario import Scenario
from tests.unit.controller.given import BY_CLAIM

_ROUNDS = 60  # of what comes after the last event

Weights = dict[Callable[[], object], int]


class World:
    """`step` does something at random; `settle` lets everything end that was begun."""

    def __init__(self, cluster: Cluster, scenario: Scenario, faults: Faults) -> None:
        self.cluster = cluster
        self.people = People(cluster, share=scenario.shares or scenario.clusters == 1)
        self.people.create_class(pathPattern=BY_CLAIM, onDelete="delete")
        self.manager = ControllerManager(cluster)
        self.network = Network(cluster, scenario.late)
        self.replicas = Replicas(cluster, self.network, faults)
        self.beside = Beside(self.replicas, self.manager)
        self._steps = self._usual() | self._faulty() | self._rare(scenario)

    def _usual(self) -> Weights:
        return {
            self.replicas.work: 30,
            self.replicas.see_some: 14,
            self.replicas.retry_all: 5,
            self.replicas.reap: 6,
            self.replicas.sweep: 4,
            self.manager.sync_one: 10,
            self.people.create_claim: 7,
            self.people.delete_claim: 5,
            self.people.change_policy: 3,
            self.people.delete_released: 4,
            self.people.change_class: 4,
            self.people.write: 5,
        }

    def _faulty(self) -> Weights:
        return {
            self.network.lose_create: 3,
            self.network.refuse_create: 1,
            self.network.fail_another: 2,
            self.replicas.arm_fault: 6,
            self.replicas.time_out: 2,
            self.replicas.crash: 2,
        }

    def _rare(self, scenario: Scenario) -> Weights:
        steps: Weights = {}
        if scenario.late:
            steps |= {self.network.carry_out_late: 5, self.replicas.carry_out_late_call: 4}
        if scenario.edits:
            steps |= {self.people.annotate: 2, self.people.rebind: 2}
            steps |= {self.people.delete_any_volume: 2, self.people.create_volume_again: 2}
        if scenario.clusters > 1:
            steps |= {self.people.copy_volume: 1}
        if scenario.inherits:
            steps |= {NfsSubdir(self.cluster).create_volume: 5}
        if scenario.heirs and self.cluster.name == "a":
            steps |= {self.take_over_cluster: 1, self.people.create_heirloom: 8}
        if scenario.pods:
            steps |= {self.people.set_mode: 3, self.people.remove_files: 2}
        if scenario.full:
            steps |= {self.replicas.fill: 2}
        if scenario.expires:
            steps |= {self.replicas.expire_grant: 7}
        if scenario.beside:
            steps |= {self.beside.arm: 12}
        return steps

    def take_over_cluster(self) -> None:
        """The other cluster is gone; another process takes its volumes over, too."""
        if self.people.end_other_cluster():
            self.replicas.restart()

    def step(self) -> None:
        """One step; then nothing is left of a process that was replaced in the middle of it."""
        if self.cluster.is_gone:
            return
        [step] = self.cluster.random.choices(list(self._steps), list(self._steps.values()))
        step()
        self.replicas.tell_fault()
        self.replicas.close_replaced()

    def settle(self) -> bool:
        """Lets everything end; False if it does not come to rest."""
        if self.cluster.is_gone:
            return True
        self.cluster.say("--- nothing new happens")
        self.replicas.calm()
        self.network.calm()
        quiet = 0
        for _ in range(_ROUNDS):
            before = self.cluster.server.objects.version
            self._round()
            quiet = quiet + 1 if self.cluster.server.objects.version == before else 0
            if quiet == 3:
                return True
        return False

    def _round(self) -> None:
        while self.network.late:
            self.network.carry_out_late()
        self.manager.sync_all()
        self.replicas.see_all()
        self.replicas.retry_all()
        for _ in range(50):
            if not self.replicas.work():
                break
            self.replicas.see_all()
        self.replicas.reap()
        self.replicas.sweep()
        self.replicas.close_replaced()
