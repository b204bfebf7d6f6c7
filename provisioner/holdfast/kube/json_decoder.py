"""Decodes JSON of the API server, however deeply it is nested.

Whoever may create a claim can nest its `metadata.managedFields` thousands of levels deep. Python's
decoder refuses such JSON, and with it the whole list or watch event that the claim is in.
"""

from __future__ import annotations

import json
import re
from typing import Any

# Levels that are kept. No field that Holdfast reads lies below a tenth of them.
DEEPEST = 100

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)


def loads(data: bytes | str) -> Any:
    """Decodes JSON; what is nested too deeply for Python is cut off below `DEEPEST` levels.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        return json.loads(data)
    except RecursionError:
        return json.loads(_cut(data if isinstance(data, bytes) else data.encode()))


def _cut(data: bytes) -> bytes:
    """The JSON with null for each object and array below `DEEPEST` levels."""
    parts, kept, depth = list[bytes](), 0, 0
    for token in _TOKEN.finditer(data):
        if token[0] in {b"[", b"{"}:
            depth += 1
            if depth == DEEPEST + 1:
                parts.append(data[kept : token.start()])
        elif token[0] in {b"]", b"}"}:
            if depth == DEEPEST + 1:
                parts.append(b"null")
                kept = token.end()
            depth -= 1
    if depth:
        raise ValueError("the JSON breaks off")
    return b"".join((*parts, data[kept:]))
