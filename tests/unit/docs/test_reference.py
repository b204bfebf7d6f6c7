from __future__ import annotations

import re
from pathlib import Path

import pytest

from testbed import reference

DOCUMENTS = sorted(reference.DOCUMENTS.glob("*.md"))
README = reference.DOCUMENTS.parent / "README.md"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_tables_of_a_document_are_those_of_the_code(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert reference.current(text) == text, "run `make docs`"


def test_every_table_stands_in_some_document() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)

    assert set(re.findall(r"<!-- table: (\w+) -->", text)) == set(reference.TABLES)


@pytest.mark.parametrize("path", [README, *DOCUMENTS], ids=lambda path: path.name)
def test_every_link_to_a_file_leads_to_one(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))

    assert [target for target in targets if not (path.parent / target).exists()] == []
