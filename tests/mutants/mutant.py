"""One change to one file, and all the changes that can be made to it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.mutants.left_out import left_out
from tests.mutants.operators import OPERATORS
from tests.mutants.source import Edit, Source

MODULE = "<module>"


@dataclass(frozen=True, slots=True)
class Scope:
    """The function or class around a node; `runs` is False for what runs at import only."""

    name: str = MODULE
    lines: range = range(0)
    runs: bool = False


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file with one change.

    Attributes:
        file: the path from the project's root.
        scope: the function or class that it is in.
        operator: the kind of change, a key of `OPERATORS`.
        change: what becomes what; with a number where a line has the same change twice.
        text: the line, without its indentation, as it is.
        lines: the numbers of the lines whose run means that the changed place was run.
        diff: the line with the change marked as `git diff --word-diff` does.
        edit: the change of the text, in bytes.
    """

    file: str
    scope: Scope
    operator: str
    change: str
    text: str
    lines: range
    diff: str
    edit: Edit

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is known by in lists that outlive other changes of the file."""
        return self.file, self.scope.name, self.text, self.change

    @property
    def place(self) -> str:
        """File and line, as editors understand it."""
        return f"{self.file}:{self.lines.start}"

    def apply(self, root: Path) -> None:
        """Changes the file below another root."""
        path = root / self.file
        path.write_bytes(Source(path.read_text(encoding="utf-8")).applied(self.edit))


def find(root: Path, file: str) -> list[Mutant]:
    """All mutants of a file, from its top to its end."""
    text = (root / file).read_text(encoding="utf-8")
    source, tree = Source(text), ast.parse(text, file)
    found = (
        _mutant(source, file, scope, operator, edit)
        for node, scope in _nodes(tree, Scope(), left_out(tree))
        for operator, edits in OPERATORS.items()
        for edit in edits(source, node)
    )
    return list(_numbered(sorted(found, key=lambda mutant: mutant.edit)))


def find_in(root: Path, folder: str) -> list[Mutant]:
    """All mutants of the files of a folder."""
    files = sorted((root / folder).rglob("*.py"))
    return [mutant for file in files for mutant in find(root, str(file.relative_to(root)))]


def _nodes(node: ast.AST, scope: Scope, skipped: set[ast.AST]) -> Iterator[tuple[ast.AST, Scope]]:
    if node in skipped:
        return
    yield node, scope
    inner = scope
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        inner = _entered(node, scope)
    for child in ast.iter_child_nodes(node):
        at_import = isinstance(child, ast.arguments) and inner is not scope
        yield from _nodes(child, replace(inner, runs=False) if at_import else inner, skipped)


def _entered(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, scope: Scope) -> Scope:
    name = node.name if scope.name == MODULE else f"{scope.name}.{node.name}"
    lines = range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
    return Scope(name, lines, not isinstance(node, ast.ClassDef))


def _mutant(source: Source, file: str, scope: Scope, operator: str, edit: Edit) -> Mutant:
    first = source.line_start(edit.start)
    before = source.between(edit.start, edit.end)
    return Mutant(
        file=file,
        scope=scope,
        operator=operator,
        change=f"{_flat(before)} -> {_flat(edit.text)}",
        text=source.between(first, source.line_end(first)).strip(),
        lines=range(source.line_number(edit.start), source.line_number(edit.end) + 1),
        diff=_diff(source, edit),
        edit=edit,
    )


def _diff(source: Source, edit: Edit) -> str:
    head = source.between(source.line_start(edit.start), edit.start)
    tail = source.between(edit.end, source.line_end(edit.end))
    before = source.between(edit.start, edit.end)
    return _flat(f"{head}[-{before}-]{{+{edit.text}+}}{tail}")


def _flat(text: str) -> str:
    return " ".join(text.split())


def _numbered(mutants: list[Mutant]) -> Iterator[Mutant]:
    seen: Counter[tuple[str, str, str, str]] = Counter()
    for mutant in mutants:
        seen[mutant.key] += 1
        number = seen[mutant.key]
        yield mutant if number == 1 else replace(mutant, change=f"{mutant.change} ({number})")
