"""A list on a terminal that may be long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_SHOWN = 20


def listed(lines: Iterable[object], where_all: str) -> Iterator[str]:
    """The first lines, indented; `where_all` says how to see the others."""
    texts = list(map(str, lines))
    yield from (f"  {text}" for text in texts[:_SHOWN])
    if len(texts) > _SHOWN:
        yield f"  and {len(texts) - _SHOWN} more ({where_all})"
