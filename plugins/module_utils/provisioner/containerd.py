"""The images of containerd that the kubelet sees, through `ctr`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

# What the image was built from, as `image_key` names it; pulled images do not have it.
BUILT_FROM = "holdfast.io/built-from"
# The kubelet's garbage collection leaves images with it, from containerd 1.7.3 on.
PINNED = "io.cri-containerd.pinned"

_CTR = ("ctr", "--namespace", "k8s.io", "images")
_TAIL = 12  # lines of what a program said that go into an error

Run = Callable[..., tuple[int, str, str]]
Labels = dict[str, str]


class ImageError(Exception):
    """Something could not be done with an image; the message says which step failed."""


def tail(*outputs: str) -> str:
    """The last lines that a program wrote."""
    return "\n".join("\n".join(outputs).strip().splitlines()[-_TAIL:]) or "nothing"


def read_labels(listing: str, name: str) -> Labels | None:
    """The labels of an image; None where it is not there.

    Args:
        listing: what `ctr images ls` printed; the labels are its last column
        name: the image's whole name
    """
    for line in listing.splitlines():
        words = line.split()
        if words[:1] == [name]:
            pairs = (pair.partition("=") for pair in words[-1].split(",") if "=" in pair)
            return {key: value for key, __, value in pairs}
    return None


class Containerd:
    """The containerd of this machine."""

    def __init__(self, run: Run) -> None:
        """`run` runs a command; its exit code, its output and its errors."""
        self._run = run

    def labels(self, name: str) -> Labels | None:
        """The labels of an image; None where it is not there.

        Raises:
            ImageError: containerd does not answer.
        """
        return read_labels(self._ctr("ls", step="list its images"), name)

    def known_labels(self, name: str) -> Labels | None:
        """Its labels; None also where no containerd answers."""
        try:
            return self.labels(name)
        except ImageError:
            return None

    def pull(self, name: str, hosts: str, seconds: int) -> str:
        """Pull an image through the mirrors of a folder; what ctr said where it could not."""
        mirrors = ["--hosts-dir", hosts] if Path(hosts).is_dir() else []
        limit = ["timeout", "--kill-after=10", str(seconds)]
        code, output, errors = self._run([*limit, *_CTR, "pull", *mirrors, name])
        if code == 124:
            return f"it had not ended after {seconds} s"
        return tail(output, errors) if code else ""

    def load(self, name: str, archive: str, key: str) -> None:
        """Load an image from an archive in place of any of that name, and pin it.

        Raises:
            ImageError: it could not, or the archive has another image.
        """
        self._ctr("import", archive, step=f"load {name}")
        if self.labels(name) is None:
            raise ImageError(f"the archive of {name} has no image of that name")
        labels = (f"{PINNED}=pinned", f"{BUILT_FROM}={key}")
        self._ctr("label", name, *labels, step=f"label {name}")

    def export(self, name: str, archive: str) -> None:
        """Write an image to an archive.

        Raises:
            ImageError: it could not.
        """
        self._ctr("export", archive, name, step=f"export {name}")

    def remove(self, name: str) -> None:
        """Remove an image; containers that run it go on.

        Raises:
            ImageError: it could not.
        """
        self._ctr("rm", name, step=f"remove {name}")

    def _ctr(self, *words: str, step: str) -> str:
        code, output, errors = self._run([*_CTR, *words])
        if code:
            raise ImageError(f"containerd could not {step}. ctr says: {tail(output, errors)}")
        return output


def is_built_from(labels: Labels | None, key: str) -> bool:
    """Whether these are the labels of an image that was built from that, and is pinned."""
    return bool(labels) and (labels or {}).get(BUILT_FROM) == key and PINNED in (labels or {})


def runner(module: Any) -> Run:
    """Commands, run by a module of Ansible; one that is not installed fails as others do."""

    def run(words: list[str], **more: Any) -> tuple[int, str, str]:
        try:
            code, output, errors = module.run_command(words, handle_exceptions=False, **more)
        except OSError as error:
            return 127, "", f"{words[0]}: {error.strerror}"
        return int(code), str(output), str(errors)

    return run
