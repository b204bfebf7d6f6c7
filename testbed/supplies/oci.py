"""Images on disk, in the layout that skopeo reads: the same content gives the same digests.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from testbed.supplies.archive import digest

FORMAT: Final = "3"  # goes up when images come to be written otherwise, so that they are made anew
_LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class Layer:
    """A layer in a layout.

    Attributes:
        digest: of the compressed archive.
        size: of the compressed archive, in bytes.
        content: the digest of the archive itself.
    """

    digest: str
    size: int
    content: str


@dataclass(frozen=True)
class Run:
    """What a container of an image runs, unless its pod says otherwise."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""

    def config(self) -> dict[str, Any]:
        """As the image's configuration says it; what is empty is left out."""
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        said = {"Entrypoint": list(self.entrypoint), "Cmd": list(self.command), "User": self.user}
        return {"Env": [path]} | {key: value for key, value in said.items() if value}


class Layout:
    """A folder of images for one architecture; layers that they share are there once."""

    def __init__(self, folder: Path, arch: str) -> None:
        self.folder: Final = folder
        self._arch = arch
        self._blobs = folder / "blobs" / "sha256"
        self._blobs.mkdir(parents=True)
        self._index: list[dict[str, Any]] = []
        (folder / "oci-layout").write_bytes(_encode({"imageLayoutVersion": "1.0.0"}))

    def take(self, archive: Path) -> Layer:
        """Make a layer of a compressed archive, which is moved into the layout."""
        name, size = digest(archive), archive.stat().st_size
        with gzip.open(archive) as opened:
            content = hashlib.file_digest(opened, "sha256").hexdigest()
        archive.rename(self._blobs / name)
        return Layer(f"sha256:{name}", size, f"sha256:{content}")

    def add(self, reference: str, layers: Sequence[Layer], run: Run) -> None:
        """Make an image of layers, the undermost first; `reference` names it in this layout."""
        config = {
            "architecture": self._arch,
            "os": "linux",
            "config": run.config(),
            "rootfs": {"type": "layers", "diff_ids": [layer.content for layer in layers]},
            # One line a layer: buildah builds upon no image without.
            "history": [{"created_by": "testbed.supplies"} for _ in layers],
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": self._describe(_CONFIG, _encode(config)),
            "layers": [
                {"mediaType": _LAYER, "digest": layer.digest, "size": layer.size}
                for layer in layers
            ],
        }
        entry = self._describe(_MANIFEST, _encode(manifest))
        entry["annotations"] = {"org.opencontainers.image.ref.name": reference}
        self._index.append(entry)
        index = {"schemaVersion": 2, "manifests": self._index}
        (self.folder / "index.json").write_bytes(_encode(index))

    def _describe(self, kind: str, content: bytes) -> dict[str, Any]:
        name = hashlib.sha256(content).hexdigest()
        (self._blobs / name).write_bytes(content)
        return {"mediaType": kind, "digest": f"sha256:{name}", "size": len(content)}


def _encode(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
