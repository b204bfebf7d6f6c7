"""From the table of images to a registry's storage."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from testbed.programs import find_program
from testbed.supplies import debian, registry
from testbed.supplies.archive import add_file, add_folder, add_link, add_text, packed
from testbed.supplies.images import Image
from testbed.supplies.oci import Layer, Layout

# The C compiler is for the part of flannel that is no Go.
PACKAGES: Final = (
    "debian-archive-keyring",
    "docker-registry",
    "gcc",
    "libc6-dev",
    "mmdebstrap",
    "skopeo",
)

Report = Callable[[str], None]


class Maker:
    """Makes images in a layout; a layer that several have is made once."""

    def __init__(self, layout: Layout, arch: str, report: Report) -> None:
        self._layout = layout
        self._arch = arch
        self._report = report
        self._layers: dict[tuple[str, ...], Layer] = {}

    def make(self, image: Image) -> str:
        """Make an image; its reference in the layout."""
        reference = f"{image.name.replace('/', '.')}-{image.tags[0]}"
        layers = [*self._debian(image), *self._own(image)]
        self._layout.add(reference, layers, image.run)
        return reference

    def _debian(self, image: Image) -> list[Layer]:
        if image.unpacked:
            return [self._shared("unpacked", *image.unpacked)]
        if image.packages is None:
            return []
        base = self._shared("base")
        return [base, self._shared("system", *image.packages)] if image.packages else [base]

    def _shared(self, kind: str, *packages: str) -> Layer:
        key = (kind, *packages)
        if key not in self._layers:
            self._layers[key] = self._difference(kind, packages)
        return self._layers[key]

    def _difference(self, kind: str, packages: tuple[str, ...]) -> Layer:
        make = debian.unpacked if kind == "unpacked" else debian.system
        upper = make(packages, self._arch, self._report)
        lower = debian.system((), self._arch, self._report) if kind == "system" else None
        archive = self._layout.folder / "layer"
        with packed(archive) as target:
            debian.difference(upper, lower, target)
        return self._layout.take(archive)

    def _own(self, image: Image) -> list[Layer]:
        if not (image.programs or image.files or image.links):
            return []
        archive = self._layout.folder / "layer"
        with packed(archive) as target:
            if image.packages is None:
                add_folder(target, "tmp", mode=0o1777)
            for path, recipe in sorted(image.programs.items()):
                add_file(target, path, find_program(recipe, self._report), mode=0o755)
            for path, text in sorted(image.files.items()):
                add_text(target, path, text)
            for path, linked in sorted(image.links.items()):
                add_link(target, path, linked)
        return [self._layout.take(archive)]


def fill(storage: Path, wanted: Sequence[Image], arch: str, report: Report) -> None:
    """Make the images and put them into a storage folder, which must not be there yet."""
    storage.mkdir()
    with (
        tempfile.TemporaryDirectory(prefix="images-", dir=storage.parent) as folder,
        registry.serving(storage) as address,
    ):
        layout = Layout(Path(folder), arch)
        maker = Maker(layout, arch, report)
        for image in wanted:
            start = time.monotonic()
            reference = maker.make(image)
            for tag in image.tags:
                registry.push(layout.folder, reference, address, f"{image.name}:{tag}")
            names = ", ".join(image.tags)
            report(f"image {image.name}: {names} in {time.monotonic() - start:.0f} s")
