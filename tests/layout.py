"""What is to be on an export, path by path; nothing else is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_FOLDERS = {"creating", "directories", "export", "terms", "trash", "trashed", "volumes"}

# See term_folders.py and reserve.py.
_KEPT_READY = re.compile(r"^(terms/[^/]+/(\.spare(/\.term)?|[^/]+/\.term)|reserve(/\d\d)?)$")


def paths_on(root: Path) -> set[str]:
    """Everything beneath a folder, relative to it; what goes away meanwhile is passed over."""
    found = {
        Path(folder, name).relative_to(root)
        for folder, folders, files in os.walk(root)
        for name in (*folders, *files)
    }
    return {str(path) for path in found}


def tenants_paths(root: Path) -> set[str]:
    """Everything on an export that is not Holdfast's own."""
    return {path for path in paths_on(root) if path.partition("/")[0] != ".holdfast"}


def own_paths(root: Path) -> set[str]:
    """Everything in `.holdfast`, with the folder of the one term at work as `terms/*/*`."""
    found = paths_on(root / ".holdfast")
    found = {path for path in found if not _KEPT_READY.search(path)}
    terms = {path for path in found if path.startswith("terms/") and path.count("/") <= 2}
    if len(terms) == 2:  # one leader's folder, and one term's in it
        found = found - terms | {"terms/*", "terms/*/*"}
    return found


def wanted_own_paths(records: Mapping[str, Mapping[str, Any]], made: Iterable[str]) -> set[str]:
    """What `.holdfast` must hold for these records, by volume, and the parents that were made."""
    marks = {f"{_place(place_of(record))}/{name}" for name, record in records.items()}
    marks |= {f"{_place(parent)}/.made" for parent in made}
    wanted = {f"volumes/{name}" for name in records} | marks
    above = {str(parent) for path in wanted for parent in Path(path).parents if parent.name}
    return wanted | above | _FOLDERS | {"terms/*", "terms/*/*"}


def place_of(record: Mapping[str, Any]) -> str:
    """Where a record says that its data is."""
    return str(record["target"] or record["directory"])


def _place(directory: str) -> str:
    return "directories/" + directory.replace("/", "/.holdfast/")
