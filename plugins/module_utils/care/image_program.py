"""A program out of an image that containerd has: etcd's image brings etcdutl, the machine does not.

The image is mounted for a moment; it is a static program, so nothing else of the image is needed.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .errors import Trouble

MOUNT = Path("/run/holdfast-image")
CTR = ("ctr", "--namespace", "k8s.io", "images")
ETCDUTL = "usr/local/bin/etcdutl"
_SECONDS = 600.0


@contextmanager
def etcdutl(image: str) -> Iterator[Path]:
    """The program of etcd's image, or that of the machine where the image has none.

    Raises:
        Trouble: neither has it.
    """
    MOUNT.mkdir(mode=0o700, exist_ok=True)
    _release()  # what an earlier run left
    done = run([*CTR, "mount", image, str(MOUNT)])
    try:
        yield _found(image, done.stderr.strip())
    finally:
        _release()
        MOUNT.rmdir()


def run(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """How the command ended; 127 where it is not installed."""
    try:
        return subprocess.run(  # noqa: S603 - words, no shell
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, "", f"{command[0]} is not installed")
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"no answer within {_SECONDS:.0f} s")


def _found(image: str, complaint: str) -> Path:
    path = MOUNT / ETCDUTL
    installed = shutil.which("etcdutl", path="/usr/local/bin:/usr/bin")
    if path.exists() or installed:
        return path if path.exists() else Path(str(installed))
    why = f"containerd does not mount it: {complaint}" if complaint else "it has none in it"
    raise Trouble(
        f"There is no etcdutl, which restores snapshots: not in the image {image} ({why}), and not "
        "in /usr/local/bin. Put that of etcd's release there (https://github.com/etcd-io/etcd/"
        "releases), then run this again."
    )


def _release() -> None:
    run([*CTR, "unmount", "--rm", str(MOUNT)])
