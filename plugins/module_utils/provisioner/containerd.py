"""The images of containerd that the kubelet sees, through `ctr`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

# What the image was built from, as `image_key` names it; pulled images do not have it.
BUILT_FROM = "holdfast.io/built-from"
# An image that was built has it once another version was loaded after it.
REPLACED = "holdfast.io/replaced-by"
# The kubelet's garbage collection leaves images with it, from containerd 1.7.3 on.
PINNED = "io.cri-containerd.pinned"

_CTR = ("ctr", "--namespace", "k8s.io", "images")
_LOADING = ".loading"
_TAIL = 12  # lines of what a program said that go into an error

Run = Callable[..., tuple[int, str, str]]
Labels = dict[str, str]
Images = dict[str, Labels]


class ImageError(Exception):
    """Something could not be done with an image; the message says which step failed."""


def tail(*outputs: str) -> str:
    """The last lines that a program wrote."""
    return "\n".join("\n".join(outputs).strip().splitlines()[-_TAIL:]) or "nothing"


def loading_name(name: str) -> str:
    """The name of an image in an archive, and until it is labelled.

    So one that has its own name without labels was pulled, wherever a run was cut.
    """
    return f"{name}{_LOADING}"


def read_images(listing: str) -> Images:
    """The images by their names, each with its labels.

    Args:
        listing: what `ctr images ls` printed; the labels are its last column
    """
    lines = (line.split() for line in listing.splitlines()[1:])
    return {words[0]: _labels(words[-1]) for words in lines if words}


def _labels(column: str) -> Labels:
    pairs = (pair.partition("=") for pair in column.split(",") if "=" in pair)
    return {key: value for key, __, value in pairs}


def former(images: Images, name: str) -> list[str]:
    """Images that were built for other versions of it."""
    beginning = f"{name.rpartition(':')[0]}:"
    return [
        one
        for one, labels in images.items()
        if one.startswith(beginning) and one != name and BUILT_FROM in labels
    ]


class Containerd:
    """The containerd of this machine."""

    def __init__(self, run: Run) -> None:
        """`run` runs a command; its exit code, its output and its errors."""
        self._run = run

    def images(self) -> Images:
        """Its images by their names, each with its labels.

        Raises:
            ImageError: containerd does not answer.
        """
        return read_images(self._ctr("ls", step="list its images"))

    def known_images(self) -> Images:
        """Its images; none also where no containerd answers."""
        try:
            return self.images()
        except ImageError:
            return {}

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

        Of the versions that were built before, one stays: pods may start it until the release is
        upgraded.

        Raises:
            ImageError: it could not, or the archive has another image.
        """
        loading = loading_name(name)
        self._ctr("import", archive, step=f"load {name}")
        images = self.images()
        if loading not in images:
            raise ImageError(f"the archive of {name} has no image of that name")
        self._label(loading, {BUILT_FROM: key})
        self._ctr("tag", "--force", loading, name, step=f"tag {name}")
        try:
            self._label(name, {PINNED: "pinned", BUILT_FROM: key})
        except ImageError:  # without labels it would count as pulled
            self.remove(name)
            raise
        self.remove(loading)
        self._retire(images, name)

    def export(self, name: str, archive: str) -> None:
        """Write an image to an archive, as one that is to be loaded.

        Raises:
            ImageError: it could not.
        """
        loading = loading_name(name)
        self._ctr("tag", "--force", name, loading, step=f"tag {name}")
        try:
            self._ctr("export", archive, loading, step=f"export {name}")
        finally:
            self.remove(loading)

    def remove(self, name: str) -> None:
        """Remove an image; containers that run it go on.

        Raises:
            ImageError: it could not.
        """
        self._ctr("rm", name, step=f"remove {name}")

    def _label(self, name: str, labels: Labels) -> None:
        pairs = [f"{key}={value}" for key, value in labels.items()]
        self._ctr("label", name, *pairs, step=f"label {name}")

    def _retire(self, images: Images, name: str) -> None:
        tag = name.rpartition(":")[2]
        for one in former(images, name):
            if one.endswith(_LOADING) or REPLACED in images[one]:
                self.remove(one)
            else:
                self._label(one, {REPLACED: tag})

    def _ctr(self, *words: str, step: str) -> str:
        code, output, errors = self._run([*_CTR, *words])
        if code:
            raise ImageError(f"containerd could not {step}. ctr says: {tail(output, errors)}")
        return output


def is_ours(name: str, images: Images) -> bool:
    """Whether it was built and loaded, perhaps by a run that was cut; not pulled."""
    return loading_name(name) in images or BUILT_FROM in images.get(name, {})


def left(images: Images, name: str) -> list[str]:
    """All that was loaded, of this version and of others."""
    return [one for one in images if BUILT_FROM in images[one] or one == loading_name(name)]


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
