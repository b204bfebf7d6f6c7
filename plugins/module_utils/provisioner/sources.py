"""What the provisioner's image is built from, as its Containerfile says, and by what name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.nfs.plugins.module_utils.logins import has_login, login_fault

CONTAINERFILE = "provisioner/Containerfile"
_COPY = re.compile(r"^COPY (?!--from=)(.+)$", re.MULTILINE)
_LEFT_OUT = ("__pycache__", ".pyc")


def image_sources(root: Path) -> dict[str, str]:
    """The texts of the Containerfile and of all that it copies, by their paths.

    Raises:
        FileNotFoundError: one of them is not beneath `root`.
    """
    texts = {CONTAINERFILE: (root / CONTAINERFILE).read_text(encoding="utf-8")}
    for line in _COPY.findall(texts[CONTAINERFILE]):
        for word in line.split()[:-1]:
            for path in _files(root / word):
                texts[str(path.relative_to(root))] = path.read_text(encoding="utf-8")
    return texts


def _files(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise FileNotFoundError(str(path))
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file() and not str(file).endswith(_LEFT_OUT):
            yield file


def image_key(files: Mapping[str, str], base: str) -> str:
    """What an image is built from, in 16 digits; another for any other content.

    Args:
        files: the texts of its sources by their paths
        base: the name of the base image
    """
    digest = hashlib.sha256(f"{base}\0".encode())
    for path, text in sorted(files.items()):
        digest.update(f"{path}\0{text}\0".encode())
    return digest.hexdigest()[:16]


def image_reference(repository: str, tag: str) -> str:
    """The whole name of an image, as the kubelet has it; a name without a registry is of docker.io.

    Args:
        repository: the image without its tag
        tag: its tag
    """
    first, slash, __ = repository.partition("/")
    if not slash:
        return f"docker.io/library/{repository}:{tag}"
    has_registry = first == "localhost" or "." in first or ":" in first
    return f"{repository}:{tag}" if has_registry else f"docker.io/{repository}:{tag}"


def image_settings(own: Mapping[str, Any], builder: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the image; those of the machine that builds it count where it has them.

    Args:
        own: those of this machine, by the names of the variables without `provisioner_image_`
        builder: the variables of the machine that builds it
    """
    return {name: builder.get(f"provisioner_image_{name}", value) for name, value in own.items()}


def image_setting_faults(settings: Mapping[str, Any], builder: str) -> list[str]:
    """What of the settings cannot be given to a build, a sentence each.

    Args:
        settings: as `image_settings` has them
        builder: the machine that builds, as the inventory names it
    """
    return [
        login_fault(f"provisioner_image_{name}", builder)
        for name, value in settings.items()
        if has_login(value)
    ]


def nodes_without_image(names: list[str], machines: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The nodes of these that have to get the image that is built.

    Args:
        names: the machines, as the inventory names them
        machines: the variables of each machine, `hostvars`
    """
    return [
        name for name in names if machines[name].get("__provisioner_image_look", {}).get("needed")
    ]
