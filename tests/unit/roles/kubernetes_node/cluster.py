"""What kubectl prints of a cluster whose control plane is the machine `control`."""

from __future__ import annotations

from typing import Any

WANTED = "v1.36.3"
OLD = "v1.35.7"
_STATIC_PODS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


def cluster(
    *, configuration: str = WANTED, containerd: str = "containerd://1.7.24", **images: str
) -> dict[str, Any]:
    """Nodes, pods, daemonsets and configmaps; images by the part that has another."""
    return {
        "kind": "List",
        "items": [
            *(_node(name, containerd) for name in ("control", "worker1")),
            *(_static_pod(part, images) for part in _STATIC_PODS),
            _pod("coredns-x", "registry.k8s.io/coredns:v1.12", {"k8s-app": "kube-dns"}),
            _daemonset("kube-proxy", images),
            _configmap("kube-root-ca.crt", {}),
            _configmap("kubeadm-config", {"ClusterConfiguration": _configuration(configuration)}),
        ],
    }


def _configuration(version: str) -> str:
    return f"kind: ClusterConfiguration\nkubernetesVersion: {version}\n"


def _image(part: str, images: dict[str, str]) -> str:
    return images.get(part, f"registry.k8s.io/{part}:{WANTED}")


def _node(name: str, containerd: str) -> dict[str, Any]:
    info = {"containerRuntimeVersion": containerd, "kubeletVersion": WANTED}
    return {"kind": "Node", "metadata": {"name": name}, "status": {"nodeInfo": info}}


def _static_pod(part: str, images: dict[str, str]) -> dict[str, Any]:
    labels = {"component": part, "tier": "control-plane"}
    return _pod(f"{part}-control", _image(part, images), labels)


def _pod(name: str, image: str, labels: dict[str, str]) -> dict[str, Any]:
    spec = {"nodeName": "control", "containers": [{"name": "it", "image": image}]}
    return {"kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}


def _daemonset(name: str, images: dict[str, str]) -> dict[str, Any]:
    template = {"spec": {"containers": [{"name": "it", "image": _image(name, images)}]}}
    return {"kind": "DaemonSet", "metadata": {"name": name}, "spec": {"template": template}}


def _configmap(name: str, data: dict[str, str]) -> dict[str, Any]:
    return {"kind": "ConfigMap", "metadata": {"name": name}, "data": data}
