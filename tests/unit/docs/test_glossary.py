"""docs/glossary.md names modules that exist, and names that are in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import holdfast
from testbed import reference

PACKAGE = Path(holdfast.__file__).parent
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (reference.DOCUMENTS / "glossary.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and "`" in line
]
PLACES = [(row[0], part.strip()) for row in ROWS for part in re.split("[;,]", row[-1])]


def test_each_term_has_one_row_with_a_meaning_and_a_place() -> None:
    terms = [row[0] for row in ROWS]

    assert {"term", "record", "export", "work gate"} <= set(terms)
    assert [len(row) for row in ROWS] == [3] * len(ROWS)
    assert all(all(row) for row in ROWS)
    assert len(set(terms)) == len(terms)


def test_the_terms_are_in_alphabetical_order() -> None:
    terms = [row[0].casefold() for row in ROWS]

    assert terms == sorted(terms)


@pytest.mark.parametrize(("term", "place"), PLACES)
def test_each_place_names_a_module_and_a_name_in_it(term: str, place: str) -> None:
    found = re.fullmatch(r"`([a-z_/]+\.py)`(?:: `(\w+)`)?", place)
    assert found is not None, f"{term}: {place}"

    text = (PACKAGE / found[1]).read_text(encoding="utf-8")

    assert found[2] is None or re.search(rf"\b{found[2]}\b", text)
