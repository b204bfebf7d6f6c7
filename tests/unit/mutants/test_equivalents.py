"""The list of mutants that no test can kill has to be whole, and up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants import equivalents
from tests.mutants.choice import all_of
from tests.mutants.errors import MutantsError
from tests.mutants.packages import HOLDFAST

ENTRY = """\
[[equivalent]]
file = "a.py"
function = "f"
line = "x = 1"
changes = ["1 -> 2", "1 -> 2 (2)"]
reason = "nobody reads x"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "equivalents.toml"


def test_each_change_of_an_entry_is_a_key(path: Path) -> None:
    path.write_text(ENTRY)

    assert equivalents.read(path) == {
        ("a.py", "f", "x = 1", "1 -> 2"),
        ("a.py", "f", "x = 1", "1 -> 2 (2)"),
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('reason = "nobody reads x"\n', ""),
        ('"nobody reads x"', '""'),
        ('["1 -> 2", "1 -> 2 (2)"]', "[]"),
        ('["1 -> 2", "1 -> 2 (2)"]', '"1 -> 2"'),
        ('function = "f"', "lines = 3"),
    ],
)
def test_an_entry_that_is_not_whole_is_refused(path: Path, before: str, after: str) -> None:
    path.write_text(ENTRY.replace(before, after))

    with pytest.raises(MutantsError, match="an entry"):
        equivalents.read(path)


def test_an_entry_that_matches_nothing_is_named() -> None:
    with pytest.raises(MutantsError, match=r"(?s)match no mutant.*a\.py f: x = 1 \[1 -> 2\]"):
        equivalents.check([("a.py", "f", "x = 1", "1 -> 2")], [("a.py", "f", "x = 3", "3 -> 4")])


def test_the_projects_own_list_matches_its_code() -> None:
    there = all_of(HOLDFAST)

    equivalents.check(
        equivalents.read(HOLDFAST.equivalents),
        (mutant.key for mutants in there.values() for mutant in mutants),
    )
