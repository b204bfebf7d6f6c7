"""The StatefulSet of the seeds, `web`, with a writer beside its server."""

from __future__ import annotations

from typing import Any, Final

CLASS: Final = "nfs-client"
EXPORT: Final = "/srv/nfs/k8s"
_IMAGE: Final = "docker.io/library/nginx:1.26"
# One number a line, on the disk before it is told.
_WRITE: Final = """
cd /usr/share/nginx/html
hostname > name
n=0
while n=$((n + 1)); do
  echo $n | dd of=written oflag=append conv=notrunc,fsync status=none && echo $n
  sleep 0.2
done
"""


def objects() -> dict[str, Any]:
    """The headless Service and the StatefulSet."""
    return {"apiVersion": "v1", "kind": "List", "items": [_service(), _stateful_set()]}


def written(text: str) -> list[int]:
    """The numbers that a pod has written."""
    return [int(line) for line in text.splitlines()]


def _service() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "nginx", "labels": {"app": "nginx"}},
        "spec": {
            "clusterIP": "None",
            "selector": {"app": "nginx"},
            "ports": [{"port": 80, "name": "web"}],
        },
    }


def _stateful_set() -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "web"},
        "spec": {
            "serviceName": "nginx",
            "replicas": 2,
            "selector": {"matchLabels": {"app": "nginx"}},
            "template": {"metadata": {"labels": {"app": "nginx"}}, "spec": _pod()},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"},
            "volumeClaimTemplates": [_claim()],
        },
    }


def _pod() -> dict[str, Any]:
    volume = [{"name": "www", "mountPath": "/usr/share/nginx/html"}]
    apart = {
        "labelSelector": {"matchLabels": {"app": "nginx"}},
        "topologyKey": "kubernetes.io/hostname",
    }
    return {
        "terminationGracePeriodSeconds": 1,
        "affinity": {
            "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [apart]}
        },
        "containers": [
            {
                "name": "nginx",
                "image": _IMAGE,
                "ports": [{"containerPort": 80, "name": "web"}],
                "volumeMounts": volume,
            },
            {
                "name": "writer",
                "image": _IMAGE,
                "command": ["sh", "-c", _WRITE],
                "volumeMounts": volume,
            },
        ],
    }


def _claim() -> dict[str, Any]:
    return {
        "metadata": {"name": "www"},
        "spec": {
            "storageClassName": CLASS,
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
