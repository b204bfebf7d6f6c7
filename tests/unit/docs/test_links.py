"""A link within the repository leads somewhere, and a section is named rather than counted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from testbed.names import CHECKOUT

FILES = [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *CHECKOUT.glob("docs/*.md")]
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)

each_file = pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)


def prose(file: Path) -> str:
    return FENCED.sub("", file.read_text(encoding="utf-8"))


def anchors(file: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", prose(file), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def leads_somewhere(file: Path, target: str) -> bool:
    name, __, anchor = target.partition("#")
    path = file.parent / name if name else file
    return path.exists() and (not anchor or anchor in anchors(path))


@each_file
def test_a_link_leads_to_a_file_and_a_heading_of_it(file: Path) -> None:
    targets = [
        target
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(file))
        if "://" not in target and not target.startswith("mailto:")
    ]

    assert [target for target in targets if not leads_somewhere(file, target)] == []


@each_file
def test_a_section_is_linked_and_not_counted(file: Path) -> None:
    """Another may come between."""
    assert re.findall(r"\b(?:next|last|previous|following) section\b", prose(file)) == []
