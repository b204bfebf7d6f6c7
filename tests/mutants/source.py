"""A source text, and where its syntax nodes stand in it.

Positions are in bytes, as `ast` counts columns. A mutant replaces a piece of the text, and not the
tree, so that every other line of the file keeps its number and its look.
"""

from __future__ import annotations

import ast
import itertools
from typing import NamedTuple


class Edit(NamedTuple):
    """The bytes from `start` up to `end` become `text`."""

    start: int
    end: int
    text: str


class Source:
    """The text of one file."""

    def __init__(self, text: str) -> None:
        self.data = text.encode()
        lengths = (len(line) for line in self.data.split(b"\n"))
        self._starts = [0, *itertools.accumulate(length + 1 for length in lengths)]

    def start(self, node: ast.AST) -> int:
        """Where a node begins."""
        line, column = node.lineno, node.col_offset  # type: ignore[attr-defined]
        return int(self._starts[line - 1] + column)

    def end(self, node: ast.AST) -> int:
        """Where a node ends."""
        line, column = node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
        return int(self._starts[line - 1] + column)

    def between(self, start: int, end: int) -> str:
        """The text from one position up to another."""
        return self.data[start:end].decode()

    def text(self, node: ast.AST) -> str:
        """The text of a node, without parentheses around it."""
        return self.between(self.start(node), self.end(node))

    def replaced(self, node: ast.AST, text: str) -> Edit:
        """The edit that puts `text` where a node is."""
        return Edit(self.start(node), self.end(node), text)

    def line_start(self, position: int) -> int:
        """Where the line of a position begins."""
        return self.data.rfind(b"\n", 0, position) + 1

    def line_end(self, position: int) -> int:
        """Where the line of a position ends, without its line feed."""
        found = self.data.find(b"\n", position)
        return len(self.data) if found < 0 else found

    def line_number(self, position: int) -> int:
        """The number of the line of a position, from 1."""
        return self.data.count(b"\n", 0, position) + 1

    def applied(self, edit: Edit) -> bytes:
        """The whole text after an edit."""
        return self.data[: edit.start] + edit.text.encode() + self.data[edit.end :]
