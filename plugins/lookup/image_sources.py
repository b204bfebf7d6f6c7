"""The sources of the provisioner's image on the controller, as {path: text}."""

from __future__ import annotations

DOCUMENTATION = r"""
name: image_sources
short_description: Read the sources of the provisioner's image on the controller
description:
  - Returns the texts of C(provisioner/Containerfile) and of all files that it copies, for
    O(holdfast.nfs.image_archive#module:files).
options:
  _terms:
    description: The folders that have C(provisioner/Containerfile), as the collection's own.
    type: list
    elements: path
    required: true
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Show the paths of the sources
  ansible.builtin.debug:
    msg: "{{ lookup('holdfast.nfs.image_sources', '/srv/holdfast').keys() }}"
"""

RETURN = r"""
_raw:
  description: For each folder, the texts of the files by their paths.
  type: list
  elements: dict
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.holdfast.nfs.plugins.module_utils.provisioner.sources import image_sources


class LookupModule(LookupBase):
    """`lookup('image_sources', folder)`."""

    def run(self, terms: list[str], variables: Any = None, **_: Any) -> list[dict[str, str]]:  # noqa: ARG002 - the base's name
        """One mapping for each folder."""
        return [_read(Path(term)) for term in terms]


def _read(folder: Path) -> dict[str, str]:
    try:
        return image_sources(folder)
    except OSError as error:
        raise AnsibleLookupError(
            f"{folder} does not have all sources of the provisioner's image ({error}); let "
            "provisioner_image_sources name a checkout or the collection's folder, or set "
            "provisioner_image_build to never"
        ) from error
