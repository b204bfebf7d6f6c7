"""provisioner/Containerfile compiles modules by name: each must be there."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

CONTAINERFILE = Path(__file__).parents[3] / "provisioner" / "Containerfile"


def test_the_image_imports_modules_that_exist() -> None:
    text = CONTAINERFILE.read_text(encoding="utf-8")
    modules = re.findall(r"holdfast(?:\.\w+)+", text)

    assert [name for name in modules if name.startswith("holdfast.con")]
    assert [name for name in modules if find_spec(name) is None] == []
