"""The programs that a lab's machines fetch or run in containers, beside those of the testbed.

Each module under modules/ is one of its own, because their dependencies want different versions,
and because who only wants `make demo` should not build any of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from testbed.programs.recipes import (
    APISERVER,
    CONTROLLER_MANAGER,
    ETCD_VERSION,
    KUBECTL,
    KUBERNETES_VERSION,
    Module,
    Recipe,
)

PREVIOUS_VERSION: Final = "v1.35.4"  # what an upgrade starts from
COREDNS_VERSION: Final = "v1.14.2"
FLANNEL_VERSION: Final = "v0.28.4"
FLANNEL_CNI_VERSION: Final = "v1.9.1-flannel3"  # the one whose configuration ours understands
HELM_VERSION: Final = "v3.22.0"
PAUSE_VERSION: Final = "3.10.2"

_MAJOR, _MINOR, _ = KUBERNETES_VERSION.removeprefix("v").split(".")
_MODULES: Final = Path(__file__).parent / "modules"
_NODE: Final = Module(
    _MODULES / "kubernetes",
    (KUBERNETES_VERSION,),
    release=KUBERNETES_VERSION,
)
_PREVIOUS: Final = Module(
    _MODULES / "kubernetes-previous",
    (PREVIOUS_VERSION,),
    release=PREVIOUS_VERSION,
)
_COREDNS: Final = Module(_MODULES / "coredns", (COREDNS_VERSION,))
_ETCDUTL: Final = Module(_MODULES / "etcdutl", (ETCD_VERSION,))
_FLANNEL: Final = Module(
    _MODULES / "flannel",
    (FLANNEL_VERSION,),
    stamps={"github.com/flannel-io/flannel/pkg/version.Version": FLANNEL_VERSION},
    static_c=True,
)
# Without the last, `helm template` takes every cluster for Kubernetes 1.20.
_HELM: Final = Module(
    _MODULES / "helm",
    (HELM_VERSION,),
    stamps={
        "helm.sh/helm/v3/internal/version.version": HELM_VERSION,
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor": _MAJOR,
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor": _MINOR,
        "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor": _MAJOR,
        "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor": _MINOR,
    },
)
_SMALL: Final = Module(
    _MODULES / "small",
    (PAUSE_VERSION, FLANNEL_CNI_VERSION),
    stamps={"main.version": PAUSE_VERSION},
)

COREDNS: Final = Recipe("coredns", ".", "2 minutes", _COREDNS)
ETCDUTL: Final = Recipe("etcdutl", "go.etcd.io/etcd/etcdutl/v3", "a minute", _ETCDUTL)
FLANNELD: Final = Recipe("flanneld", "github.com/flannel-io/flannel", "2 minutes", _FLANNEL)
FLANNEL_CNI: Final = Recipe("flannel-cni", "./flannel-cni", "10 s", _SMALL)
HELM: Final = Recipe("helm", "helm.sh/helm/v3/cmd/helm", "a minute", _HELM)
PAUSE: Final = Recipe("pause", "./pause", "5 s", _SMALL)


def _kubernetes(name: str, module: Module, duration: str = "a minute") -> Recipe:
    return Recipe(name, f"k8s.io/kubernetes/cmd/{name}", duration, module)


def _by_name(*recipes: Recipe) -> dict[str, Recipe]:
    return {recipe.name: recipe for recipe in recipes}


# Of each Kubernetes version, its programs by name.
KUBERNETES: Final = {
    KUBERNETES_VERSION: _by_name(
        APISERVER,
        CONTROLLER_MANAGER,
        KUBECTL,
        *(
            _kubernetes(name, _NODE)
            for name in ("kubeadm", "kubelet", "kube-proxy", "kube-scheduler")
        ),
    ),
    PREVIOUS_VERSION: _by_name(
        _kubernetes("kube-apiserver", _PREVIOUS, "5 minutes"),
        *(
            _kubernetes(name, _PREVIOUS)
            for name in (
                "kube-controller-manager",
                "kubectl",
                "kubeadm",
                "kubelet",
                "kube-proxy",
                "kube-scheduler",
            )
        ),
    ),
}
