"""The provisioner's image: its name, what it is built from, and which nodes have to get it."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.holdfast.nfs.plugins.module_utils.provisioner.sources import (
    image_key,
    image_reference,
    image_setting_faults,
    image_settings,
    nodes_without_image,
)


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {
            "image_key": image_key,
            "image_reference": image_reference,
            "image_setting_faults": image_setting_faults,
            "image_settings": image_settings,
            "nodes_without_image": nodes_without_image,
        }
