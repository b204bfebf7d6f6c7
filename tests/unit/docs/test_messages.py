"""docs/operations.md quotes messages as the code has them."""

from __future__ import annotations

import ast
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import holdfast
from testbed import reference

PACKAGE = Path(holdfast.__file__).parent
OPERATIONS = (reference.DOCUMENTS / "operations.md").read_text(encoding="utf-8")
HEADS = ("| the event says |", "| the event on a volume says |", "| message |")
# What differs from message to message (names, numbers, ids), and others' own words.
_OTHERS = f"{re.escape(os.strerror(errno.EACCES))}; |failed calling webhook"
VARIABLE = rf"'…'|…|\bID\b|\d+|{_OTHERS}"


def quoted() -> list[str]:
    """The messages in the first cells of the tables that quote them."""
    found = list[str]()
    for head in HEADS:
        rows = OPERATIONS.partition(f"\n{head}")[2].partition("\n\n")[0].splitlines()
        for row in rows[1:]:
            found += re.findall("`(.+?)`", row.split("|")[1])
    return found


def segments() -> Iterator[str]:
    """The literal parts of all strings in the code, between which values stand; no docstrings."""
    for path in PACKAGE.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if isinstance(node, ast.Constant) and id(node) not in docstrings:
                yield str(node.value)


TEXT = "\n".join(segments())


def is_in_the_code(literal: str) -> bool:
    """Whether it is part of one string, or one ends and another begins with its parts."""
    if literal in TEXT:
        return True
    splits = ((literal[:at], literal[at:]) for at in range(1, len(literal)))
    return any(f"{first}\n" in TEXT and f"\n{second}" in TEXT for first, second in splits)


def test_messages_are_quoted() -> None:
    assert len(quoted()) > 12
    assert not is_in_the_code("is the folder of volume")


@pytest.mark.parametrize("message", quoted())
def test_a_quoted_message_is_in_the_code(message: str) -> None:
    literals = [part.strip() for part in re.split(VARIABLE, message)]

    assert [part for part in literals if part and not is_in_the_code(part)] == []
