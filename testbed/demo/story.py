"""The steps of the demo, in order: each does one thing, and gives how to see that it happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from testbed.demo.differences import (
    Differs,
    first,
    not_as_asked,
    not_bound,
    not_holding,
    not_in,
    pods_differ,
    still,
)
from testbed.demo.rows import GONE
from testbed.demo.stage import Stage
from testbed.demo.workloads import HTTPD, MYAPP, REDIS, WORKLOADS, Workload


@dataclass(frozen=True, slots=True)
class Step:
    """`act` does it and gives what to look at; `fact` is what is to be seen then."""

    subject: str
    fact: str
    act: Callable[[Stage], Differs]


_ARCHIVED, _DELETED = "default/reports", "default/scratch"


def _start_cluster(stage: Stage) -> Differs:
    stage.start_cluster()
    return lambda: "" if stage.kubectl("get", "--raw=/readyz") == "ok" else "not ready"


def _start_provisioner(stage: Stage) -> Differs:
    return stage.start_provisioner()


def _apply(workload: Workload) -> Callable[[Stage], Differs]:
    def act(stage: Stage) -> Differs:
        stage.apply(workload.folder)
        return lambda: first(
            not_bound(stage.rows[claim]) or not_as_asked(stage.rows[claim], workload)
            for claim in workload.claims
        )

    return act


def _write(stage: Stage) -> Differs:
    for workload in WORKLOADS:
        for claim, content in workload.claims.items():
            stage.rows.write(claim, workload.file, content)
    return _look_again(stage)


def _look_again(stage: Stage) -> Differs:
    written = [pair for workload in WORKLOADS for pair in workload.claims.items()]
    return lambda: first(not_holding(stage.rows[claim], text) for claim, text in written)


def _replace_pod(stage: Stage) -> Differs:
    pod, kept = REDIS.pod(0), still(stage, REDIS)
    before = stage.pods(REDIS.namespace)[pod]["metadata"]["uid"]
    stage.kubectl("delete", "pod", pod, "--wait=false")

    def differs() -> str:
        now = stage.pods(REDIS.namespace).get(pod)
        if now is None or now["metadata"]["uid"] == before:
            return f"pod {pod} has no successor"
        return pods_differ(stage, REDIS, 2) or kept()

    return differs


def _scale(replicas: int) -> Callable[[Stage], Differs]:
    def act(stage: Stage) -> Differs:
        kept = still(stage, MYAPP)
        stage.kubectl("scale", "statefulset", MYAPP.set_name, f"--replicas={replicas}")
        return lambda: (
            pods_differ(stage, MYAPP, replicas) or not_bound(stage.rows[MYAPP.claim(3)]) or kept()
        )

    return act


def _scale_down(stage: Stage) -> Differs:
    stage.rows.write(MYAPP.claim(3), MYAPP.file, "four")
    stage.rows.look()
    return _scale(2)(stage)


def _delete_set(stage: Stage) -> Differs:
    kept = still(stage, HTTPD)
    stage.delete(f"{HTTPD.folder}/statefulset.yaml")
    return lambda: (
        pods_differ(stage, HTTPD, 0)
        or first(not_bound(stage.rows[claim]) for claim in HTTPD.claims)
        or kept()
    )


def _delete_claims(stage: Stage) -> Differs:
    kept = still(stage, HTTPD)
    stage.kubectl("delete", "pvc", "--all", "--wait=false", "-n", HTTPD.namespace)
    return lambda: first(not_in("Released", stage.rows[key]) for key in HTTPD.claims) or kept()


def _apply_reclaimed(stage: Stage) -> Differs:
    stage.apply("reclaim-actions")
    return lambda: first(not_bound(stage.rows[claim]) for claim in (_ARCHIVED, _DELETED))


def _archive(stage: Stage) -> Differs:
    stage.rows.write(_ARCHIVED, "report.txt", "2024")
    stage.kubectl("delete", "pvc", "reports", "--wait=false")

    def differs() -> str:
        row = stage.rows[_ARCHIVED]
        if row.place != f"archived-{row.named}" or row.content != "2024":
            return f"{row.named} is {row.place or 'nowhere'} with {row.content!r} in it"
        return not_in(GONE, row)

    return differs


def _remove(stage: Stage) -> Differs:
    stage.rows.write(_DELETED, "cache.bin", "old")
    stage.kubectl("delete", "pvc", "scratch", "--wait=false")

    def differs() -> str:
        row = stage.rows[_DELETED]
        return f"{row.place} is there" if row.place else not_in(GONE, row)

    return differs


STORY: Final = (
    Step("cluster", "etcd, kube-apiserver, kube-controller-manager are ready", _start_cluster),
    Step("holdfast", "the provisioner is ready, over an empty directory", _start_provisioner),
    Step("httpd", "3 claims Bound, each with a directory of mode 0777", _apply(HTTPD)),
    Step("redis", "2 claims Bound, ReadWriteMany, 100Mi", _apply(REDIS)),
    Step("myapp", "3 claims Bound, 2Gi, class named by the annotation", _apply(MYAPP)),
    Step("data", "a file in each directory, as its pod would write it", _write),
    Step("redis", "pod deleted: its successor has its claim and its data", _replace_pod),
    Step("myapp", "scaled to 4: one more claim Bound", _scale(4)),
    Step("myapp", "scaled to 2: all 4 claims and the data stay", _scale_down),
    Step("myapp", "scaled to 4: the same claims, volumes and data", _scale(4)),
    Step("httpd", "StatefulSet deleted: claims Bound, data unchanged", _delete_set),
    Step("httpd", "claims deleted: volumes Released, data unchanged", _delete_claims),
    Step("reclaim", "2 claims Bound: one to archive, one to delete", _apply_reclaimed),
    Step("archive", "claim deleted: directory archived, data in it", _archive),
    Step("delete", "claim deleted: directory removed", _remove),
    Step("export", "all other directories are there, with their data", _look_again),
)
