"""The provisioner's image, built from its sources with buildah in a folder that goes afterwards."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.holdfast.nfs.plugins.module_utils.provisioner.containerd import (
    ImageError,
    Run,
    loading_name,
    tail,
)

CONTAINERFILE = "provisioner/Containerfile"
# Where buildah keeps what it learns of registries and networks, whatever it is told; others' podman
# has its images and volumes there.
STATE = (Path("/var/lib/containers"), Path("/run/containers"))
_OWN_FILES = "cache/blob-info-cache-*"
_OWN_FOLDERS = ("cache", "networks", "")
_CERTIFICATES = "/run/pip.crt"  # while it is built
_STEP = re.compile(r"^(?:\[\d+/\d+\] )?STEP \d+(?:/\d+)?: (.+)$", re.MULTILINE)
_STEP_LENGTH = 100


@dataclass(frozen=True)
class Wanted:
    """An image to build.

    Attributes:
        name: its whole name.
        files: the texts of its sources by their paths.
        arguments: build arguments of the Containerfile; empty ones are left out.
        certificates: a file that pip trusts; empty for none.
        tls_verify: whether the registry of the base image has to prove who it is.
        seconds: how long each step may take.
    """

    name: str
    files: Mapping[str, str]
    arguments: Mapping[str, str]
    certificates: str
    tls_verify: bool
    seconds: int


@contextlib.contextmanager
def no_trace() -> Iterator[None]:
    """Removes what buildah has left in STATE; others' files stay, also those written meanwhile."""
    former = _files()
    new = [path for folder in STATE for path in _folders(folder) if not path.exists()]
    try:
        yield
    finally:
        for path in _files() - former:
            path.unlink(missing_ok=True)
        for path in new:
            with contextlib.suppress(OSError):  # it is not there, or others have something in it
                path.rmdir()


def _files() -> set[Path]:
    return {path for folder in STATE for path in folder.glob(_OWN_FILES)}


def _folders(folder: Path) -> list[Path]:
    return [folder / name for name in _OWN_FOLDERS]


def build(wanted: Wanted, folder: Path, archive: Path, run: Run) -> None:
    """Build the image and write it to an archive; all else goes into `folder`.

    Raises:
        ImageError: a step failed; the message has its last lines.
    """
    sources = folder / "sources"
    write(wanted.files, sources)
    target = f"oci-archive:{archive}:{loading_name(wanted.name)}"
    with no_trace():
        _buildah(wanted, folder, build_words(wanted, sources), run)
        _buildah(wanted, folder, ["push", "--quiet", wanted.name, target], run)


def write(files: Mapping[str, str], folder: Path) -> None:
    """Write the sources.

    Raises:
        ImageError: a path leads out of the folder.
    """
    for name, text in files.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ImageError(f"the source {name} is outside the sources of the image")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def build_words(wanted: Wanted, sources: Path) -> list[str]:
    """The words after `buildah` that build the image."""
    certificates = {"PIP_CERT": _CERTIFICATES} if wanted.certificates else {}
    arguments = {**wanted.arguments, **certificates}
    volume = f"--volume={wanted.certificates}:{_CERTIFICATES}:ro"
    return [
        *("build", "--isolation=chroot", f"--tls-verify={str(wanted.tls_verify).lower()}"),
        *(f"--build-arg={name}={value}" for name, value in arguments.items() if value),
        *([volume] if wanted.certificates else []),
        f"--file={sources / CONTAINERFILE}",
        f"--tag={wanted.name}",
        str(sources),
    ]


def _buildah(wanted: Wanted, folder: Path, words: list[str], run: Run) -> None:
    """Run buildah with all that it keeps in the folder.

    In a mount namespace of its own, as what it mounts is then gone with it, however it ends.
    """
    own = ["buildah", f"--root={folder / 'storage'}", f"--runroot={folder / 'run'}"]
    limit = ["timeout", "--kill-after=30", str(wanted.seconds), "unshare", "--mount"]
    # In the language that is searched for the step.
    environment = {"TMPDIR": str(folder), "LC_ALL": "C.UTF-8"}
    code, output, errors = run([*limit, *own, *words], environ_update=environment)
    if code:
        raise ImageError(complaint(wanted, words[0], code, output, errors))


def complaint(wanted: Wanted, word: str, code: int, output: str, errors: str) -> str:
    """What failed, and the last lines of it."""
    steps = [step[:_STEP_LENGTH] for step in _STEP.findall(output + "\n" + errors)]
    where = f" at the step `{steps[-1]}`" if steps else ""
    if code == 124:
        ended = f"had not ended after {wanted.seconds} s (provisioner_image_build_seconds)"
        return f"buildah {word}{where} {ended}"
    return f"buildah {word} failed{where}. It says: {tail(output, errors)}"
