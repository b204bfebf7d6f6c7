"""A chart, released; changed is what changes in the cluster.

kubernetes.core.helm compares the chart's version and the values. A failed release has both, so that
it is never tried again; and of a chart that is edited it sees nothing. This compares what is
rendered.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_release
short_description: Release a Helm chart
description:
  - Installs or upgrades a release where it differs from what the chart renders, or uninstalls it.
  - A failed release is tried again, and an edited chart is noticed without a new version, because
    manifests are compared and not versions and values.
  - A StorageClass that cannot be patched is deleted and made anew; volumes are not affected.
options:
  name:
    description: The name of the release.
    type: str
    required: true
  namespace:
    description: The namespace of the release, created where it is missing.
    type: str
    required: true
  state:
    description: Whether the release is to be installed.
    type: str
    choices: [present, absent]
    default: present
  chart:
    description:
      - The texts of the chart's files by their paths within the chart.
      - The lookup P(holdfast.nfs.chart_files#lookup) reads them on the controller.
      - Needed with O(state=present).
    type: dict
    default: {}
  values:
    description: The values of the release.
    type: dict
    default: {}
  secret_values:
    description: More values, which override O(values) and are not shown in logs.
    type: dict
    default: {}
  helm:
    description: The path of the program helm on the machine.
    type: path
    required: true
extends_documentation_fragment:
  - holdfast.nfs.attributes
  - holdfast.nfs.cluster
attributes:
  check_mode:
    support: full
    details: Where the machine has no helm or no kubeconfig yet, O(state=present) reports a change.
  diff_mode:
    support: full
    details: Shows the manifests of the release without their Secrets.
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Install or upgrade the provisioner's release
  holdfast.nfs.helm_release:
    name: holdfast
    namespace: holdfast
    chart: "{{ lookup('holdfast.nfs.chart_files', provisioner_chart) }}"
    values:
      nfs:
        server: nfs.example.com
        path: /srv/nfs/k8s
    helm: /usr/local/bin/helm
    kubectl: /usr/local/bin/kubectl
    kubeconfig: /etc/kubernetes/admin.conf

- name: Uninstall the provisioner's release
  holdfast.nfs.helm_release:
    name: holdfast
    namespace: holdfast
    state: absent
    helm: /usr/local/bin/helm
    kubectl: /usr/local/bin/kubectl
    kubeconfig: /etc/kubernetes/admin.conf
"""

RETURN = r"""
replaced:
  description: The names of the StorageClasses that were deleted and made anew.
  returned: when O(state=present)
  type: list
  elements: str
  sample: [nfs-client]
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "state": {"choices": ["present", "absent"], "default": "present"},
    "chart": {"type": "dict", "default": {}},
    "values": {"type": "dict", "default": {}},
    "secret_values": {"type": "dict", "default": {}, "no_log": True},
    "helm": {"type": "path", "required": True},
    "kubectl": {"type": "path", "required": True},
    "kubeconfig": {"type": "path", "required": True},
}

_CLASS = re.compile(r'cannot patch "([^"]+)" with kind StorageClass')
# What is left where helm was killed in the midst of its work; it refuses to go on by itself.
_HALF_DONE = re.compile(r"pending-|uninstalling")


class HelmError(Exception):
    """Helm failed; the message is its own."""


class Release:
    """One release, asked and changed through helm."""

    def __init__(self, module: AnsibleModule, folder: Path) -> None:
        """`folder` gets the chart and the values; the caller removes it."""
        self._module = module
        self._name: str = module.params["name"]
        self._namespace: str = module.params["namespace"]
        self._chart = folder / "chart"
        self._values = [folder / "values.json", folder / "secret.json"]
        self._environment = {
            "KUBECONFIG": module.params["kubeconfig"],
            **{f"HELM_{kind}_HOME": str(folder) for kind in ("CACHE", "CONFIG", "DATA")},
        }
        for path, text in module.params["chart"].items():
            file = self._chart / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        for file, parameter in zip(self._values, ("values", "secret_values"), strict=True):
            file.touch(mode=0o600)
            file.write_text(json.dumps(module.params[parameter]), encoding="utf-8")

    def current(self) -> tuple[str, str]:
        """Its status, and its manifest; both empty where there is none."""
        try:
            found = self._helm("status", self._name, "--output=json")
        except HelmError as error:
            if "release: not found" in str(error):
                return "", ""
            raise
        release = json.loads(found)
        return release["info"]["status"], release["manifest"]

    def is_there(self) -> bool:
        """Whether there is one, asked of kubectl: helm keeps each revision in a Secret."""
        selector = f"--selector=owner=helm,name={self._name}"
        return bool(
            self._kubectl("get", "secret", f"--namespace={self._namespace}", selector, "-o=name")
        )

    def rendered(self) -> str:
        """Its manifest as it is to be.

        Not by a dry run of the upgrade, which asks the API server for all kinds that it knows and
        takes four times as long; the chart makes no use of what it would learn.
        """
        return self._helm("template", *self._chart_and_values(), "--is-upgrade", "--no-hooks")

    def forget_half_done(self, status: str) -> None:
        """Takes back what a helm that was killed had begun."""
        if not _HALF_DONE.match(status):
            return
        selector = f"--selector=owner=helm,name={self._name},status={status}"
        self._kubectl("delete", "secret", f"--namespace={self._namespace}", selector)

    def apply(self) -> list[str]:
        """Installs or upgrades it; the classes that had to be made anew.

        A class cannot be changed. It is nothing but a rule for volumes that are yet to be made, so
        another of the same name takes its place.
        """
        try:
            self._upgrade()
        except HelmError as error:
            classes = _CLASS.findall(str(error))
            if not classes:
                raise
        else:
            return []
        self._kubectl("delete", "storageclass", *classes)
        self._upgrade()
        return classes

    def remove(self) -> None:
        """Uninstalls it. Volumes that were made for claims are not a part of it, and stay."""
        self._helm("uninstall", self._name)

    def _upgrade(self) -> None:
        command = ["upgrade", "--install", *self._chart_and_values()]
        self._helm(*command, "--create-namespace", "--history-max=5")

    def _chart_and_values(self) -> list[str]:
        return [self._name, str(self._chart), *(f"--values={file}" for file in self._values)]

    def _helm(self, *arguments: str) -> str:
        return self._run("helm", *arguments, f"--namespace={self._namespace}")

    def _kubectl(self, *arguments: str) -> str:
        return self._run("kubectl", *arguments)

    def _run(self, program: str, *arguments: str) -> str:
        command = [self._module.params[program], *arguments]
        code, output, errors = self._module.run_command(command, environ_update=self._environment)
        if code:
            raise HelmError(errors.strip() or output.strip())
        return str(output)


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    absent = module.params["state"] == "absent"
    if module.check_mode and not absent and not _can_be_asked(module.params):
        module.exit_json(changed=True, replaced=[])
    release = Release(module, Path(module.tmpdir))
    try:
        module.exit_json(**(_removed if absent else _released)(module, release))
    except HelmError as error:
        done = "removed" if absent else "released"
        module.fail_json(msg=f"{module.params['name']} cannot be {done}: {error}")


def _can_be_asked(parameters: dict[str, Any]) -> bool:
    """Whether there is a cluster yet, and helm; in check mode on a fresh machine there is not."""
    return bool(shutil.which(parameters["helm"])) and Path(parameters["kubeconfig"]).exists()


def _released(module: AnsibleModule, release: Release) -> dict[str, Any]:
    status, before = release.current()
    if not module.check_mode:
        release.forget_half_done(status)
    after = release.rendered()
    changed = status != "deployed" or before != after
    replaced = release.apply() if changed and not module.check_mode else []
    diff = {"before": without_secrets(before), "after": without_secrets(after)}
    return {"changed": changed, "replaced": replaced, "diff": diff}


def _removed(module: AnsibleModule, release: Release) -> dict[str, Any]:
    if not _can_be_asked(module.params):
        _refuse_unseen(module.params, release)
        return {"changed": False}
    status, before = release.current()
    if status and not module.check_mode:
        release.remove()
    return {"changed": bool(status), "diff": {"before": without_secrets(before), "after": ""}}


def _refuse_unseen(parameters: dict[str, Any], release: Release) -> None:
    """Without helm, as after an earlier removal: returns if there is no release, else raises."""
    if not Path(parameters["kubeconfig"]).exists():
        raise HelmError(
            f"there is no kubeconfig {parameters['kubeconfig']}, so nobody can tell whether it is "
            "installed; let provisioner_kubeconfig name the cluster's. Where the cluster is gone, "
            "take this machine out of the group kubernetes_api."
        )
    if release.is_there():
        raise HelmError(
            f"it is installed, and there is no helm {parameters['helm']} that could uninstall it; "
            "let provisioner_helm name one, or run playbooks/provisioner.yml, which installs helm."
        )


def without_secrets(manifest: str) -> str:
    """A manifest to show."""
    documents = manifest.split("---\n")
    return "---\n".join(one for one in documents if "\nkind: Secret\n" not in one)


if __name__ == "__main__":
    main()
