"""`make image`: the provisioner's image in an archive that nodes load, where no registry has it.

With buildah, podman or docker, whatever is there. Nothing but the standard library is needed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from testbed.names import CHECKOUT, names, version

# Of the Containerfile, which says what each is for.
ARGUMENTS: Final = ("BASE", "APT_SOURCES", "PIP_INDEX_URL", "PIP_TRUSTED_HOST")
_CONTAINERFILE: Final = "provisioner/Containerfile"
_CERTIFICATES: Final = "/run/pip.crt"  # while it is built

Command = Sequence[str]


@dataclass(frozen=True, slots=True)
class Builder:
    """A program that builds images.

    Attributes:
        build: its words before the options that all of them have.
        save: its words that write an image to an archive, with `{name}` and `{archive}`.
    """

    build: Command
    save: Command


# Nodes take the archive of each: containerd reads Docker's, too, and docker writes both in one
# from version 25 on.
BUILDERS: Final[Mapping[str, Builder]] = {
    # Its isolation needs neither a container runtime nor a network of its own.
    "buildah": Builder(
        ("build", "--isolation=chroot"),
        ("push", "--quiet", "{name}", "oci-archive:{archive}:{name}"),
    ),
    "podman": Builder(
        ("build",), ("save", "--quiet", "--format=oci-archive", "--output={archive}", "{name}")
    ),
    "docker": Builder(("build",), ("save", "--output={archive}", "{name}")),
}


class NoBuilderError(Exception):
    """There is no program that builds images."""


class CertificateError(Exception):
    """The certificates that pip is to trust cannot be given to the build."""


def find_builder(which: Callable[[str], str | None] = shutil.which) -> str:
    """The first of the programs that is there.

    Raises:
        NoBuilderError: none is.
    """
    for name in BUILDERS:
        if which(name):
            return name
    raise NoBuilderError(
        f"Building the image needs one of {', '.join(BUILDERS)}, and none is on PATH; install one "
        "(on Debian: apt install buildah), or let the playbooks build it on a machine "
        "(provisioner_image_build)."
    )


def commands(builder: str, name: str, archive: Path, given: Mapping[str, str]) -> list[list[str]]:
    """The commands that build the image and write it.

    Args:
        builder: one of BUILDERS
        name: the image, with its tag
        archive: the file to write
        given: values for the build arguments, and PIP_CERT; others are ignored

    Raises:
        CertificateError: PIP_CERT is no file, or the builder cannot take it.
    """
    program = BUILDERS[builder]
    arguments = [f"--build-arg={key}={given[key]}" for key in ARGUMENTS if given.get(key)]
    arguments += _certificates(builder, given.get("PIP_CERT", ""))
    options = [*arguments, f"--file={CHECKOUT / _CONTAINERFILE}", f"--tag={name}", str(CHECKOUT)]
    saved = [word.format(name=name, archive=archive) for word in program.save]
    return [[builder, *program.build, *options], [builder, *saved]]


def _certificates(builder: str, file: str) -> list[str]:
    if not file:
        return []
    if not Path(file).is_file():
        raise CertificateError(f"PIP_CERT is {file}, which is no file here; name one, or unset it.")
    if builder == "docker":
        raise CertificateError(
            f"PIP_CERT is {file}, which docker build cannot read; use buildah or podman, or a base "
            "image that trusts the certificate (BASE), and unset PIP_CERT."
        )
    path = Path(file).absolute()
    return [f"--build-arg=PIP_CERT={_CERTIFICATES}", f"--volume={path}:{_CERTIFICATES}:ro"]


def advice(name: str, archive: Path) -> str:
    """The two commands that follow."""
    return (
        f"{archive} has the image {name}.\n"
        "Load it on each node, and keep the kubelet from removing it:\n"
        f"  sudo ctr --namespace k8s.io images import {archive.name} &&"
        f" sudo ctr --namespace k8s.io images label {name} io.cri-containerd.pinned=pinned\n"
        + _chart(name)
    )


def _chart(name: str) -> str:
    """How the chart is told; what the release has of other values stays, its server for one."""
    repository, _, tag = name.rpartition(":")
    return (
        "Name it to the chart, for a release that is there; to install one, with the same --set:\n"
        "  helm upgrade holdfast provisioner/chart --namespace holdfast --reuse-values"
        f" --set image.repository={repository} --set image.tag={tag}"
    )


def main(words: Sequence[str] | None = None) -> int:
    """Build, write, and say what follows; the exit code."""
    asked = _parser().parse_args(words)
    try:
        builder = find_builder()
        todo = commands(builder, asked.name, asked.archive, os.environ)
    except (NoBuilderError, CertificateError) as error:
        print(error, file=sys.stderr)
        return 1
    asked.archive.parent.mkdir(parents=True, exist_ok=True)
    # A former one would be added to, or refused.
    asked.archive.unlink(missing_ok=True)
    for command in todo:
        if code := subprocess.run(command, check=False).returncode:
            asked.archive.unlink(missing_ok=True)
            print(f"{builder} {command[1]} failed; see above.", file=sys.stderr)
            return code
    print(advice(asked.name, asked.archive))
    return 0


def _tagged(name: str) -> str:
    """A registry may have a port, which is no tag."""
    repository, _, tag = name.rpartition("/")[2].partition(":")
    if not (repository and tag) or "@" in name:
        raise argparse.ArgumentTypeError(f"{name} has no tag; write it as NAME:TAG")
    return name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make image",
        description="Build the provisioner's image and write it to an archive.",
        epilog=f"From the environment: {', '.join(ARGUMENTS)}, and PIP_CERT, a file here.",
    )
    name = f"{names()['image']}:{version()}"
    parser.add_argument(
        "--name", default=name, type=_tagged, help=f"of the image, with its tag ({name})"
    )
    archive = CHECKOUT / "build" / f"holdfast-{version()}.tar"
    shown = archive.relative_to(CHECKOUT)
    parser.add_argument("--archive", type=Path, default=archive, help=f"the file ({shown})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
