"""The provisioner's own image, built from its Containerfile on the registry's Debian."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from holdfast import __version__
from testbed.errors import ImageError
from testbed.names import names
from testbed.packages import need
from testbed.programs.cache import Cache
from testbed.supplies import registry
from testbed.supplies.archive import digest

# As a mirror has it, without the registry.
NAME: Final = f"{names()['image'].partition('/')[2]}:{__version__}"
_REFERENCE: Final = "holdfast"
_PACKAGES: Final = ("buildah", "docker-registry", "skopeo")
_CONTAINERFILE: Final = "provisioner/Containerfile"
_COPY: Final = re.compile(r"^COPY (?!--from=)(.+)$", re.MULTILINE)
BASE: Final = "library/debian:trixie-slim"
_CHECKOUT: Final = Path(__file__).parents[2]
_DEADLINE: Final = 900.0
_CERTIFICATES: Final = "/run/pip.crt"  # while it is built


def push_provisioner(storage: Path, report: Callable[[str], None] = print) -> str:
    """Build the image unless it is cached, and put it into a registry's storage folder.

    Args:
        storage: has the base image; a registry may be serving it.
        report: told what takes long.

    Returns:
        The image's name and tag.

    Raises:
        TestbedError: it could not be built, or was not taken.
    """
    cache = Cache(_key(_CHECKOUT, storage), "provisioner")
    need(_PACKAGES, "to build the provisioner's image", report)
    with registry.serving(storage) as address:
        base = f"{address}/{BASE}"
        layout = cache.made("image", lambda partial: _build(base, partial, report), report)
        registry.push(layout, _REFERENCE, address, NAME)
    return NAME


def _build(base: str, target: Path, report: Callable[[str], None]) -> None:
    report(f"building {NAME} (a minute the first time, seconds when only code changed) …")
    start = time.monotonic()
    buildah(build_words(base, pip_settings(_pip_config())))
    buildah(["push", "--quiet", NAME, f"oci:{target}:{_REFERENCE}"])
    report(f"image {NAME} in {time.monotonic() - start:.0f} s")


def _key(checkout: Path, storage: Path) -> str:
    """Changes with the base image, and with whatever goes into the new one."""
    name, _, tag = BASE.partition(":")
    repository = storage / "docker" / "registry" / "v2" / "repositories" / name
    base = repository / "_manifests" / "tags" / tag / "current" / "link"
    seen = hashlib.sha256(base.read_bytes())
    for path in inputs(checkout):
        seen.update(f"{path.relative_to(checkout)} {digest(path)}\n".encode())
    return seen.hexdigest()[:16]


def inputs(checkout: Path) -> list[Path]:
    """The Containerfile, and the files that it copies from the checkout."""
    containerfile = checkout / _CONTAINERFILE
    found = {containerfile}
    for words in _COPY.findall(containerfile.read_text()):
        for word in words.split()[:-1]:
            path = checkout / word
            found.update(path.rglob("*") if path.is_dir() else [path])
    return sorted(path for path in found if path.is_file() and path.suffix != ".pyc")


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
        f"--file={_CHECKOUT / _CONTAINERFILE}",
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


def buildah(words: list[str]) -> None:
    """Run buildah on the cache's own storage.

    In a mount namespace of its own, as what it mounts is then gone with it, however it ends.

    Raises:
        ImageError: it failed; with the last lines that it wrote.
    """
    store = [f"--root={buildah_storage()}", "--runroot=/run/holdfast-buildah"]
    done = subprocess.run(
        ["unshare", "--mount", "buildah", *store, *words],
        capture_output=True,
        text=True,
        timeout=_DEADLINE,
        check=False,
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise ImageError(f"buildah could not {words[0]} {NAME}. It says:\n{tail}")


def buildah_storage() -> Path:
    """Where buildah keeps what the next build need not do again."""
    return Cache("buildah", "images").path("storage")
