"""What the lab serves to its machines, at its own end of the network: files and images."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from testbed.lab import network
from testbed.lab.background import Background
from testbed.lab.layout import Layout
from testbed.lab.machines import GATEWAY
from testbed.programs.cache import discard
from testbed.supplies import copy_storage
from testbed.supplies.provisioner import BASE

FILES_PORT: Final = 8000
REGISTRY_PORT: Final = 5000
FILES_URL: Final = f"http://{GATEWAY}:{FILES_PORT}"
REGISTRY: Final = f"{GATEWAY}:{REGISTRY_PORT}"
REGISTRY_URL: Final = f"http://{REGISTRY}"
# The paths of what the provisioner's image is built of, at the file server.
IMAGE_APT: Final = "debian/image"
IMAGE_PIP: Final = "pypi/simple"


def publish(layout: Layout, folders: Mapping[str, Path]) -> None:
    """Let the file server have these folders, by their paths in a URL."""
    for name, folder in folders.items():
        link = layout.served / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(folder)


def image_variables() -> dict[str, Any]:
    """The variables with which a role builds the provisioner's image of what is served."""
    return {
        "provisioner_image_base": f"{REGISTRY}/{BASE}",
        "provisioner_image_base_insecure": True,
        "provisioner_image_apt_sources": [f"deb [trusted=yes] {FILES_URL}/{IMAGE_APT} ./"],
        "provisioner_image_pip_index_url": f"{FILES_URL}/{IMAGE_PIP}",
    }


def start_files(layout: Layout) -> None:
    """Serve what was published, and what will be."""
    words = [sys.executable, "-I", "-m", "http.server", "--protocol", "HTTP/1.1"]
    words += ["--bind", GATEWAY, "--directory", str(layout.served), str(FILES_PORT)]
    _start(layout, "files", words)


def start_registry(layout: Layout, storage: Path) -> None:
    """Serve images: a copy of those in a folder, to which others may be pushed."""
    own, origin = images(layout), layout.disks / "registry.origin"
    if not origin.exists() or origin.read_text() != str(storage):
        service(layout, "registry").kill()
        discard(own)
        copy_storage(storage, own)
        origin.write_text(str(storage))
    configuration = layout.run / "registry.yml"
    configuration.write_text(registry_configuration(own))
    _start(layout, "registry", ["docker-registry", "serve", str(configuration)])


def images(layout: Layout) -> Path:
    """The folder of the images that the registry serves."""
    return layout.disks / "registry"


def registry_configuration(storage: Path) -> str:
    """The configuration of docker-registry, https://distribution.github.io/distribution/."""
    return json.dumps(  # which is YAML, too
        {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(storage)}},
            "http": {"addr": f"{GATEWAY}:{REGISTRY_PORT}"},
        }
    )


def service(layout: Layout, name: str) -> Background:
    """The process of a service."""
    return Background(name, layout.run / f"{name}.json", layout.run / f"{name}.log")


def _start(layout: Layout, name: str, words: list[str]) -> None:
    process = service(layout, name)
    if process.pid() is None:
        process.start([*network.inside(layout.namespace), *words])
