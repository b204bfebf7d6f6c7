"""What no mutant is made of: what only people or type checkers read.

Sentences are left out wherever they stand: the tests hold that a message names what is wrong, not
each of its words.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator

_LOGGERS = {"_log", "log", "logger", "logging"}
_TYPING = {"TypeVar", "NewType", "ParamSpec", "cast"}
# Several words, or what a document shows as code.
_SENTENCE = re.compile(r"\w[\w'\"]*[,.:;)]?\s+\(?[\w'\"]|`")


def left_out(tree: ast.AST) -> set[ast.AST]:
    """The nodes of a file that get no mutant, and whose children get none either."""
    return {found for node in ast.walk(tree) for rule in _RULES for found in rule(node)}


def _annotations(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
        yield node.annotation
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from node.decorator_list
        if node.returns:
            yield node.returns
    elif isinstance(node, ast.ClassDef):
        yield from (*node.decorator_list, *node.bases, *node.keywords)
    elif isinstance(node, ast.Call) and _name(node.func) in _TYPING:
        yield from node.args[:1]
    elif isinstance(node, ast.Subscript) and _name(node.value) == "Literal":
        yield node


def _sentences(node: ast.AST) -> Iterator[ast.AST]:
    """Docstrings, messages, help texts."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node
    elif isinstance(node, ast.JoinedStr):
        # Its parts have no positions of their own before Python 3.12.
        yield from node.values
        parts = (part.value if isinstance(part, ast.Constant) else "x" for part in node.values)
        if _SENTENCE.search("".join(map(str, parts))):
            yield node
    elif _SENTENCE.search(_text(node)):
        yield node


def _messages(node: ast.AST) -> Iterator[ast.AST]:
    """The texts of what is raised, however short; and `from None`."""
    if not isinstance(node, ast.Raise):
        return
    if isinstance(node.cause, ast.Constant):
        yield node.cause
    for inner in ast.walk(node):
        if isinstance(inner, ast.JoinedStr) or _text(inner):
            yield inner


def _logs(node: ast.AST) -> Iterator[ast.AST]:
    call = node.value if isinstance(node, ast.Expr) else node
    if isinstance(call, ast.Call) and _root(call.func) in _LOGGERS:
        yield node


def _thread_names(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call) and _name(node.func) == "Thread":
        yield from (word for word in node.keywords if word.arg == "name")


def _compared_with_none(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare):
        sides = (node.left, *node.comparators)
        yield from (side for side in sides if isinstance(side, ast.Constant) and side.value is None)


def _never_run(node: ast.AST) -> Iterator[ast.AST]:
    """What is there for type checkers, or for who starts the file by itself."""
    checked = isinstance(node, ast.If) and {"TYPE_CHECKING", "__name__"} & set(_names(node.test))
    named = isinstance(node, ast.Assign) and any(map(_is_dunder, node.targets))
    if checked or named:
        yield node


_RULES: tuple[Callable[[ast.AST], Iterable[ast.AST]], ...] = (
    _annotations,
    _sentences,
    _messages,
    _logs,
    _thread_names,
    _compared_with_none,
    _never_run,
)


def _name(node: ast.AST) -> str:
    """The last word of a dotted name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.AST) -> str:
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return str(node.value) if is_text else ""  # type: ignore[attr-defined]


def _root(node: ast.AST) -> str:
    """The first word of a dotted name."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return _name(node)


def _names(node: ast.AST) -> Iterator[str]:
    return (_name(inner) for inner in ast.walk(node))


def _is_dunder(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id.startswith("__") and node.id.endswith("__")
