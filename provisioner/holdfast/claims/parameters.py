"""The parameters of a StorageClass: one table, from which they are read and documented."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from holdfast.claims import path_pattern
from holdfast.claims.errors import Refused

EXPORT = "export"


class Action(StrEnum):
    """What becomes of the directory when its volume, of reclaim policy Delete, is released.

    From the least strict to the strictest, for volumes that share a directory.
    """

    DELETE = "delete"
    ARCHIVE = "archive"
    RETAIN = "retain"


def strictest(actions: Iterable[Action]) -> Action:
    """Of the actions of volumes that share a directory, the one that is carried out."""
    return max(actions, key=tuple(Action).index)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One row: how a parameter is called, read, and explained."""

    name: str
    values: str
    default: str
    meaning: str
    read: Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of one class, read."""

    path_pattern: str
    on_delete: Action
    shared_paths: bool
    use_existing: bool = False
    export: str = ""


def read_bool(text: str) -> bool:
    """A boolean in the spellings of Go's strconv.ParseBool, as nfs-subdir takes them.

    Raises:
        Refused: any other text.
    """
    if text in {"1", "t", "T", "true", "TRUE", "True"}:
        return True
    if text in {"0", "f", "F", "false", "FALSE", "False"}:
        return False
    raise Refused(f"is {text!r}; it must be 'true' or 'false'")


def _read_action(text: str) -> Action:
    try:
        return Action(text)
    except ValueError:
        values = ", ".join(f"'{action}'" for action in Action)
        raise Refused(f"is {text!r}; it must be one of {values}") from None


def _read_existing(text: str) -> bool:
    if text not in {"refuse", "use"}:
        raise Refused(f"is {text!r}; it must be 'refuse' or 'use'")
    return text == "use"


TABLE = (
    Parameter(
        EXPORT,
        "the name of an export",
        "the first export",
        "The export on which the volumes are created, if the provisioner serves several.",
        str,
    ),
    Parameter(
        "pathPattern",
        "text with the fields " + ", ".join(f"`{field}`" for field in path_pattern.FIELDS),
        "`${.PVC.namespace}-${.PVC.name}-${.PV.name}`",
        "The volume's directory, a path relative to the export's root. A label or annotation that "
        "the claim lacks is empty; if the whole path is empty, the default name is used.",
        path_pattern.check,
    ),
    Parameter(
        "onDelete",
        "`delete`, `archive`, `retain`",
        "what `archiveOnDelete` says",
        "What becomes of the directory when the claim is deleted and the reclaim policy is "
        "Delete: removed, renamed to `archived-NAME`, or left where it is.",
        _read_action,
    ),
    Parameter(
        "archiveOnDelete",
        "`true`, `false`",
        "`true`",
        "The older way to say `onDelete: archive` (true) or `onDelete: delete` (false); "
        "`onDelete` wins where both are given.",
        read_bool,
    ),
    Parameter(
        "sharedPaths",
        "`true`, `false`",
        "`false`",
        "Whether several volumes of such classes may have the same directory. It stays until "
        "the last of them is deleted; then the strictest `onDelete` of all decides.",
        read_bool,
    ),
    Parameter(
        "existingDirectories",
        "`refuse`, `use`",
        "`refuse`",
        "Whether a claim may get a directory that exists and that no record names. Such a "
        "directory is never removed.",
        _read_existing,
    ),
)


def read(given: Mapping[str, str]) -> Parameters:
    """The parameters of a class; one that is empty counts as not given.

    Raises:
        Refused: an unknown parameter or a value that is not allowed, with its name.
    """
    known = {row.name: row for row in TABLE}
    values = {}
    for name, text in given.items():
        if name not in known:
            raise Refused(f"parameter {name!r} is unknown; the parameters are {', '.join(known)}")
        if text:
            values[name] = _read_one(known[name], text)
    archive = Action.ARCHIVE if values.get("archiveOnDelete", True) else Action.DELETE
    return Parameters(
        path_pattern=values.get("pathPattern", ""),
        on_delete=values.get("onDelete", archive),
        shared_paths=values.get("sharedPaths", False),
        use_existing=values.get("existingDirectories", False),
        export=values.get(EXPORT, ""),
    )


def _read_one(row: Parameter, text: str) -> Any:
    try:
        return row.read(text)
    except Refused as refused:
        raise Refused(f"parameter {row.name!r} {refused.message}") from None
