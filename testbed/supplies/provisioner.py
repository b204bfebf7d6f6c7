"""The provisioner's own image, built from its Containerfile on the registry's Debian."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from holdfast import __version__
from testbed.errors import ImageError
from testbed.packages import need
from testbed.programs.cache import Cache
from testbed.supplies import registry

NAME: Final = f"holdfast-io/holdfast:{__version__}"
_PACKAGES: Final = ("buildah", "docker-registry")
_BASE: Final = "library/debian:trixie-slim"
_CHECKOUT: Final = Path(__file__).parents[2]
_DEADLINE: Final = 900.0
_CERTIFICATES: Final = "/run/pip.crt"  # while it is built


def push_provisioner(storage: Path, report: Callable[[str], None] = print) -> str:
    """Build the image, and put it into a registry's storage folder.

    Args:
        storage: has the base image; a registry may be serving it.
        report: told what takes long.

    Returns:
        The image's name and tag.

    Raises:
        TestbedError: it could not be built, or was not taken.
    """
    need(_PACKAGES, "to build the provisioner's image", report)
    report(f"building {NAME} (about 2 minutes the first time) …")
    start = time.monotonic()
    with registry.serving(storage) as address:
        _buildah(build_words(f"{address}/{_BASE}", pip_settings(_pip_config())))
        _buildah(["push", "--quiet", "--tls-verify=false", NAME, f"docker://{address}/{NAME}"])
    report(f"image {NAME} in {time.monotonic() - start:.0f} s")
    return NAME


def build_words(base: str, pip: Mapping[str, str]) -> list[str]:
    """The words after `buildah` that build the image; it repeats only steps that changed.

    Args:
        base: the image to build on.
        pip: this machine's settings, for while it is built.
    """
    certificates = pip.get("cert")
    arguments = {"BASE": base, "PIP_INDEX_URL": pip.get("index-url")}
    arguments["PIP_CERT"] = _CERTIFICATES if certificates else None
    return [
        *("build", "--layers", "--isolation=chroot", "--tls-verify=false"),
        *(f"--build-arg={name}={value}" for name, value in arguments.items() if value),
        *([f"--volume={certificates}:{_CERTIFICATES}:ro"] if certificates else []),
        f"--file={_CHECKOUT / 'provisioner' / 'Containerfile'}",
        f"--tag={NAME}",
        str(_CHECKOUT),
    ]


def pip_settings(listed: str) -> dict[str, str]:
    """What `pip config list` says, by setting; the environment's come first, and count."""
    settings: dict[str, str] = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        settings.setdefault(name.rpartition(".")[2], value.strip("'\""))
    return settings


def _pip_config() -> str:
    command = [sys.executable, "-m", "pip", "config", "list"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout


def _buildah(words: list[str]) -> None:
    folder = Cache("buildah", "images").path("storage")
    store = [f"--root={folder}", "--runroot=/run/holdfast-buildah"]
    done = subprocess.run(
        ["buildah", *store, *words],
        capture_output=True,
        text=True,
        timeout=_DEADLINE,
        check=False,
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise ImageError(f"buildah could not {words[0]} {NAME}. It says:\n{tail}")
