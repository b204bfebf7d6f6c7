"""A machine with a containerd and a buildah that keep what they have in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.provisioner import building

from tests.unit.roles.running import program

NAME = "ghcr.io/some/holdfast:0.1.0"
LOADING = f"{NAME}.loading"
PINNED = {"io.cri-containerd.pinned": "pinned"}

# Images by their names, each with its labels; an archive is the name of its image. `registry` has
# what can be pulled, `unlabelled` what a run is cut at; with `transfer`, a tag copies no labels.
CTR = program("""\
import json, sys
from pathlib import Path
folder = Path(__file__).parent
words = sys.argv[sys.argv.index("images") + 1:]
with (folder / "calls").open("a") as calls:
    print("ctr", *words, file=calls)
if (folder / "down").exists():
    sys.exit("ctr: failed to dial: connection refused")
images = json.loads((folder / "images").read_text())
if words[0] == "ls":
    print("REF TYPE DIGEST SIZE PLATFORMS LABELS")
    for name, labels in images.items():
        pairs = ",".join(f"{key}={value}" for key, value in labels.items()) or "-"
        print(name, "application/x", "sha256:0", "1.1 KiB", "linux/amd64", pairs)
elif words[0] == "pull":
    if words[-1] not in (folder / "registry").read_text().split():
        sys.exit("ctr: failed to resolve reference: 403 Forbidden")
    images[words[-1]] = {}
elif words[0] == "import":
    name = Path(words[-1]).read_text()
    images[name] = images.get(name, {})
elif words[0] == "label":
    if words[1] in (folder / "unlabelled").read_text().split():
        sys.exit("ctr: killed")
    images[words[1]].update(pair.split("=") for pair in words[2:])
elif words[0] == "tag":
    images[words[3]] = {} if (folder / "transfer").exists() else dict(images[words[2]])
elif words[0] == "export":
    Path(words[1]).write_text(words[2])
elif words[0] == "rm":
    images.pop(words[1], None)
(folder / "images").write_text(json.dumps(images))
""")
BUILDAH = program("""\
import sys
from pathlib import Path
folder = Path(__file__).parent
root, words = Path(sys.argv[1].partition("=")[2]), sys.argv[3:]
with (folder / "calls").open("a") as calls:
    print("buildah", *words, file=calls)
for made in (root / "overlay", folder / "state/cache", folder / "others/cache"):
    made.mkdir(parents=True, exist_ok=True)
    (made / "blob-info-cache-v1.boltdb").touch()
if (folder / "podman").exists():  # somebody's, which is used for the first time meanwhile
    (folder / "state/storage/volumes").mkdir(parents=True, exist_ok=True)
    (folder / "state/storage/volumes/data").write_text("somebody's")
if words[0] == "build":
    print("[1/2] STEP 1/2: FROM debian\\n[1/2] STEP 2/2: RUN pip install --no-compile")
    if (folder / "broken").exists():
        sys.exit((folder / "broken").read_text())
else:
    _, _, rest = words[-1].partition(":")
    archive, _, name = rest.partition(":")
    Path(archive).write_text(name)
""")
UNSHARE = '#!/bin/sh\nshift\nexec "$@"\n'


class Machine:
    """Programs, and what they have."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        for name, text in (("ctr", CTR), ("buildah", BUILDAH), ("unshare", UNSHARE)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        (folder / "registry").touch()
        (folder / "unlabelled").touch()
        (folder / "calls").touch()
        self.have({})
        (folder / "others").mkdir()
        monkeypatch.setattr(building, "STATE", (folder / "state", folder / "others"))
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def have(self, images: dict[str, dict[str, str]]) -> None:
        (self.folder / "images").write_text(json.dumps(images))

    def images(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = json.loads((self.folder / "images").read_text())
        return found

    def set(self, name: str, text: str = "") -> None:
        (self.folder / name).write_text(text)

    def calls(self) -> list[str]:
        """The programs that were called, each with its first word."""
        lines = (self.folder / "calls").read_text().splitlines()
        return [" ".join(line.split()[:2]) for line in lines]

    def line(self, beginning: str) -> str:
        """The one call that begins so, whole."""
        lines = (self.folder / "calls").read_text().splitlines()
        (found,) = [line for line in lines if line.startswith(beginning)]
        return found

    def archive_words(self, **more: Any) -> dict[str, Any]:
        own = {"name": NAME, "key": "new", "directory": str(self.temporary)}
        return {**own, "files": {"provisioner/Containerfile": "FROM scratch\n"}, **more}


def labels(key: str) -> dict[str, str]:
    """Those of an image that was built and loaded."""
    return {**PINNED, "holdfast.io/built-from": key}
