"""`python -m testbed.supplies`: make what a lab is supplied with, and print where it is."""

from __future__ import annotations

import argparse
import os
import sys
import time

from testbed.errors import TestbedError
from testbed.programs.release import ask_no_official_server
from testbed.supplies import DEFAULT_VERSIONS, registry_storage, release_tree
from testbed.supplies.images import images
from testbed.supplies.recipes import KUBERNETES


def main() -> int:
    """Print the two folders on stdout, what happens meanwhile on stderr."""
    asked = _parser().parse_args()
    versions = tuple(asked.versions) or DEFAULT_VERSIONS
    if asked.list:
        print("\n".join(f"{image.name}:{tag}" for image in images(versions) for tag in image.tags))
        return 0
    ask_no_official_server(os.environ)
    start = time.monotonic()
    try:
        print(release_tree(_say, versions))
        print(registry_storage(_say, versions))
    except TestbedError as error:
        _say(str(error))
        return 1
    _say(f"all there after {time.monotonic() - start:.0f} s")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m testbed.supplies",
        description="Make the release server's folder and the registry's storage of a lab.",
    )
    parser.add_argument(
        "versions",
        nargs="*",
        type=_version,
        metavar="VERSION",
        help=f"of Kubernetes ({', '.join(KUBERNETES)}; by default {', '.join(DEFAULT_VERSIONS)})",
    )
    parser.add_argument("--list", action="store_true", help="only list the images")
    return parser


def _version(text: str) -> str:
    if text not in KUBERNETES:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(KUBERNETES)}")
    return text


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
