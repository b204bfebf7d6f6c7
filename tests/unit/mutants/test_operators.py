"""Each operator makes the changes that its name says, and no others."""

from __future__ import annotations

import ast

import pytest

from tests.mutants.operators import OPERATORS
from tests.mutants.source import Source


def changed(operator: str, text: str) -> list[str]:
    """The texts that an operator makes of one."""
    source = Source(text)
    edits = (
        edit for node in ast.walk(ast.parse(text)) for edit in OPERATORS[operator](source, node)
    )
    texts = [source.applied(edit).decode() for edit in edits]
    for one in texts:
        ast.parse(one)
    return texts


@pytest.mark.parametrize(
    ("operator", "text", "expected"),
    [
        ("comparison", "a < b", ["a <= b"]),
        ("comparison", "a <= b > c", ["a < b > c", "a <= b >= c"]),
        ("comparison", "a >= (b)", ["a > (b)"]),
        ("comparison", "(a or b) == c", ["(a or b) != c"]),
        ("comparison", "a != b", ["a == b"]),
        ("comparison", "a is b", ["a is not b"]),
        ("comparison", "a is  not b", ["a is b"]),
        ("comparison", "a in b", ["a not in b"]),
        ("comparison", "a not in b", ["a in b"]),
        ("comparison", "'é' < b", ["'é' <= b"]),
        ("boolean", "a and b", ["a or b"]),
        ("boolean", "a or (b) or c", ["a and (b) and c"]),
        ("boolean", "land and (not band)", ["land or (not band)"]),
        ("condition", "if a and b: c()", ["if not (a and b): c()"]),
        ("condition", "while a < b: c()", ["while not (a < b): c()"]),
        ("condition", "x = a if b else c", ["x = a if not (b) else c"]),
        ("condition", "[a for a in b if a]", ["[a for a in b if not (a)]"]),
        ("condition", "assert a", ["assert not (a)"]),
        ("condition", "while True: a()", []),
        ("condition", "if not a: b()", []),
        ("condition", "if a == b: c()", []),
        ("negation", "a = not b", ["a = b"]),
        ("negation", "a and not (b or c)", ["a and (b or c)"]),
        ("arithmetic", "a + b", ["a - b"]),
        ("arithmetic", "a ** b", ["a * b"]),
        ("arithmetic", "a // b % c", ["a // b * c", "a * b % c"]),
        ("arithmetic", "a += 1", ["a -= 1"]),
        ("arithmetic", "os.O_RDONLY | os.O_EXCL", ["os.O_RDONLY & os.O_EXCL"]),
        ("arithmetic", "isinstance(a, Plan | kube.Wait)", []),
        ("constant", "a = 1", ["a = 2"]),
        ("constant", "a = 0o700", ["a = 0o701"]),
        ("constant", "a = 0.5", ["a = 5.0"]),
        ("constant", "a = 0.0", ["a = 1.0"]),
        ("constant", "a = True", ["a = False"]),
        ("constant", "a = None", ["a = 1"]),
        ("constant", "a = ''", ['a = "mutated"']),
        ("constant", "a = b'x'", ['a = b"mutated"']),
        ("constant", "a = ...", []),
        ("function", "min(a, key=any(b))", ["max(a, key=any(b))", "min(a, key=all(b))"]),
        ("function", "a.min(b)", []),
        ("call", "a(\n  b,\n)", ["pass"]),
        ("call", "del a[b]", ["pass"]),
        ("call", "a = b()", []),
        ("raise", "raise A from b", ["pass"]),
        ("return", "def f(): return a + b", ["def f(): return None"]),
        ("return", "def f(): return False", []),
        ("return", "def f(): return", []),
        ("loop", "for a in b: break", ["for a in b: continue"]),
        ("loop", "for a in b: continue", ["for a in b: break"]),
        ("except", "try: a()\nexcept B: pass", ["try: a()\nexcept (): pass"]),
        ("except", "try: a()\nexcept: pass", []),
        (
            "except",
            "try: a()\nexcept (B, c.D): pass",
            ["try: a()\nexcept (c.D,): pass", "try: a()\nexcept (B,): pass"],
        ),
        ("except", "suppress(A)", ["suppress()"]),
        (
            "except",
            "contextlib.suppress(A, B)",
            ["contextlib.suppress(B)", "contextlib.suppress(A)"],
        ),
    ],
)
def test_an_operator_makes_its_changes(operator: str, text: str, expected: list[str]) -> None:
    assert sorted(changed(operator, text)) == sorted(expected)
