"""The same content gives the same image, and says what a container runtime wants to know."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

from testbed.supplies.archive import add_file, add_folder, add_link, add_text, packed
from testbed.supplies.oci import Layout, Run

RUN = Run(("/pause",), ("-v",), "65535:65535")


def make(folder: Path, content: str = "a program") -> Layout:
    layout = Layout(folder, "amd64")
    program = folder / "program"
    program.write_text(content)
    archive = folder / "layer"
    with packed(archive) as target:
        add_folder(target, "tmp", mode=0o1777)
        add_file(target, "pause", program, mode=0o755)
        add_text(target, "etc/passwd", "root:x:0:0::/:\n")
        add_link(target, "bin/sh", "/pause")
    layout.add("pause", [layout.take(archive)], RUN)
    return layout


def blob(layout: Layout, digest: str) -> bytes:
    content = (layout.folder / "blobs" / digest.replace(":", "/")).read_bytes()
    assert digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    return content


def described(layout: Layout) -> tuple[dict[str, Any], dict[str, Any]]:
    """The manifest and the configuration of the first image."""
    index = json.loads((layout.folder / "index.json").read_text())
    manifest = json.loads(blob(layout, index["manifests"][0]["digest"]))
    return manifest, json.loads(blob(layout, manifest["config"]["digest"]))


def test_the_same_content_gives_the_same_digest_at_another_time_and_place(tmp_path: Path) -> None:
    first, second = make(tmp_path / "first"), make(tmp_path / "second")

    assert described(first) == described(second)


def test_other_content_gives_another_digest(tmp_path: Path) -> None:
    first, second = make(tmp_path / "first"), make(tmp_path / "second", "another program")

    assert described(first) != described(second)


def test_the_configuration_has_the_digest_of_what_is_unpacked(tmp_path: Path) -> None:
    layout = make(tmp_path / "layout")

    manifest, config = described(layout)
    archive = gzip.decompress(blob(layout, manifest["layers"][0]["digest"]))

    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(archive).hexdigest()}"]


def test_an_image_says_what_it_runs_and_as_whom(tmp_path: Path) -> None:
    _, config = described(make(tmp_path / "layout"))

    assert config["config"]["Entrypoint"] == ["/pause"]
    assert config["config"]["Cmd"] == ["-v"]
    assert config["config"]["User"] == "65535:65535"
    assert (config["os"], config["architecture"]) == ("linux", "amd64")


def test_each_layer_has_a_line_of_history(tmp_path: Path) -> None:
    """Buildah counts them, and builds on no image with too few."""
    manifest, config = described(make(tmp_path / "layout"))

    assert len(config["history"]) == len(manifest["layers"]) == 1


def test_a_layout_names_all_its_images(tmp_path: Path) -> None:
    layout = make(tmp_path / "layout")
    layout.add("empty", [], Run())

    index = json.loads((layout.folder / "index.json").read_text())

    assert [entry["annotations"] for entry in index["manifests"]] == [
        {"org.opencontainers.image.ref.name": name} for name in ("pause", "empty")
    ]
