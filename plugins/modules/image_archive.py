"""The provisioner's image as an archive; see module_utils/provisioner/building.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_archive
short_description: Build the provisioner's image, and write it to an archive
description:
  - Builds the image with buildah in a folder of its own, and removes all of that again, also where
    it fails. What stays is the archive, which is to be removed by RV(folder).
  - Where the containerd of the machine has an image of O(key) already, that one is written.
  - In the archive it has another name, with which M(holdfast.nfs.node_image) loads it.
options:
  name:
    description: The whole name of the image, with its registry and its tag.
    type: str
    required: true
  key:
    description: What the image is built from, as the filter P(holdfast.nfs.image_key#filter) names
      it.
    type: str
    required: true
  files:
    description:
      - The texts of the sources by their paths.
      - The lookup P(holdfast.nfs.image_sources#lookup) reads them on the controller.
    type: dict
    required: true
  arguments:
    description: Build arguments of the Containerfile; empty ones are left out.
    type: dict
    default: {}
  certificates:
    description: A file on the machine with the certificates that pip trusts.
    type: str
    default: ''
  tls_verify:
    description: Whether the registry of the base image has to speak HTTPS, with a certificate that
      the machine trusts.
    type: bool
    default: true
  directory:
    description: Where the folder for the build is made. It takes about 1 GB.
    type: path
    default: /var/tmp
  seconds:
    description: How long each step may take.
    type: int
    default: 1800
extends_documentation_fragment:
  - holdfast.nfs.attributes
attributes:
  check_mode:
    support: full
    details: Builds nothing.
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Build the image
  holdfast.nfs.image_archive:
    name: registry.example.com/holdfast:0.1.0
    key: "{{ sources | holdfast.nfs.image_key('docker.io/library/debian:trixie-slim') }}"
    files: "{{ sources }}"
    arguments:
      BASE: docker.io/library/debian:trixie-slim
  vars:
    sources: "{{ lookup('holdfast.nfs.image_sources', '/srv/holdfast') }}"
  register: built

- name: Remove the archive
  ansible.builtin.file:
    path: "{{ built.folder }}"
    state: absent
"""

RETURN = r"""
archive:
  description: The archive, which any user of the machine can read.
  returned: success, and not in check mode
  type: str
  sample: /var/tmp/holdfast-image.x8w1/image.tar
folder:
  description: The folder of the archive, which is to be removed.
  returned: success, and not in check mode
  type: str
  sample: /var/tmp/holdfast-image.x8w1
"""

import platform
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.provisioner.building import (
    Wanted,
    build,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.provisioner.containerd import (
    Containerd,
    ImageError,
    Run,
    is_built_from,
    runner,
)

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "key": {"type": "str", "required": True, "no_log": False},
    "files": {"type": "dict", "required": True},
    "arguments": {"type": "dict", "default": {}},
    "certificates": {"type": "str", "default": ""},
    "tls_verify": {"type": "bool", "default": True},
    "directory": {"type": "path", "default": "/var/tmp"},  # noqa: S108 - a folder in it, which is root's
    "seconds": {"type": "int", "default": 1800},
}
REMEDY = (
    "Mend that and run this again, or let provisioner_image_repository and provisioner_image_tag "
    "name an image that the nodes can pull, and set provisioner_image_build to never."
)


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    if module.check_mode:
        module.exit_json(changed=True)
    for number in (signal.SIGHUP, signal.SIGTERM):  # so that the folder is removed then, too
        signal.signal(number, lambda signum, _: sys.exit(128 + signum))
    try:
        folder = Path(tempfile.mkdtemp(prefix="holdfast-image.", dir=module.params["directory"]))
        archive = _made(module.params, folder, runner(module))
    except (ImageError, OSError) as error:
        name, machine = module.params["name"], platform.node()
        module.fail_json(msg=f"{name} could not be built on {machine}: {error}\n{REMEDY}")
    module.exit_json(changed=True, folder=str(folder), archive=str(archive))


def _made(wanted: dict[str, Any], folder: Path, run: Run) -> Path:
    """The archive, in a folder with nothing else; without one there is no folder either."""
    archive, work = folder / "image.tar", folder / "build"
    try:
        work.mkdir()
        _write(wanted, work, archive, run)
        archive.chmod(0o644)  # it is fetched without privileges
        folder.chmod(0o711)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(work, ignore_errors=True)
    return archive


def _write(wanted: dict[str, Any], work: Path, archive: Path, run: Run) -> None:
    containerd = Containerd(run)
    if is_built_from(containerd.known_images().get(wanted["name"]), wanted["key"]):
        containerd.export(wanted["name"], str(archive))
        return
    asked = ("name", "files", "arguments", "certificates", "tls_verify", "seconds")
    build(Wanted(**{name: wanted[name] for name in asked}), work, archive, run)


if __name__ == "__main__":
    main()
