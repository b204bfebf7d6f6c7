"""Every example is taken by a real API server as it is, also those that the lab runs otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.controlplane import ControlPlane

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDERS = sorted(path.parent for path in EXAMPLES.rglob("Kustomization"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(EXAMPLES)))
def test_an_example_is_valid_to_the_last_field(
    control_plane: ControlPlane, namespace: str, folder: Path
) -> None:
    rendered = control_plane.kubectl("kustomize", str(folder))
    # A dry run looks for the namespaces; one example names its own.
    moved = rendered.replace("namespace: xgp-lll", f"namespace: {namespace}")

    said = control_plane.kubectl(
        "apply",
        "--dry-run=server",
        "--validate=strict",
        "--filename=-",
        f"--namespace={namespace}",
        input=moved,
    )

    assert len(said.splitlines()) == 1 + rendered.count("\n---\n")
