"""The choice of mutants is spread, the same each time, and hardly moved by other changes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.mutants.mutant import Mutant, find_in
from tests.mutants.sample import sample


def mutants(root: Path, **files: str) -> list[Mutant]:
    for name, text in files.items():
        (root / f"{name}.py").write_text(text, encoding="utf-8")
    return find_in(root, ".")


def numbers(count: int) -> str:
    return "".join(f"A{number} = {number}\n" for number in range(count))


def calls(count: int) -> str:
    return "".join(f"a{number}()\n" for number in range(count))


def test_so_many_are_chosen_in_their_order(tmp_path: Path) -> None:
    there = mutants(tmp_path, a=numbers(50))

    chosen = sample(there, 7, seed=0)

    assert len(chosen) == 7
    assert chosen == [mutant for mutant in there if mutant in chosen]


def test_all_are_chosen_where_there_are_fewer(tmp_path: Path) -> None:
    there = mutants(tmp_path, a=numbers(5))

    assert sample(there, 7, seed=0) == there


def test_a_seed_always_chooses_the_same_and_another_one_others(tmp_path: Path) -> None:
    there = mutants(tmp_path, a=numbers(50))

    assert sample(there, 7, seed=1) == sample(there, 7, seed=1)
    assert sample(there, 7, seed=1) != sample(there, 7, seed=2)


def test_files_and_operators_have_their_shares(tmp_path: Path) -> None:
    there = mutants(tmp_path, a=numbers(40), b=numbers(20) + calls(20))

    chosen = Counter((mutant.file, mutant.operator) for mutant in sample(there, 40, seed=3))

    assert chosen.total() == 40
    assert abs(chosen["a.py", "constant"] - 20) <= 1
    assert abs(chosen["b.py", "constant"] - 10) <= 1
    assert abs(chosen["b.py", "call"] - 10) <= 1


def test_a_line_more_above_changes_nothing(tmp_path: Path) -> None:
    before = sample(mutants(tmp_path, a=numbers(50)), 7, seed=0)
    after = sample(mutants(tmp_path, a="import b\n" + numbers(50)), 7, seed=0)

    assert [mutant.key for mutant in after] == [mutant.key for mutant in before]
