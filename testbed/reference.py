"""Writes into the documents what the code knows: `make docs`.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`; a test sees to it that what
is committed is what the code says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from holdfast.claims.parameters import TABLE
from holdfast.cli.run import run
from holdfast.controller.permissions import NEEDED, NEEDED_TO_LEAD

DOCUMENTS = Path(__file__).parent.parent / "docs"

_BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def parameters() -> str:
    """The parameters of a StorageClass."""
    rows = [(f"`{row.name}`", row.values, row.default, row.meaning) for row in TABLE]
    return _table(("parameter", "values", "default", "meaning"), rows)


def options() -> str:
    """The options of `holdfast run`, with their environment variables."""
    rows = []
    for option in run.params:
        details = option.to_info_dict()
        default = "" if details["default"] is None else f"`{details['default']}`"
        required = "required" if details["required"] else default
        name = f"`{details['opts'][0]}`"
        rows.append((f"`{details['envvar']}`", name, required, details["help"]))
    return _table(("variable", "option", "default", "meaning"), rows)


def permissions() -> str:
    """What the provisioner's service account must be allowed."""
    rows = [
        (f"`{resource.api}`", f"`{resource.plural}`", ", ".join(verbs), where)
        for granted, where in ((NEEDED, "cluster"), (NEEDED_TO_LEAD, "its own namespace"))
        for resource, verbs in granted.items()
    ]
    return _table(("API", "resource", "verbs", "where"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "parameters": parameters,
    "options": options,
    "permissions": permissions,
}


def current(text: str) -> str:
    """A document with its tables as the code has them now."""
    return _BLOCK.sub(lambda match: match[1] + TABLES[match[2]]() + match[3], text)


def main() -> None:
    """Rewrites every document whose tables are not current."""
    for path in sorted(DOCUMENTS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if (renewed := current(text)) != text:
            path.write_text(renewed, encoding="utf-8")
            print(f"renewed {path.name}")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
