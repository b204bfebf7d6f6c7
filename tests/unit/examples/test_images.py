"""What the examples run can be had in the lab, by the names that they have everywhere."""

from __future__ import annotations

import re
from pathlib import Path

from testbed.names import names
from testbed.supplies import DEFAULT_VERSIONS
from testbed.supplies.images import images

EXAMPLES = Path(__file__).parents[3] / "examples"
# The lab runs MariaDB instead, by the example's own overlay.
ELSEWHERE = {"mysql:8.4", "percona/percona-xtrabackup:8.4"}
OURS = f"{names()['image']}:"


def named() -> set[str]:
    texts = [path.read_text(encoding="utf-8") for path in EXAMPLES.rglob("*.yaml")]
    return {
        image for text in texts for image in re.findall(r"^\s*image: (\S+)$", text, re.MULTILINE)
    }


def test_every_image_is_in_the_labs_registry() -> None:
    there = {
        f"{image.name.removeprefix('library/')}:{tag}"
        for image in images(DEFAULT_VERSIONS)
        for tag in image.tags
    }

    missing = {image for image in named() if image not in there and not image.startswith(OURS)}
    assert missing == ELSEWHERE


def test_every_image_has_a_tag() -> None:
    assert [image for image in named() if ":" not in image] == []
