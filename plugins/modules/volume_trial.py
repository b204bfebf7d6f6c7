"""Tries a StorageClass with a claim and two pods; see module_utils/verify.

One module and not a task each: what was made has to go whatever happens, and what is wrong is known
only from several objects together.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_trial
short_description: Try whether a StorageClass gives volumes, and the cluster a network, to pods
description:
  - Makes a claim, a pod that writes to its volume, and a pod that reads the same, on another node
    where there is one. Both resolve a name, for which they need the pod network.
  - Removes all of it again, the directory of the volume too, whatever the class says of that.
  - Fails with what the cluster says of the claim and the pods.
options:
  namespace:
    description: The namespace that is created for the trial and removed after it.
    type: str
    required: true
  storage_class:
    description: The name of the StorageClass.
    type: str
    required: true
  image:
    description: An image with C(sh), C(cat), C(test), C(sleep) and C(nslookup).
    type: str
    required: true
  size:
    description: The size that the claim asks for, as V(1Mi).
    type: str
    required: true
  user:
    description: The user and group of the pods, as a number.
    type: int
    required: true
  seconds:
    description: How many seconds each step may take.
    type: int
    required: true
extends_documentation_fragment:
  - holdfast.nfs.attributes
  - holdfast.nfs.cluster
attributes:
  check_mode:
    support: partial
    details: Nothing is tried.
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Write to a volume on one node and read it on another
  holdfast.nfs.volume_trial:
    namespace: holdfast-verify
    storage_class: nfs-client
    image: docker.io/library/busybox:1.37
    size: 1Mi
    user: 65534
    seconds: 180
    kubectl: /usr/local/bin/kubectl
    kubeconfig: /etc/kubernetes/admin.conf
"""

RETURN = r"""
writer:
  description: The node of the pod that wrote.
  returned: success, except in check mode
  type: str
  sample: worker1
reader:
  description: The node of the pod that read.
  returned: success, except in check mode
  type: str
  sample: worker2
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.verify.proxy import ApiError, proxied
from ansible_collections.holdfast.nfs.plugins.module_utils.verify.trial import (
    Trial,
    TrialError,
    cleared_after,
)

ARGUMENTS = {
    "namespace": {"type": "str", "required": True},
    "storage_class": {"type": "str", "required": True},
    "image": {"type": "str", "required": True},
    "size": {"type": "str", "required": True},
    "user": {"type": "int", "required": True},
    "seconds": {"type": "int", "required": True},
    "kubectl": {"type": "path", "required": True},
    "kubeconfig": {"type": "path", "required": True},
}


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    if module.check_mode:
        module.exit_json(changed=False, skipped=True)
    wanted = module.params
    try:
        with proxied(wanted["kubectl"], wanted["kubeconfig"]) as api:
            trial = Trial(wanted, api)
            trial.begin()
            seen = cleared_after(trial)
    except (TrialError, ApiError) as error:
        name = wanted["storage_class"]
        module.fail_json(msg=f"Pods with a volume of StorageClass {name} do not work: {error}")
    module.exit_json(changed=False, **seen)


if __name__ == "__main__":
    main()
