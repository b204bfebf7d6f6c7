"""The note of what a timer put into a folder: names of files and their checksums, in that order."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from .errors import Trouble
from .files import reading, write

_MOST = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Notes:
    """One file of them."""

    path: Path

    def read(self) -> dict[str, str]:
        """What is noted; nothing where there is no note, or a damaged one."""
        try:
            return self._read()
        except (Trouble, ValueError, RecursionError):
            return {}

    def write(self, noted: dict[str, str]) -> None:
        """Put a note in place of the former; a damaged one is kept as .damaged."""
        self._set_damaged_aside()
        new = self.path.with_suffix(".new")
        write(new, [json.dumps(noted, indent=2).encode()])
        new.replace(self.path)

    def _read(self) -> dict[str, str]:
        with reading(self.path) as file:
            text = file.read(_MOST + 1)
        found = json.loads(text) if len(text) <= _MOST else None
        if not isinstance(found, dict):
            raise ValueError("it is no note")  # noqa: TRY004 - of a file, not of an argument
        return {str(name): str(of) for name, of in found.items()}

    def _set_damaged_aside(self) -> None:
        if not os.path.lexists(self.path):
            return
        try:
            self._read()
        except (Trouble, ValueError, RecursionError):
            self.path.replace(self.path.with_suffix(".damaged"))
