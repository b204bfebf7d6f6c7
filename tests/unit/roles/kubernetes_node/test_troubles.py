"""When the cluster is not ready, the sentence says what is not, and why."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.holdfast.nfs.plugins.filter.kubernetes_node import (
    cluster_troubles,
    kubeadm_errors,
)

Object = dict[str, Any]


def told(*items: Object) -> str:
    return cluster_troubles(json.dumps({"items": items}))


def node(*conditions: Object) -> Object:
    return {"kind": "Node", "metadata": {"name": "worker1"}, "status": {"conditions": conditions}}


def pod(**status: Any) -> Object:
    metadata = {"namespace": "kube-system", "name": "coredns", "uid": "1"}
    return {"kind": "Pod", "metadata": metadata, "spec": {"nodeName": "worker1"}, "status": status}


def event(message: str, *, kind: str = "Warning", uid: str = "1", time: str = "1") -> Object:
    return {
        "kind": "Event",
        "type": kind,
        "message": message,
        "lastTimestamp": time,
        "involvedObject": {"uid": uid},
    }


READY = {"type": "Ready", "status": "True"}


def test_a_node_that_is_not_ready_is_named_with_its_reason() -> None:
    unready = {"type": "Ready", "status": "False", "message": "cni plugin not initialized"}

    assert told(node(unready)) == "Node worker1 is not ready: cni plugin not initialized."


def test_a_node_whose_kubelet_never_reported_is_named() -> None:
    assert "worker1 is not ready: its kubelet has not reported yet." in told(node())


def test_a_container_that_waits_says_what_for() -> None:
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}

    found = told(pod(containerStatuses=[{"name": "dns", "state": waiting}]))

    assert found == (
        "Pod kube-system/coredns on worker1 is not ready: container dns waits: no such image."
    )


def test_the_last_warnings_of_a_pod_are_told_and_no_other_s() -> None:
    found = told(
        pod(phase="Pending"),
        event("second", time="2"),
        event("first", time="1"),
        event("third", time="3"),
        event("of another", uid="2", time="4"),
        event("Pulled", kind="Normal", time="5"),
    )

    assert found.endswith("not ready: second; third.")


def test_a_pod_without_a_reason_is_named_all_the_same() -> None:
    assert told(pod(phase="Pending")).endswith("is not ready: no reason is known.")


def test_what_is_ready_or_has_ended_well_is_no_trouble() -> None:
    found = told(node(READY), pod(conditions=[READY]), pod(phase="Succeeded"))

    assert found == "All nodes and pods that the cluster knows are ready."


def test_a_cluster_that_gives_no_answer_has_no_troubles_to_tell() -> None:
    assert cluster_troubles("").startswith("All nodes")


def test_kubeadm_s_complaints_are_told_without_the_rest() -> None:
    output = """[init] Using Kubernetes version: v1.36.3
error: error execution phase preflight: [preflight] Some fatal errors occurred:
\t[ERROR Port-6443]: Port 6443 is in use
\t[ERROR Mem]: the system RAM is less than the minimum
[preflight] If you know what you are doing, you can make a check non-fatal"""

    found = kubeadm_errors({"stdout": "[init] fine", "stderr": output})

    assert "[ERROR Port-6443]: Port 6443 is in use [ERROR Mem]" in found
    assert "Using" not in found
    assert "fine" not in found


def test_a_failure_before_kubeadm_ran_has_its_own_message() -> None:
    assert kubeadm_errors({"msg": "the API server is not reached"}) == (
        "the API server is not reached"
    )


def test_a_failure_in_other_words_is_told_by_the_last_of_them() -> None:
    output = "W1125 a warning\n\n[upgrade] FATAL: the job had no time\nsee --v=5 for more\n"

    assert kubeadm_errors({"msg": "non-zero return code", "stderr": output}) == (
        "non-zero return code [upgrade] FATAL: the job had no time see --v=5 for more"
    )


def test_many_complaints_are_told_by_the_first_and_their_number() -> None:
    output = "\n".join(f"\t[ERROR ImagePull]: no image {number}" for number in range(7))

    found = kubeadm_errors({"stderr": output})

    assert found.startswith("[ERROR ImagePull]: no image 0 ")
    assert found.endswith("no image 2 And 4 more.")
