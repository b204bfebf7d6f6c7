"""An example, applied with kustomize and waited for, or removed with its namespace.

One module and not tasks: what kubectl needs in files is on the controller, and whether something
changed is known only from what it says of each object.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: workload
short_description: Apply an example to a cluster, or remove it
description:
  - Applies a folder with kustomize, and waits for its Deployments, StatefulSets and DaemonSets.
  - The objects are in a namespace that is created for them, unless they bring one along.
options:
  name:
    description: The folder of the example in O(files).
    type: str
    required: true
  state:
    description: Whether the example is to be there. V(absent) removes its namespace as well.
    type: str
    choices: [present, absent]
    default: present
  files:
    description:
      - The texts of the files by their paths.
      - The lookup P(holdfast.nfs.example_files#lookup) reads them on the controller.
    type: dict
    required: true
  namespace:
    description: The namespace that is created.
    type: str
    required: true
  seconds:
    description: How many seconds each workload may take to become ready, or to be removed.
    type: int
    required: true
extends_documentation_fragment:
  - holdfast.nfs.attributes
  - holdfast.nfs.cluster
attributes:
  check_mode:
    support: full
    details: Asks the API server for a dry run.
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Apply an example
  holdfast.nfs.workload:
    name: redis
    files: "{{ lookup('holdfast.nfs.example_files', 'redis', folder='/srv/holdfast/examples') }}"
    namespace: example-redis
    seconds: 600
    kubectl: /usr/local/bin/kubectl
    kubeconfig: /etc/kubernetes/admin.conf

- name: Remove an example and its claims
  holdfast.nfs.workload:
    name: redis
    state: absent
    files: "{{ lookup('holdfast.nfs.example_files', 'redis', folder='/srv/holdfast/examples') }}"
    namespace: example-redis
    seconds: 600
    kubectl: /usr/local/bin/kubectl
    kubeconfig: /etc/kubernetes/admin.conf
"""

RETURN = r"""
objects:
  description: What kubectl says of each object that was created, changed or deleted.
  returned: success
  type: list
  elements: str
  sample: [namespace/example-redis created, statefulset.apps/redis created]
namespace:
  description: The namespace that the objects are in.
  returned: success
  type: str
  sample: example-redis
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "files": {"type": "dict", "required": True},
    "namespace": {"type": "str", "required": True},
    "seconds": {"type": "int", "required": True},
    "kubectl": {"type": "path", "required": True},
    "kubeconfig": {"type": "path", "required": True},
}

Kubectl = Callable[..., str]

_WAITED_FOR = "deployments,statefulsets,daemonsets"
_EVENT = "custom-columns=NAME:.involvedObject.name,REASON:.reason,MESSAGE:.message"


class WorkloadError(Exception):
    """It could not be done; the message says why."""


class Workload:
    """One example; `kubectl` runs the program and raises WorkloadError."""

    def __init__(self, wanted: Mapping[str, Any], folder: Path, kubectl: Kubectl) -> None:
        """`folder` holds the example's files."""
        self._kubectl = kubectl
        self._kustomize = f"--kustomize={folder / wanted['name']}"
        self._limit = f"--timeout={wanted['seconds']}s"
        brought = namespace_of(kubectl("kustomize", str(folder / wanted["name"])))
        self.namespace = brought or wanted["namespace"]
        self._brings_it = bool(brought)
        # With a namespace of their own, kubectl takes objects only without the flag.
        self._where = [] if brought else [f"--namespace={self.namespace}"]

    def changes(self, *, present: bool) -> list[str]:
        """What would be changed."""
        if not self._is_there():
            return [f"namespace {self.namespace}"] if present else []
        if not present:
            return [f"namespace {self.namespace}"]
        return changed(self._apply("--dry-run=server"))

    def make(self) -> list[str]:
        """Apply it and wait; what was changed."""
        made = []
        if not self._brings_it and not self._is_there():
            made = changed(self._kubectl("create", "namespace", self.namespace))
        made += changed(self._apply())
        self._await()
        return made

    def remove(self) -> list[str]:
        """Delete all of it, the namespace with its claims last; what was deleted."""
        if not self._is_there():
            return []
        command = ("delete", self._kustomize, *self._where, "--ignore-not-found", self._limit)
        said = self._kubectl(*command)
        gone = ("delete", "namespace", self.namespace, "--ignore-not-found", self._limit)
        return changed(said + self._kubectl(*gone))

    def _is_there(self) -> bool:
        asked = ("get", "namespace", self.namespace, "--ignore-not-found", "--output=name")
        return bool(self._kubectl(*asked))

    def _apply(self, *more: str) -> str:
        return self._kubectl("apply", self._kustomize, *self._where, *more)

    def _await(self) -> None:
        inside = f"--namespace={self.namespace}"
        for name in self._kubectl("get", _WAITED_FOR, inside, "--output=name").split():
            try:
                self._kubectl("rollout", "status", name, inside, self._limit)
            except WorkloadError as error:
                why = "; ".join(self._warnings(inside)[-5:]) or str(error)
                raise WorkloadError(f"{name} is not ready: {why}") from error

    def _warnings(self, inside: str) -> list[str]:
        asked = ("get", "events", inside, "--field-selector=type=Warning", "--no-headers")
        order = "--sort-by=.lastTimestamp"
        said = self._kubectl(*asked, order, f"--output={_EVENT}")
        return [" ".join(line.split()) for line in said.splitlines()]


def namespace_of(manifests: str) -> str:
    """The namespace that rendered manifests bring along; empty where they bring none.

    Kustomize renders it with two lines of metadata at most, and Python on the machine knows no
    YAML.
    """
    for manifest in manifests.split("\n---\n"):
        lines = manifest.splitlines()
        if "kind: Namespace" in lines:
            names = [line.split()[1] for line in lines if line.startswith("  name: ")]
            return names[0]
    return ""


def changed(said: str) -> list[str]:
    """The objects that kubectl says it made, changed or deleted."""
    lines = [line for line in said.splitlines() if line.strip()]
    return [line for line in lines if " unchanged" not in line]


@contextlib.contextmanager
def written(files: Mapping[str, str]) -> Iterator[Path]:
    """A folder with these files, which goes at the end."""
    with tempfile.TemporaryDirectory(prefix="workload-") as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        yield Path(folder)


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    present = module.params["state"] == "present"
    try:
        with written(module.params["files"]) as folder:
            workload = Workload(module.params, folder, _kubectl(module))
            changes = _act(workload, present=present, dry=module.check_mode)
    except WorkloadError as error:
        module.fail_json(msg=f"example {module.params['name']}: {error}")
    module.exit_json(changed=bool(changes), objects=changes, namespace=workload.namespace)


def _act(workload: Workload, *, present: bool, dry: bool) -> list[str]:
    if dry:
        return workload.changes(present=present)
    return workload.make() if present else workload.remove()


def _kubectl(module: AnsibleModule) -> Kubectl:
    def run(*arguments: str) -> str:
        environment = {"KUBECONFIG": module.params["kubeconfig"]}
        command = [module.params["kubectl"], *arguments]
        code, output, errors = module.run_command(command, environ_update=environment)
        if code:
            raise WorkloadError(errors.strip() or output.strip())
        return str(output)

    return run


if __name__ == "__main__":
    main()
