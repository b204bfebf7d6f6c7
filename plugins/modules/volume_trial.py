"""Tries a StorageClass with a claim and two pods; see module_utils/verify.

One module and not a task each: what was made has to go whatever happens, and what is wrong is known
only from several objects together.
"""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.verify.proxy import ApiError, proxied
from ansible_collections.holdfast.nfs.plugins.module_utils.verify.trial import (
    Trial,
    TrialError,
    cleared_after,
)

DOCUMENTATION = """
module: volume_trial
author: Holdfast
short_description: Try whether a StorageClass gives volumes that pods on two nodes share
description: Nothing is left behind, whatever the class says of its volumes' end.
options:
  namespace: {description: Made for the trial and removed after it., type: str, required: true}
  storage_class: {description: The class that is tried., type: str, required: true}
  image: {description: "An image with sh, cat and test.", type: str, required: true}
  size: {description: What the claim asks for., type: str, required: true}
  user: {description: The pods' user and group., type: int, required: true}
  seconds: {description: How long each step may take., type: int, required: true}
  kubectl: {description: The program., type: path, required: true}
  kubeconfig: {description: The file., type: path, required: true}
"""

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
        module.fail_json(msg=f"StorageClass {name} does not give volumes that work: {error}")
    module.exit_json(changed=False, **seen)


if __name__ == "__main__":
    main()
