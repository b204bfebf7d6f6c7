"""Exports of a file that are the same one, under several names of its server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from holdfast.cli.check_line import Line
from holdfast.controller.settings import ExportSettings

_DEADLINE = 10.0
_ONCE = "every export of the file is listed once"


def listed_once(exports: Sequence[ExportSettings]) -> Iterator[Line]:
    """Whether no two mounted exports have the same id; one that cannot be read says so itself."""
    from holdfast.controller.export_id_check import listed_twice

    names: dict[str, list[str]] = {}
    for export in exports:
        names.setdefault(_id_of(export.root), []).append(export.name)
    names.pop("", None)
    found = [listed_twice(several, one) for one, several in names.items() if len(several) > 1]
    if len(exports) > 1:
        yield Line(_ONCE, "; ".join(found))


def _id_of(root: Path) -> str:
    """The id of a mounted export; empty if it has none or cannot be read."""
    from holdfast.exports.deadline import Lane
    from holdfast.exports.errors import ExportError
    from holdfast.exports.export import Export

    with suppress(ExportError):
        return Lane(seconds=_DEADLINE).call(Export(root).inspect, "cannot read the export's id").id
    return ""
