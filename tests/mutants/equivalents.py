"""Mutants that no test can kill, because they do the same; each with the reason.

They are known by file, function, text of the line, and change: a list by line numbers would be
wrong with the next commit.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.mutants.errors import MutantsError

Key = tuple[str, str, str, str]

_FIELDS = {"file", "function", "line", "changes", "reason"}


def read(path: Path) -> set[Key]:
    """The keys of the mutants on the list; raises MutantsError for an entry that is not whole."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", [])
    return {key for entry in entries for key in _keys(entry, path)}


def check(keys: Iterable[Key], known: Iterable[Key]) -> None:
    """Raises MutantsError for entries that match no mutant (any more)."""
    if stale := sorted(set(keys) - set(known)):
        lines = "\n".join(
            f"  {file} {function}: {line} [{change}]" for file, function, line, change in stale
        )
        raise MutantsError(
            "equivalents that match no mutant: the code has changed, so see whether they still "
            f"hold, and change or remove them:\n{lines}"
        )


def _keys(entry: dict[str, Any], path: Path) -> list[Key]:
    whole = set(entry) == _FIELDS and all(entry.values()) and isinstance(entry["changes"], list)
    if not whole:
        raise MutantsError(f"{path}: an entry has exactly {', '.join(sorted(_FIELDS))}: {entry}")
    return [(entry["file"], entry["function"], entry["line"], str(one)) for one in entry["changes"]]
