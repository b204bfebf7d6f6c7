"""The links of a Markdown file within the repository."""

from __future__ import annotations

import re
from pathlib import Path

_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def documents(root: Path) -> list[Path]:
    """Those that people read first, in a checkout or in the collection as it is installed."""
    return [root / "README.md", root / "CONTRIBUTING.md", *sorted(root.glob("docs/*.md"))]


def prose(file: Path) -> str:
    """The text without its blocks of code."""
    return _FENCED.sub("", file.read_text(encoding="utf-8"))


def dead_links(file: Path) -> list[str]:
    """The targets that are no file, or no heading of it."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(file))
    return [target for target in targets if "://" not in target and _is_dead(file, target)]


def _is_dead(file: Path, target: str) -> bool:
    name, __, anchor = target.partition("#")
    path = file.parent / name if name else file
    return not path.exists() or (bool(anchor) and anchor not in _anchors(path))


def _anchors(file: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", prose(file), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}
