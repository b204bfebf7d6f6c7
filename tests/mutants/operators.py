"""What is changed: each operator gives the edits that it makes at one syntax node.

An operator knows nothing of the nodes around; what is left alone is in left_out.py.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Iterator, Sequence

from tests.mutants.source import Edit, Source

Operator = Callable[[Source, ast.AST], Iterator[Edit]]

_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Is: ("is", "is not"),
    ast.IsNot: (r"is\s+not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: (r"not\s+in", "in"),
}
# Their mutants are their negations, so negating the condition would make the same mutant again.
_NEGATING = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)
_ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "*"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
    ast.BitOr: ("|", "&"),
    ast.BitAnd: ("&", "|"),
    ast.BitXor: ("^", "&"),
}
_FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any"}


def comparison(source: Source, node: ast.AST) -> Iterator[Edit]:
    """`<` and `<=`, `>` and `>=`, `==` and `!=`, `is` and `is not`, `in` and `not in`."""
    if not isinstance(node, ast.Compare):
        return
    operands = [node.left, *node.comparators]
    for operator, left, right in zip(node.ops, operands, node.comparators, strict=False):
        before, after = _COMPARISONS[type(operator)]
        yield _in_gap(source, source.end(left), source.start(right), before, after)


def boolean(source: Source, node: ast.AST) -> Iterator[Edit]:
    """`and` and `or`."""
    if not isinstance(node, ast.BoolOp):
        return
    before, after = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    edits = [
        _in_gap(source, source.end(left), source.start(right), rf"\b{before}\b", after)
        for left, right in itertools.pairwise(node.values)
    ]
    text = after
    for previous, edit in itertools.pairwise(edits):
        text += source.between(previous.end, edit.start) + after
    yield Edit(edits[0].start, edits[-1].end, text)


def condition(source: Source, node: ast.AST) -> Iterator[Edit]:
    """The condition of `if`, `while`, `assert` or a comprehension is negated."""
    for test in _conditions(node):
        negation = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
        compared = (
            isinstance(test, ast.Compare)
            and len(test.ops) == 1
            and isinstance(test.ops[0], _NEGATING)
        )
        if not (negation or compared or isinstance(test, ast.Constant)):
            yield source.replaced(test, f"not ({source.text(test)})")


def negation(source: Source, node: ast.AST) -> Iterator[Edit]:
    """`not x` becomes `x`."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        text = source.text(node.operand)
        simple = isinstance(node.operand, ast.Name | ast.Attribute | ast.Call)
        yield source.replaced(node, text if simple else f"({text})")


def arithmetic(source: Source, node: ast.AST) -> Iterator[Edit]:
    """`+` and `-`, `*` and `/`, `|` and `&`, and the like, also with `=`."""
    if isinstance(node, ast.BinOp) and not _is_type(node):
        before, after = _ARITHMETIC.get(type(node.op), ("", ""))
        start, end = source.end(node.left), source.start(node.right)
    elif isinstance(node, ast.AugAssign):
        before, after = _ARITHMETIC.get(type(node.op), ("", ""))
        start, end = source.end(node.target), source.start(node.value)
    else:
        return
    if before:
        yield _in_gap(source, start, end, re.escape(before), after)


def constant(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Another text, the other truth value, something instead of None, another number.

    Whole numbers are limits and counts, where one more is a fault; others are times and shares,
    where a test that notices less than another order of magnitude would have to measure.
    """
    if isinstance(node, ast.JoinedStr):
        yield source.replaced(node, '"mutated"')
    elif isinstance(node, ast.Constant) and node.value is not ...:
        yield source.replaced(node, _other(node.value, source.text(node)))


def function(source: Source, node: ast.AST) -> Iterator[Edit]:
    """`min` and `max`, `any` and `all`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        other = _FUNCTIONS.get(node.func.id)
        if other:
            yield source.replaced(node.func, other)


def call(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A statement that only calls, or deletes, is taken out."""
    calls = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await)
    if calls or isinstance(node, ast.Delete):
        yield source.replaced(node, "pass")


def raising(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A `raise` is taken out."""
    if isinstance(node, ast.Raise):
        yield source.replaced(node, "pass")


def returned(source: Source, node: ast.AST) -> Iterator[Edit]:
    """`return x` becomes `return None`; constants have mutants of their own."""
    if isinstance(node, ast.Return) and node.value and not isinstance(node.value, ast.Constant):
        yield source.replaced(node.value, "None")


def loop(source: Source, node: ast.AST) -> Iterator[Edit]:
    """`break` and `continue`."""
    if isinstance(node, ast.Break):
        yield source.replaced(node, "continue")
    elif isinstance(node, ast.Continue):
        yield source.replaced(node, "break")


def caught(source: Source, node: ast.AST) -> Iterator[Edit]:
    """One of the exceptions that `except` catches, or `suppress` suppresses, is not any more."""
    if isinstance(node, ast.ExceptHandler) and node.type:
        types = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        for rest in _each_left_out(source, types):
            yield source.replaced(node.type, f"({', '.join(rest)}{',' if rest else ''})")
    elif isinstance(node, ast.Call) and source.text(node.func) in {
        "suppress",
        "contextlib.suppress",
    }:
        for rest in _each_left_out(source, node.args):
            yield source.replaced(node, f"{source.text(node.func)}({', '.join(rest)})")


OPERATORS: dict[str, Operator] = {
    "comparison": comparison,
    "boolean": boolean,
    "condition": condition,
    "negation": negation,
    "arithmetic": arithmetic,
    "constant": constant,
    "function": function,
    "call": call,
    "raise": raising,
    "return": returned,
    "loop": loop,
    "except": caught,
}


def _in_gap(source: Source, start: int, end: int, before: str, after: str) -> Edit:
    """Replaces the operator, a pattern, that stands between two operands."""
    gap = source.between(start, end)
    found = re.search(before, gap)
    if found is None:
        raise ValueError(f"no {before!r} in {gap!r}")
    first = start + len(gap[: found.start()].encode())
    return Edit(first, first + len(found[0].encode()), after)


def _conditions(node: ast.AST) -> Sequence[ast.expr]:
    if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
        return [node.test]
    return node.ifs if isinstance(node, ast.comprehension) else []


def _is_type(node: ast.expr) -> bool:
    """Whether an expression is a union of types, as `isinstance` takes them."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _is_type(node.left) or _is_type(node.right)
    if isinstance(node, ast.Name | ast.Attribute):
        name = node.id if isinstance(node, ast.Name) else node.attr
        return name in {"bool", "bytes", "dict", "float", "int", "list", "set", "str", "tuple"} or (
            name[:1].isupper() and not name.isupper()
        )
    return False


def _other(value: object, text: str) -> str:
    if isinstance(value, bool):
        return str(not value)
    if isinstance(value, int):
        return f"0o{value + 1:o}" if text.startswith("0o") else str(value + 1)
    if isinstance(value, float):
        return str(value * 10 or 1.0)
    if value is None:
        return "1"
    return 'b"mutated"' if isinstance(value, bytes) else '"mutated"'


def _each_left_out(source: Source, nodes: Sequence[ast.expr]) -> Iterator[list[str]]:
    texts = [source.text(node) for node in nodes]
    for number in range(len(texts)):
        yield texts[:number] + texts[number + 1 :]
