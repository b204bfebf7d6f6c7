"""The command lines of the three programs.

https://kubernetes.io/docs/reference/command-line-tools-reference/
https://etcd.io/docs/v3.6/op-guide/configuration/
"""

from __future__ import annotations

from pathlib import Path

from testbed.certificates import Pair
from testbed.ports import LOOPBACK

Command = list[str | Path]

# Those that a claim's life needs, and those that make and collect the objects around it. All
# others would only cost start-up time (and those of nodes would evict what runs on none).
_CONTROLLERS = (
    "deployment-controller",
    "ephemeral-volume-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "persistentvolume-binder-controller",
    "persistentvolume-expander-controller",
    "persistentvolume-protection-controller",
    "persistentvolumeclaim-protection-controller",
    "replicaset-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "statefulset-controller",
)


def etcd(program: Path, *, data: Path, port: int, peer_port: int) -> Command:
    """An etcd of one member, which does not wait for the disk."""
    url, peer_url = f"http://{LOOPBACK}:{port}", f"http://{LOOPBACK}:{peer_port}"
    return [
        program,
        f"--data-dir={data}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peer_url}",
        f"--initial-advertise-peer-urls={peer_url}",
        f"--initial-cluster=default={peer_url}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def apiserver(
    program: Path, *, etcd_port: int, port: int, authority: Path, serving: Pair, tokens: Path
) -> Command:
    """A kube-apiserver that authorises by RBAC; `tokens` is the key that signs them."""
    return [
        program,
        f"--etcd-servers=http://{LOOPBACK}:{etcd_port}",
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        f"--secure-port={port}",
        f"--client-ca-file={authority}",
        f"--tls-cert-file={serving.certificate}",
        f"--tls-private-key-file={serving.key}",
        f"--service-account-key-file={tokens}",
        f"--service-account-signing-key-file={tokens}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-cluster-ip-range=10.96.0.0/24",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        "--profiling=false",
        # A loopback address is refused as an endpoint, and nobody asks for it.
        "--endpoint-reconciler-type=none",
        # Refuses pods until the namespace's default account is there: a race in each test.
        "--disable-admission-plugins=ServiceAccount",
    ]


def controller_manager(
    program: Path,
    *,
    kubeconfig: Path,
    port: int,
    authority: Path,
    serving: Pair,
    tokens: Path,
    api_qps: int | None,
) -> Command:
    """A kube-controller-manager; `api_qps` None leaves it the default limits of its client."""
    limits = [] if api_qps is None else [f"--kube-api-qps={api_qps}", f"--kube-api-burst={api_qps}"]
    return [
        program,
        f"--kubeconfig={kubeconfig}",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={port}",
        f"--tls-cert-file={serving.certificate}",
        f"--tls-private-key-file={serving.key}",
        f"--root-ca-file={authority}",
        f"--service-account-private-key-file={tokens}",
        f"--controllers={','.join(_CONTROLLERS)}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--profiling=false",
        *limits,
    ]
