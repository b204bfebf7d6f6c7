"""How a module reaches a cluster."""

from __future__ import annotations


class ModuleDocFragment:
    """Found by Ansible."""

    DOCUMENTATION = r"""
options:
  kubectl:
    description: The path of the program kubectl on the machine.
    type: path
    required: true
  kubeconfig:
    description: The file on the machine that says how to reach the API server.
    type: path
    required: true
"""
