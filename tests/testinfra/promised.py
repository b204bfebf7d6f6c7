"""What the machines are where an inventory says nothing.

Written down a second time and not read from the roles: a role is not asked whether it was right.
"""

from __future__ import annotations

from typing import Any, Final

from testbed.programs.recipes import KUBERNETES_VERSION

PROMISED: Final[dict[str, Any]] = {
    "container_runtime_cni_bin_dir": "/usr/lib/cni",
    "container_runtime_mirrors": {},
    "container_runtime_packages": ["containerd", "runc", "containernetworking-plugins"],
    "container_runtime_program": "/usr/sbin/runc",
    "container_runtime_sandbox_image": "registry.k8s.io/pause:3.10.2",
    "control_plane_cluster_domain": "cluster.local",
    "control_plane_pod_network": "10.244.0.0/16",
    "control_plane_proxy_mode": "nftables",
    "control_plane_renewal_days": 60,
    "etcd_snapshots_calendar": "*-*-* 03:15:00",
    "etcd_snapshots_directory": "/var/backups/etcd",
    "etcd_snapshots_keep": 7,
    "kubernetes_node_checksums": {},
    "kubernetes_node_directory": "/opt/kubernetes",
    "kubernetes_node_packages": ["iptables", "kmod"],
    "kubernetes_node_release_url": "https://dl.k8s.io/release",
    "kubernetes_node_version": KUBERNETES_VERSION,
    "nfs_client_idmap_domain": "",
    "nfs_client_v3": False,
    "nfs_server_exports": [],
    "nfs_server_filesystems": [],
    "nfs_server_firewall": False,
    "nfs_server_grace_time": 90,
    "nfs_server_idmap_domain": "",
    "nfs_server_lease_time": 90,
    "nfs_server_lockd_port": 32803,
    "nfs_server_manage_gids": False,
    "nfs_server_mountd_port": 20048,
    "nfs_server_statd_port": 32765,
    "nfs_server_versions": ["4.1", "4.2"],
    "provisioner_name": "holdfast.io/nfs",
    "provisioner_namespace": "holdfast",
    "provisioner_nfs_mount_options": ["nfsvers=4.2", "hard"],
    "provisioner_nfs_path": "/srv/nfs/k8s",
    "provisioner_release": "holdfast",
    "provisioner_replicas": 2,
    "provisioner_static_volumes": [],
    "provisioner_storage_classes": [
        {"name": "nfs-client", "defaultClass": True, "onDelete": "archive"}
    ],
    "verify_image": "docker.io/library/busybox:1.37",
    "verify_namespace": "holdfast-verify",
}
