"""The objects that tests of the control plane put into it, as small as the API server allows."""

from __future__ import annotations

from testbed.client import Json


def stateful_set(name: str, replicas: int, class_name: str | None) -> Json:
    """A StatefulSet; with a class, each replica has a claim named `data-NAME-NUMBER`."""
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "main", "image": "none"}]},
    }
    claim = {
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": class_name,
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {
            "serviceName": name,
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": template,
            "volumeClaimTemplates": [] if class_name is None else [claim],
        },
    }


def static_volume(name: str, class_name: str) -> Json:
    """A volume that no provisioner made, and no kubelet will ever mount."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Mi"},
            "storageClassName": class_name,
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": "/nowhere"},
        },
    }


def waiting_class(name: str) -> Json:
    """A StorageClass that waits for a claim's first pod, and whose provisioner is nobody."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "example.com/none",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
