"""Warns of what nfs-subdir would do with directories once Holdfast is uninstalled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from holdfast.cli.uninstall_rows import Row, counted, named

_NAMED = 3  # volumes in one line
KEEP = "To keep a directory, set the reclaim policy of its volume to Retain first."
_AT_ONCE = "As soon as it starts, it deletes or archives the directories of these released volumes"
_DIFFERENTLY = "It would treat these directories differently"
_UNKNOWN = (
    "It may treat these directories differently: what Holdfast does with them stands only in their "
    "records"
)
_TAKES = (
    "Versions 4.0.1 and 4.0.2 take the last component of a volume's path and look for it at the "
    "root of their export. So they delete or archive the data of other volumes with these; set "
    "these, not the others, to Retain first"
)
_MISSES = (
    "Versions 4.0.1 and 4.0.2 find no directory of a volume with these: they look for the last "
    "component of the path at the root of their export. The volumes disappear, and their "
    "directories stay"
)
_ON_ONE = (
    "It serves one, and looks there for the directories of all: versions 4.0.1 and 4.0.2 take the "
    "last component of the path, whatever server and export the volume names. So the directory of "
    "a volume on another export stays, or one of that name is deleted or archived instead"
)
_SHARED = "It deletes or archives these shared directories with the first of their volumes"


def warnings_of(rows: Sequence[Row]) -> Iterator[tuple[str, list[str]]]:
    """What nfs-subdir would do with directories: a headline, and a line for each."""
    if found := sorted((row for row in rows if row.target_has), key=lambda row: not row.at_once):
        yield _TAKES, list(map(_taken, found))
    for what, found in (
        (_AT_ONCE, [row for row in rows if row.at_once]),
        (_DIFFERENTLY, [row for row in rows if row.differs]),
        (_UNKNOWN, [row for row in rows if row.is_unknown]),
    ):
        if found:
            yield what, [f"{named(row)}: {_both(row)}" for row in found]
    if missed := [row for row in rows if row.is_missed]:
        yield _MISSES, list(map(named, missed))
    for name, exports in _on_several(rows).items():
        lines = [f"{export}: {counted(those)}" for export, those in sorted(exports.items())]
        yield f"{name} has volumes on several exports. {_ON_ONE}", lines
    if shared := [those for those in _shared(rows) if not all(row.is_kept for row in those)]:
        yield _SHARED, [f"{those[0].path}: {', '.join(map(named, those))}" for those in shared]


def _on_several(rows: Sequence[Row]) -> Mapping[str, Mapping[str, list[Row]]]:
    """By provisioner, and by export, volumes of which nfs-subdir can mount one export only."""
    found = defaultdict[str, defaultdict[str, list[Row]]](lambda: defaultdict(list))
    for row in rows:
        if row.export and not row.deleting:
            found[row.provisioner][row.export].append(row)
    return {
        name: exports
        for name, exports in found.items()
        if len(exports) > 1 and not all(row.is_kept for those in exports.values() for row in those)
    }


def _shared(rows: Sequence[Row]) -> Iterable[list[Row]]:
    """The volumes that have one directory, for each such directory."""
    found = defaultdict[frozenset[str], list[Row]](list)
    for row in rows:
        if row.shares_with:
            found[frozenset((row.volume, *row.shares_with))].append(row)
    return found.values()


def _taken(row: Row) -> str:
    when = "as soon as it starts" if row.at_once else "once its claim is deleted"
    names = row.target_has[:_NAMED]
    more = len(row.target_has) - len(names)
    whose = f"{', '.join(names)} and {more} more" if more else ", ".join(names)
    what = f"{row.reclaim_action_of_nfs_subdir}s {row.target_of_nfs_subdir!r}"
    return f"{named(row)}: {when}, it {what}, where the data of {whose} is"


def _both(row: Row) -> str:
    return f"{row.reclaim_action} here, {row.reclaim_action_of_nfs_subdir} there"
