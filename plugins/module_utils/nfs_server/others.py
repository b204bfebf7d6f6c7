"""The files of exports(5) that are not the role's: which paths are in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

# A path with spaces is in quotes, or has them as \040.
_LINE = re.compile(r'\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"#]+))')
_OCTAL = re.compile(r"\\([0-7]{3})")


def paths_of_others(main: Path, own: Path) -> set[str]:
    """The paths in /etc/exports, and in the files beside the role's, as they are written there."""
    files = [main, *(path for path in own.parent.glob("[!.]*.exports") if path.name != own.name)]
    texts = [path.read_text(errors="replace") for path in files if path.is_file()]
    return {path for text in texts for path in _paths(text)}


def unescaped(path: str) -> str:
    """A path of exports(5) or of the server's table, as programs call it."""
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), path)


def _paths(text: str) -> Iterator[str]:
    for line in text.replace("\\\n", " ").splitlines():
        if found := _LINE.match(line):
            yield found["quoted"] or found["plain"]
