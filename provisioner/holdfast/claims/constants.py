"""Names of the Kubernetes volume provisioning contract.

Source: sigs.k8s.io/sig-storage-lib-external-provisioner, `controller/controller.go`, and
https://kubernetes.io/docs/reference/labels-annotations-taints/.
"""

from __future__ import annotations

PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
MIGRATED_TO = "pv.kubernetes.io/migrated-to"

# Which provisioner a claim is assigned to: the first that is present counts.
STORAGE_PROVISIONER = (
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
)
SELECTED_NODE = "volume.kubernetes.io/selected-node"
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"  # the controller manager has bound the claim
# Names the class of a claim or volume and wins over spec.storageClassName.
BETA_CLASS = "volume.beta.kubernetes.io/storage-class"

RETAIN = "Retain"  # a volume's reclaim policy

FINALIZER = "external-provisioner.volume.kubernetes.io/finalizer"

# Ours, on every volume: what is to become of the directory, where it is, and on which export (the
# export's id).
ON_DELETE = "holdfast.io/on-delete"
DIRECTORY = "holdfast.io/directory"
EXPORT = "holdfast.io/export"

# On the Lease of an export: whose it is, the other names that it serves, separated by spaces, the
# export's name, where pods mount it from, and how it is.
PROVISIONER = "holdfast.io/provisioner"
ALSO_KNOWN_AS = "holdfast.io/also-known-as"
EXPORT_NAME = "holdfast.io/export-name"
ADDRESS = "holdfast.io/address"
STATE = "holdfast.io/state"

# What messages call settings; `exports[]` is the list in the chart's values and in the file.
ALIASES = (
    "HOLDFAST_NFS_SERVER_ALIASES (chart: nfs.serverAliases; several exports: "
    "exports[].serverAliases)"
)
PATH = "NFS_PATH (chart: nfs.path; several exports: exports[].path)"
